"""The state: one user's events, folded. A function of the set of events, whatever order they came in.

Counts and sums add up, minima and maxima do not care for order. What depends on order is folded over the user's events
sorted by (at, event id): the newest ones are kept (`recent`), everything before them is summed up (`prefix`). An event
older than the end of the prefix can no longer be put in its place: the state is then `stale`, its ordered part has to
be refolded from the log; all else in it is right.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.core.clock import SECOND_US, ZoneShifts, load_zone, zone_shifts
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE, Action
from mien.features.columns import Days, Orders, Tallies, Tally
from mien.prepare.sessions import GAP_S, starts_session

__all__ = ["PASSIVE", "FoldSettings", "Moment", "Prefix", "State", "Tally", "TallyArrays", "Written"]

PASSIVE = frozenset({ACTION_CODE[Action.IMPRESSION]})
"""What the shop did, not the user: tallied and counted by day, but no part of the user's rhythm and order."""


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """What the fold depends on; states folded under other settings cannot be added to.

    `zone`: whose days and hours count. `fast_days`, `slow_days`: half-lives, 7 or more. `session_gap_s`: a
    pause that long begins a new session. `recent`, `queries`, `texts`: how many are kept; `text_length` in characters.
    """

    zone: str = "UTC"
    fast_days: float = 14.0
    slow_days: float = 90.0
    session_gap_s: int = GAP_S
    recent: int = 100
    queries: int = 50
    texts: int = 20
    text_length: int = 1000

    def __post_init__(self) -> None:
        if min(self.fast_days, self.slow_days) < 7:
            raise UsageError("A half-life below 7 days would leave the range of numbers. Set it to 7 days or more.")
        if min(self.session_gap_s, self.recent, self.queries, self.texts, self.text_length) < 1:
            raise UsageError("The session gap and the numbers of events, queries and texts to keep must be 1 or more.")
        load_zone(self.zone)

    @property
    def shifts(self) -> ZoneShifts:
        """The zone as numbers."""
        return zone_shifts(self.zone)

    @property
    def session_gap_us(self) -> int:
        return self.session_gap_s * SECOND_US


@lru_cache(maxsize=64)
def settings_of(*parts: object) -> FoldSettings:
    """The settings written as `parts`; one object for equal ones."""
    return FoldSettings(*parts)  # type: ignore[arg-type]


class Moment(NamedTuple):
    """An event in its place: sorted by time, ties by event id (then by what it was)."""

    at_us: int
    event_id: str
    action: int
    item: int


class Written(NamedTuple):
    """A query or a text, with when and where it was written."""

    at_us: int
    event_id: str
    text: str


@dataclass(slots=True)
class Prefix:
    """The ordered events before `recent`, summed up. `last` is the newest of them, None where there are none.

    `transitions`: (action, next action) → how often, inside the prefix; `sessions`: how many began in it.
    """

    transitions: dict[tuple[int, int], int] = field(default_factory=dict)
    sessions: int = 0
    last: Moment | None = None

    def push(self, moment: Moment, gap_s: int) -> None:
        """Append the next event in order."""
        last = self.last
        self.sessions += starts_session(None if last is None else last.at_us, moment.at_us, gap_s)
        if last is not None:
            pair = (last.action, moment.action)
            self.transitions[pair] = self.transitions.get(pair, 0) + 1
        self.last = moment

    def copy(self) -> "Prefix":
        return Prefix(self.transitions.copy(), self.sessions, self.last)


@dataclass(frozen=True, slots=True, eq=False)
class TallyArrays:
    """The tallies as columns of one length, in no particular order. `item` −1: none."""

    item: npt.NDArray[np.int32]
    action: npt.NDArray[np.int8]
    n: npt.NDArray[np.int32]
    fast: npt.NDArray[np.float64]
    slow: npt.NDArray[np.float64]
    quantity: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    first_us: npt.NDArray[np.int64]
    last_us: npt.NDArray[np.int64]
    newest: list[str]


@dataclass(slots=True)
class State:
    """One user's folded events. `first_us`, `last_us`: 0 while `events` is 0.

    `hours` (24) and `weekdays` (7, Monday first) count events in the zone of `settings`; they, `recent` and `prefix`
    leave out what is `PASSIVE`. `queries`, `texts`, `recent`: oldest first.
    """

    settings: FoldSettings = field(default_factory=FoldSettings)
    events: int = 0
    first_us: int = 0
    last_us: int = 0
    tallies: Tallies = field(default_factory=Tallies)
    days: Days = field(default_factory=Days)
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    weekdays: list[int] = field(default_factory=lambda: [0] * 7)
    orders: Orders = field(default_factory=Orders)
    queries: list[Written] = field(default_factory=list)
    texts: list[Written] = field(default_factory=list)
    recent: list[Moment] = field(default_factory=list)
    prefix: Prefix = field(default_factory=Prefix)
    stale: bool = False

    def arrays(self) -> TallyArrays:
        """The tallies as numpy columns, not to be written to. Cost: some µs."""
        column = self.tallies.numpy
        return TallyArrays(
            item=column(0).astype(np.int32),
            action=column(1).astype(np.int8),
            n=column(2).astype(np.int32),
            fast=column(3),
            slow=column(4),
            quantity=column(5),
            value=column(6),
            first_us=column(7),
            last_us=column(8),
            newest=self.tallies.newest.copy(),
        )

    def copy(self) -> "State":
        """The same state, free to change. Cost: some copies of arrays, tens of µs at most."""
        return State(
            self.settings,
            self.events,
            self.first_us,
            self.last_us,
            self.tallies.copy(),
            self.days.copy(),
            self.hours.copy(),
            self.weekdays.copy(),
            self.orders.copy(),
            self.queries.copy(),
            self.texts.copy(),
            self.recent.copy(),
            self.prefix.copy(),
            self.stale,
        )
