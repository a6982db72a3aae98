"""What the tests of this room share: random events, and events as the log holds them."""

from collections.abc import Iterable, Sequence

import ibis
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from mien.core.clock import DAY_US, HOUR_US, SECOND_US, parse_time, to_us
from mien.core.event import ACTIONS, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow, UserRow
from mien.core.tables import LOG
from mien.features.assemble import states
from mien.features.codec import decode
from mien.features.engine import connect
from mien.features.fold import refold
from mien.features.state import FoldSettings, State

START_US = to_us(parse_time("2023-03-20T00:00:00Z"))
ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Shanghai")
SMALL = {"recent": 6, "queries": 3, "texts": 2, "text_length": 4}
"""Small enough that a short history reaches the prefix and loses queries."""


def settings(zone: str = "UTC", **changed: object) -> FoldSettings:
    return FoldSettings(zone=zone, **{**SMALL, **changed})


# Steps that meet what matters: one instant, the session gap to the µs, an hour, days, half a year (summer time).
_STEPS = st.sampled_from(
    [0, 1, SECOND_US, 1_799_999_999, 1_800 * SECOND_US, HOUR_US, 7 * HOUR_US, DAY_US, 9 * DAY_US, 181 * DAY_US]
)
_WORDS = st.none() | st.sampled_from(["", "red", "红色连衣裙", "a longer query"])


@st.composite
def histories(draw: st.DrawFn, *, users: int = 3, most: int = 25) -> list[LoggedEvent]:
    """Events of a few users with unique ids, ties in time among them, in the order of time."""
    at_us, events = START_US, []
    for k in range(draw(st.integers(min(5, most), most))):
        at_us += draw(_STEPS)
        events.append(
            LoggedEvent(
                user=UserRow(draw(st.integers(0, users - 1))),
                event_id=f"{draw(st.integers(0, 9))}-{k}",
                action=draw(st.sampled_from(ACTIONS)),
                at_us=at_us,
                item=ItemRow(draw(st.sampled_from([NO_ITEM, 0, 1, 2]))),
                value=draw(st.sampled_from([0.0, 0.1, 3.99, 1e6])),
                quantity=draw(st.sampled_from([1.0, 0.25, 3.0])),
                query=draw(_WORDS),
                text=draw(_WORDS),
            )
        )
    return events


def folded(events: Iterable[LoggedEvent], rules: FoldSettings) -> dict[int, State]:
    """The live engine's answer from all events, by user."""
    by_user: dict[int, list[LoggedEvent]] = {}
    for event in events:
        by_user.setdefault(event.user, []).append(event)
    return {user: refold(mine, rules) for user, mine in by_user.items()}


def log_table(events: Sequence[LoggedEvent]) -> pa.Table:
    """Events in the schema of the log; no item, no money and one piece are left unsaid, as a source may."""
    rows = [
        {
            "user": e.user,
            "event_id": e.event_id,
            "source": "test",
            "fingerprint": 0,
            "action": str(e.action),
            "item": None if e.item == NO_ITEM else e.item,
            "at": e.at_us,
            "value": e.value or None,
            "quantity": None if e.quantity == 1.0 else e.quantity,
            "query": e.query,
            "text": e.text,
        }
        for e in events
    ]
    return pa.Table.from_pylist(rows, schema=LOG)


def some_events(n: int = 1500, users: int = 7) -> list[LoggedEvent]:
    """A fixed crowd over 400 days, everything in it: ties, all actions, searches, reviews, ids beyond ASCII."""
    rng = np.random.default_rng(5)
    at_us = START_US + np.sort(rng.integers(0, 400 * DAY_US // 1_000_000, n)) * 1_000_000 + rng.integers(0, 2, n)
    return [
        LoggedEvent(
            user=UserRow(int(rng.integers(0, users))),
            event_id=f"é{k}" if k % 5 else f"e{k}",
            action=ACTIONS[int(rng.integers(0, len(ACTIONS)))],
            at_us=int(at_us[k]),
            item=ItemRow(int(rng.integers(0, 40))) if k % 7 else NO_ITEM,
            value=round(float(rng.lognormal(2, 1)), 2),
            quantity=float(rng.integers(1, 4)),
            query=f"红色 {k % 9}" if k % 3 == 0 else None,
            text="text" if k % 11 == 0 else None,
        )
        for k in range(n)
    ]


_CON = []


def tabled(events: Sequence[LoggedEvent], rules: FoldSettings) -> dict[int, State]:
    """The table engine's answer from all events, by user."""
    if not _CON:
        _CON.append(connect(threads=2, memory="1GB"))
    table = _CON[0].create_table("log_under_test", ibis.memtable(log_table(events)), temp=True, overwrite=True)
    return {int(user): decode(data) for user, data in states([table], rules)}
