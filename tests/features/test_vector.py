"""The feature matrix: against the states, as of a moment, and by hand."""

import ibis
import numpy as np
import pytest
from feature_events import START_US, folded, log_table, some_events

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName
from mien.core.event import ACTION_CODE, ACTIONS, Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.core.item import Facet
from mien.features.decay import decayed
from mien.features.engine import connect
from mien.features.state import FoldSettings
from mien.features.transitions import order_gap_days, transitions
from mien.features.vector import FeatureMatrix, user_features
from mien.features.weights import DEFAULT_WEIGHTS
from mien.features.windows import windows

RULES = FoldSettings(zone="America/New_York")
COLOUR = Facet("colour", 0, ("blue", "red"), np.array([0, 1] * 20, dtype=np.int32))


def matrix_of(events: list[LoggedEvent], at_us: int, **more: object) -> FeatureMatrix:
    con = connect(threads=2, memory="1GB")
    judged = con.create_table("judged", ibis.memtable(log_table(events)), temp=True)
    return user_features(judged, RULES, at_us, **more)


@pytest.fixture(scope="module")
def crowd() -> tuple[list[LoggedEvent], int, FeatureMatrix]:
    events = some_events(500, 6)
    at_us = START_US + 300 * DAY_US
    return events, at_us, matrix_of(events, at_us, facets=[COLOUR])


def test_it_says_what_the_states_say(crowd) -> None:
    events, at_us, matrix = crowd
    states = folded([event for event in events if event.at_us <= at_us], RULES)
    assert matrix.users.tolist() == sorted(states)
    for row, user in enumerate(matrix.users.tolist()):
        state = states[user]
        value = dict(zip(matrix.names, matrix.values[row].tolist(), strict=True))
        for action, counts in windows(state, at_us).items():
            assert {w: value[f"{action}.{w}"] for w in counts} == counts
        assert value["events.all"] == state.events
        assert value["active_days"] == len({day for day, _ in state.days})
        assert value["items"] == len({item for item, _ in state.tallies if item >= 0})
        assert value["recency_days"] == pytest.approx((at_us - state.last_us) / DAY_US)
        assert value["tenure_days"] == pytest.approx((at_us - state.first_us) / DAY_US)
        assert value["orders"] == len(state.orders)
        assert value["gap_days"] == pytest.approx(order_gap_days(state))
        assert value["spend.all"] == pytest.approx(sum(money for _, money in state.orders.values()))
        assert value["hour.sin"] == pytest.approx(
            sum(n * np.sin(2 * np.pi * hour / 24) for hour, n in enumerate(state.hours)) / sum(state.hours)
        )
        assert value["weekend"] == pytest.approx(sum(state.weekdays[5:]) / sum(state.weekdays))
        steps = transitions(state)
        views = sum(n for (before, _), n in steps.items() if before == 1)
        assert value["view>cart"] == pytest.approx(steps.get((1, ACTION_CODE[Action.CART]), 0) / views)
        tallies = state.arrays()
        liking = DEFAULT_WEIGHTS.array[tallies.action] * decayed(tallies.slow, at_us, RULES.slow_days)
        blue, red = (liking[(tallies.item >= 0) & (tallies.item % 2 == code)].sum() for code in (0, 1))
        assert value["colour=blue"] == pytest.approx(max(blue, 0) / (max(blue, 0) + max(red, 0)))


def test_nothing_after_the_moment_leaks_in(crowd) -> None:
    events, at_us, matrix = crowd
    alone = matrix_of([event for event in events if event.at_us <= at_us], at_us, facets=[COLOUR])
    assert alone.names == matrix.names
    np.testing.assert_allclose(alone.values, matrix.values, rtol=1e-9)


def test_what_is_unknown_is_nan() -> None:
    view = LoggedEvent(UserRow(3), "a", Action.VIEW, START_US, ItemRow(0))
    matrix = matrix_of([view], START_US)
    value = dict(zip(matrix.names, matrix.values[0].tolist(), strict=True))
    assert value["view.7d"] == value["items"] == 1
    assert value["orders"] == 0
    assert all(np.isnan(value[name]) for name in ("gap_days", "average_order", "order_recency_days"))
    assert not [name for name in matrix.names if ">" in name]


def test_columns_by_name(crowd) -> None:
    matrix = crowd[2]
    assert len(set(matrix.names)) == len(matrix.names)
    two = matrix.only(["orders", "items"])
    assert (two.values[:, 1] == matrix.column("items")).all()
    assert matrix.only(["colour=green"], absent=0.0).values.tolist() == [[0.0]] * 6
    with pytest.raises(UnknownName, match=r"Nearest: .*spend\.7d"):
        matrix.only(["spend7d"])
    assert {f"{action}.90d" for action in ACTIONS} <= set(matrix.names)
