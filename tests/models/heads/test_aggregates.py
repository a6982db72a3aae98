"""Aggregates from interactions: the product's own numbers where both have a name, and the rest by hand."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from mien.core.clock import DAY_US, HOUR_US, parse_time, to_us
from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.core.item import Facet
from mien.core.tables import LOG, LOGGED
from mien.features.engine import connect
from mien.features.state import FoldSettings
from mien.features.vector import user_features
from mien.models.heads.aggregates import aggregates
from mien.models.heads.fused import fused, svd_vectors
from mien.models.interactions import Interactions

NOW_US = to_us(parse_time("2023-11-14T12:00:00Z"))
COLOUR = Facet("colour", 0, ("blue", "red"), np.array([0, 1, -1] * 10, dtype=np.int32))
BUY = ACTION_CODE[Action.PURCHASE]


def crowd(n: int = 800) -> pa.Table:
    """Acts of some users on items over 200 days, some after the moment, none at the same time."""
    random = np.random.default_rng(0)
    at = NOW_US - random.choice(200 * 86_400, n, replace=False).astype(np.int64) * 1_000_000 + 10 * DAY_US
    columns = {
        LOGGED.USER: random.integers(0, 20, n),
        LOGGED.EVENT_ID: [f"e{k}" for k in range(n)],
        LOGGED.SOURCE: ["till"] * n,
        LOGGED.ACTION: [str(ACTIONS[k]) for k in random.choice([1, 2, 5, 6, 10], n)],
        LOGGED.AT: at,
        LOGGED.ITEM: random.integers(0, 30, n),
        LOGGED.VALUE: random.uniform(1, 50, n),
        LOGGED.QUANTITY: random.integers(1, 4, n).astype(float),
    }
    rest = {field.name: [None if field.nullable else 0] * n for field in LOG if field.name not in columns}
    return pa.table({name: pa.array(part) for name, part in (columns | rest).items()}).select(LOG.names).cast(LOG)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_they_are_the_products_own_features(zone: str) -> None:
    log, rules = crowd(), FoldSettings(zone=zone)
    judged = connect(threads=1, memory="1GB").create_table("judged", ibis.memtable(log), temp=True)
    theirs = user_features(judged, rules, NOW_US, facets=[COLOUR])
    data = Interactions.from_table(log, n_users=20, n_items=30)
    ours = aggregates(data, NOW_US, facets=[COLOUR], settings=rules)
    assert ours.users.tolist() == theirs.users.tolist()
    assert not set(theirs.names) - set(ours.names)
    for name in theirs.names:
        np.testing.assert_allclose(ours.column(name), theirs.column(name), rtol=1e-9, atol=1e-9, err_msg=name)


def test_nothing_after_the_moment_leaks_in() -> None:
    data = Interactions.from_table(crowd(), n_users=20, n_items=30)
    whole = aggregates(data, NOW_US, facets=[COLOUR])
    alone = aggregates(data.until(NOW_US), NOW_US, facets=[COLOUR])
    assert whole.names == alone.names
    np.testing.assert_array_equal(whole.values, alone.values)
    assert len(set(whole.names)) == len(whole.names)


def test_habits_by_hand() -> None:
    """Orders 40, 30 and 10 days ago (2 + 1 + 1 lines; item 0 again); a second user with one order."""
    days = np.array([40, 40, 30, 10, 5])
    data = Interactions.of(
        [0, 0, 0, 0, 1], [0, 1, 0, 2, 0], [BUY] * 5, NOW_US - days * DAY_US, [1.0, 2, 3, 4, 9], n_users=3, n_items=3
    )
    matrix = aggregates(data, NOW_US)
    value = dict(zip(matrix.names, matrix.values[0].tolist(), strict=True))
    assert matrix.users.tolist() == [0, 1]
    assert value["orders"] == 3
    assert value["orders.14d"] == 1
    assert value["orders.half30"] == pytest.approx(2 ** (-40 / 30) + 0.5 + 2 ** (-10 / 30))
    assert value["gap_days"] == 15
    assert value["gap.spread_days"] == 5
    assert value["gap.last_days"] == value["gap.longest_days"] == 20
    assert value["due"] == pytest.approx(10 / 15)
    assert value["due.longest"] == 0.5
    assert value["order_3_back_days"] == 40
    assert np.isnan(value["order_5_back_days"])
    assert value["order.lines"] == pytest.approx(4 / 3)
    assert value["order.value.last"] == 4
    assert value["repeat.share"] == 0.25
    assert value["items.again"] == 1
    assert value["items.favourite"] == 2
    assert value["weeks_with_orders.12"] == 3
    other = dict(zip(matrix.names, matrix.values[1].tolist(), strict=True))
    assert np.isnan(other["gap_days"])
    assert np.isnan(other["due"])
    assert not np.isinf(matrix.values).any()


def test_a_frozen_vector_stands_beside() -> None:
    data = Interactions.from_table(crowd(), n_users=21, n_items=30)
    source = svd_vectors(data, NOW_US - 60 * DAY_US, 0, dim=8)
    matrix = aggregates(data, NOW_US)
    vectors = source(data, matrix.users, NOW_US)
    both = fused(matrix, vectors)
    assert both.names[-8:] == tuple(f"vector.{k}" for k in range(8))
    np.testing.assert_array_equal(both.values[:, -8:], vectors)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    early = data.before(NOW_US - 60 * DAY_US)
    again = svd_vectors(early, NOW_US - 60 * DAY_US, 0, dim=8)(data, matrix.users, NOW_US)
    np.testing.assert_array_equal(vectors, again)  # what came later did not teach the source
    assert not source(data, np.array([20], dtype=np.int32), NOW_US).any()


def test_the_clock_is_the_shops() -> None:
    night = Interactions.of([0], [0], [BUY], [NOW_US - 12 * HOUR_US], n_users=1, n_items=1)
    for zone, hour in (("UTC", 0), ("Asia/Shanghai", 8)):
        matrix = aggregates(night, NOW_US, settings=FoldSettings(zone=zone))
        assert matrix.column("hour.cos")[0] == pytest.approx(np.cos(hour * 2 * np.pi / 24))
