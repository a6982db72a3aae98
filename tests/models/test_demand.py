"""Demand, counted by hand."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import NotReady
from mien.core.event import ACTION_CODE, Action
from mien.models.demand import Demand
from mien.models.interactions import Interactions

BUY, VIEW = ACTION_CODE[Action.PURCHASE], ACTION_CODE[Action.VIEW]


def _demand(at_days=100):
    days = [0, 20, 80, 95, 99, 99, 101]
    return Demand.fit(
        Interactions.of(
            [0, 0, 1, 1, 2, 0, 2], [0, 0, 0, 1, 0, 1, 1], [BUY, BUY, BUY, BUY, VIEW, BUY, BUY],
            np.array(days) * DAY_US, n_users=3, n_items=3,
        ),
        at_us=at_days * DAY_US,
    )  # fmt: skip


def test_windows_end_at_the_moment_and_only_purchases_count():
    demand = _demand()
    assert demand.short.tolist() == [1, 2, 0]
    assert demand.long.tolist() == [2, 2, 0]
    assert demand.buyers.tolist() == [2, 2, 0]


def test_a_catalogue_that_grew_has_items_never_bought():
    assert _demand().widened(5).buyers.tolist() == [2, 2, 0, 0, 0]


def test_saved_demand_is_the_same(tmp_path):
    with pytest.raises(NotReady):
        Demand.load(tmp_path)
    _demand().save(tmp_path)
    again = Demand.load(tmp_path)
    assert all((getattr(again, name) == getattr(_demand(), name)).all() for name in ("short", "long", "buyers"))
