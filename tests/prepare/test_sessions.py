"""Sessions: the table and the live rule give the same numbers."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.clock import SECOND_US, parse_time, to_us
from mien.prepare.sessions import GAP_S, session_numbers, with_sessions

T0_US = to_us(parse_time("2017-12-04T09:30:00Z"))
GAP_US = GAP_S * SECOND_US


def test_a_pause_of_thirty_minutes_ends_a_session() -> None:
    minutes = [0, 29, 58, 88, 200, 200]
    assert session_numbers([T0_US + minute * 60 * SECOND_US for minute in minutes]) == [0, 0, 0, 1, 2, 2]
    assert session_numbers([]) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.one_of(st.integers(0, 2 * GAP_US), st.sampled_from([0, GAP_US - 1, GAP_US, GAP_US + 1])),
        ),
        max_size=40,
    )
)
def test_table_and_live_agree(log_of: Callable[[list[dict[str, Any]]], ir.Table], steps: list[tuple[int, int]]) -> None:
    at_us, rows = {0: T0_US, 1: T0_US, 2: T0_US}, []
    for user, pause_us in steps:
        at_us[user] += pause_us
        rows.append({"user": user, "at": at_us[user]})
    found = with_sessions(log_of(rows[::-1])).select("user", "at", "session").to_pyarrow().to_pylist()
    for user in range(3):
        times = sorted(row["at"] for row in rows if row["user"] == user)
        sessions = sorted((row["at"], row["session"]) for row in found if row["user"] == user)
        assert [session for _, session in sessions] == session_numbers(times)
