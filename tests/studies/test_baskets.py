"""The split by time and the first order after it, by hand."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE
from mien.models.interactions import Interactions
from mien.studies.baskets import split_baskets

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]
T = 100 * DAY_US


def rows(*acts: tuple[int, int, int, float]) -> Interactions:
    """(user, item, action, days after T)."""
    user, item, action, day = zip(*acts, strict=True)
    at = [T + round(d * DAY_US) for d in day]
    return Interactions.of(user, item, action, at, n_users=6, n_items=5)


DATA = rows(
    (0, 0, BUY, -50),
    (0, 0, BUY, 0),  # at the moment itself: after
    (0, 1, BUY, 0),
    (0, 2, BUY, 1),  # a second order
    (1, 3, BUY, -3),
    (1, 3, VIEW, 1),  # not a purchase
    (1, 4, BUY, 2),
    (2, 1, BUY, 3),  # without a history
    (3, 1, VIEW, -2),  # a history without a purchase
    (3, 1, BUY, 13),
    (4, 0, BUY, -1),
    (4, 0, BUY, 20),  # after the window
    (5, 0, BUY, -1),
)


def test_first_orders_of_the_window() -> None:
    baskets = split_baskets(DATA, T)
    assert baskets.users.tolist() == [0, 1, 2, 3]
    pairs = [(int(baskets.users[k]), int(i)) for k, i in zip(baskets.basket, baskets.item, strict=True)]
    assert pairs == [(0, 0), (0, 1), (1, 4), (2, 1), (3, 1)]
    assert baskets.again.tolist() == [True, False, False, False, False]
    assert baskets.relevant().tolist() == [2, 1, 1, 1]
    assert baskets.relevant(~baskets.again).tolist() == [1, 1, 1, 1]
    assert baskets.known.tolist() == [True, True, False, True]
    assert baskets.measured.tolist() == [True, True, False, True]
    assert baskets.orders.tolist() == [1, 1, 0, 0]
    assert (baskets.train.at_us < T).all()


def test_active_users_bought_lately() -> None:
    assert split_baskets(DATA, T, active_days=28).measured.tolist() == [False, True, False, False]
    assert split_baskets(DATA, T, active_days=50).measured.tolist() == [True, True, False, False]


def test_without_an_end_any_later_order_counts() -> None:
    baskets = split_baskets(DATA, T, test_days=None)
    assert baskets.users.tolist() == [0, 1, 2, 3, 4]
    assert baskets.end_us == T + 20 * DAY_US + 1


def test_the_default_is_the_last_two_weeks() -> None:
    baskets = split_baskets(DATA)
    assert baskets.at_us == T + 6 * DAY_US + 1
    assert baskets.users.tolist() == [3, 4]


def test_a_sample_is_seeded() -> None:
    one, two = (split_baskets(DATA, T, max_users=2, seed=1) for _ in range(2))
    assert one.users.tolist() == two.users.tolist()
    assert len(one.users) == 2
    assert set(one.basket.tolist()) == {0, 1}


def test_the_split_is_described() -> None:
    assert split_baskets(DATA, T).to_dict() == {
        "at": "1970-04-11T00:00:00Z",
        "end": "1970-04-25T00:00:00Z",
        "active_days": None,
        "train_events": 5,
        "users": 3,
        "users_without_history": 1,
        "mean_basket": 1.333,
        "already_bought": 0.2,
    }


@pytest.mark.parametrize(("at", "side"), [(T - 60 * DAY_US, "before"), (T + 60 * DAY_US, "after")])
def test_a_side_without_purchases_is_refused(at: int, side: str) -> None:
    with pytest.raises(UsageError, match=f"Nothing was bought {side}"):
        split_baskets(DATA, at)


def test_no_purchase_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="no purchase in the data"):
        split_baskets(DATA.select(np.isin(DATA.action, [VIEW])), T)
