"""Refunds and the purchases they take back: by hand, and against a stack."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.clock import parse_time, to_us
from mien.prepare.clean import Judgement, judge
from mien.prepare.refunds import PAIRS, RefundCounts, count_refunds, pair_refunds

LogOf = Callable[[list[dict[str, Any]]], ir.Table]
T0_US = to_us(parse_time("2017-12-04T09:30:00Z"))


def _judged(log_of: LogOf, rows: list[dict[str, Any]]) -> ir.Table:
    return judge(log_of(rows), Judgement())


def _pairs(table: ir.Table) -> dict[str, str | None]:
    return {row["refund_id"]: row["purchase_id"] for row in pair_refunds(table).to_pyarrow().to_pylist()}


def test_the_nearest_earlier_purchase_is_taken_back(log_of: LogOf) -> None:
    rows = [
        {"event_id": "refund too early", "at": T0_US, "quantity": -2.0},
        {"event_id": "first", "at": T0_US + 1, "quantity": 2.0},
        {"event_id": "second", "at": T0_US + 2, "quantity": 2.0},
        {"event_id": "another quantity", "at": T0_US + 3, "quantity": 3.0},
        {"event_id": "another item", "at": T0_US + 3, "quantity": 2.0, "item": 8},
        {"event_id": "another user", "at": T0_US + 3, "quantity": 2.0, "user": 8},
        {"event_id": "back 1", "at": T0_US + 4, "quantity": -2.0},
        {"event_id": "back 2", "at": T0_US + 5, "action": "refund", "quantity": 2.0},
        {"event_id": "back 3", "at": T0_US + 6, "action": "refund", "quantity": 2.0},
    ]
    judged = _judged(log_of, rows)
    assert _pairs(judged) == {"refund too early": None, "back 1": "second", "back 2": "first", "back 3": None}
    assert count_refunds(judged) == RefundCounts(paired=2, unpaired=2)
    assert tuple(pair_refunds(judged).columns) == PAIRS


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(1, 2)), max_size=40))
def test_pairs_are_those_of_a_stack(log_of: LogOf, moves: list[tuple[bool, int, int]]) -> None:
    rows, stacks, expected = [], {}, {}
    for k, (refund, item, quantity) in enumerate(moves):
        name = f"e{k}"
        rows.append(
            {"event_id": name, "at": T0_US + k, "item": item, "quantity": float(-quantity if refund else quantity)}
        )
        stack = stacks.setdefault((item, quantity), [])
        if refund:
            expected[name] = stack.pop() if stack else None
        else:
            stack.append(name)
    assert _pairs(_judged(log_of, rows)) == expected
