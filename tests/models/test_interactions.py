"""Interactions: sorted, told once, cut by time; the columns every model reads."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE
from mien.core.tables import LOGGED, TIME
from mien.models.interactions import Interactions

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]


def test_rows_are_sorted_by_user_and_time() -> None:
    data = Interactions.of([1, 0, 0], [2, 1, 0], [BUY] * 3, [5, 9, 3], n_users=2, n_items=3)
    assert data.user.tolist() == [0, 0, 1]
    assert data.at_us.tolist() == [3, 9, 5]
    assert data.offsets.tolist() == [0, 2, 3]


def test_a_row_told_twice_counts_once_and_lines_of_one_act_are_summed() -> None:
    data = Interactions.of(
        [0, 0, 0], [1, 1, 1], [BUY] * 3, [7, 7, 7], [2.0, 2.0, 3.0], [1.0, 1.0, 4.0], n_users=1, n_items=2
    )
    assert len(data) == 1
    assert data.value.tolist() == [5.0]
    assert data.quantity.tolist() == [5.0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 5), st.integers(0, 2)), max_size=30))
def test_order_and_repeats_of_the_input_do_not_matter(rows: list[tuple[int, int, int, int]]) -> None:
    def made(rows: list[tuple[int, int, int, int]]) -> Interactions:
        user, item, at, value = zip(*rows, strict=True) if rows else ([], [], [], [])
        return Interactions.of(user, item, [BUY] * len(rows), at, value, n_users=4, n_items=3)

    one, two = made(rows), made([*reversed(rows), *rows])
    for name in ("user", "item", "at_us", "value", "quantity"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_users_can_be_picked_in_any_order_and_twice() -> None:
    data = Interactions.of([0, 1, 1, 3], [0, 1, 2, 0], [BUY] * 4, [1, 2, 3, 4], n_users=4, n_items=3)
    picked = data.of_users([1, 2, 1])
    assert picked.n_users == 3
    assert picked.user.tolist() == [0, 0, 2, 2]
    assert picked.item.tolist() == [1, 2, 1, 2]
    assert len(data.of_users([])) == 0


def test_before_is_strict_and_until_is_not() -> None:
    data = Interactions.of([0, 0], [0, 1], [BUY, BUY], [10, 20], n_users=1, n_items=2)
    assert data.before(20).item.tolist() == [0]
    assert data.until(20).item.tolist() == [0, 1]
    assert data.since(20).item.tolist() == [1]


def test_strength_halves_with_every_half_life() -> None:
    data = Interactions.of([0, 0], [0, 1], [BUY, VIEW], [0, 60 * DAY_US], n_users=1, n_items=2)
    strength = data.strength({"purchase": 8.0, "view": 1.0}, at_us=120 * DAY_US, half_life_days=60.0)
    assert strength.tolist() == [2.0, 0.5]


def test_what_was_taken_back_leaves_the_matrix() -> None:
    data = Interactions.of([0, 0, 0], [0, 0, 1], [BUY, ACTION_CODE["refund"], VIEW], [0, 1, 2], n_users=1, n_items=2)
    matrix = data.matrix(data.strength({"purchase": 8.0, "refund": -8.0, "view": 1.0}))
    assert matrix.toarray().tolist() == [[0.0, 1.0]]
    assert matrix.nnz == 1


def test_from_a_table_of_the_log() -> None:
    table = pa.table(
        {
            LOGGED.USER: pa.array([1, 0, 0], pa.int32()),
            LOGGED.ITEM: pa.array([0, None, 1], pa.int32()),
            LOGGED.ACTION: ["view", "search", "purchase"],
            LOGGED.AT: pa.array([3, 2, 1], TIME),
            LOGGED.VALUE: pa.array([None, None, 9.5]),
            LOGGED.QUANTITY: pa.array([None, None, 2.0]),
        }
    )
    data = Interactions.from_table(table, n_users=2, n_items=2)
    assert data.user.tolist() == [0, 1]
    assert data.action.tolist() == [BUY, VIEW]
    assert data.value.tolist() == [9.5, 0.0]
    assert data.quantity.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(("user", "item"), [(2, 0), (-1, 0), (0, 3)])
def test_a_row_out_of_range_is_refused(user: int, item: int) -> None:
    with pytest.raises(UsageError, match="lies outside"):
        Interactions.of([user], [item], [BUY], [0], n_users=2, n_items=3)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(UsageError, match="differ in length"):
        Interactions.of([0, 1], [0], [BUY], [0], n_users=2, n_items=3)
