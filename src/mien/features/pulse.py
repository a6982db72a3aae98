"""The pulse of a shop: what happened lately, by hour or day and action, who was there, and how far they came.

Pure: columns of the kept events of a span of time in, counts out. Days and hours are those of the shop's zone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, HOUR_US, ZoneShifts, from_us
from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.features.state import PASSIVE

Ints = npt.NDArray[np.int64]

STEPS = (Action.VIEW, Action.CART, Action.PURCHASE)
"""What a buyer does in this order."""
HOURLY_DAYS = 7
"""Up to so many days a pulse counts by the hour, beyond by the day."""


@dataclass(frozen=True, slots=True)
class Events:
    """Kept events of a span, columns of one length: `user` the row of the person, `action` its code, `at_us`."""

    user: Ints
    action: Ints
    at_us: Ints


@dataclass(frozen=True, slots=True)
class Pulse:
    """What happened in the `days` before `until_us`, its own local day included.

    `unit`: hour or day. `starts`: the local time at which each unit begins, "2026-11-28" or "2026-11-28 14:00".
    `counts`: action → events of each unit, for every action that occurs. `active`: users who did something in each
    local day of `active_days`. `funnel`: step → users who came as far, in order; None where nobody viewed anything,
    which is so in a shop that tells of purchases only.
    """

    days: int
    unit: str
    starts: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    active_days: tuple[str, ...]
    active: tuple[int, ...]
    users: int
    events: int
    funnel: dict[str, int] | None


def pulse(events: Events, shifts: ZoneShifts, until_us: int, days: int) -> Pulse:
    """Count the events of `days` local days, the one of `until_us` being the last. Cost: some passes."""
    today = shifts.day(until_us)
    local_us = _local(events.at_us, shifts)
    held = (local_us // DAY_US > today - days) & (events.at_us <= until_us)
    user, action, at_us, local_us = (
        column[held] for column in (events.user, events.action, events.at_us, local_us)
    )  # fmt: skip
    hourly = days <= HOURLY_DAYS
    size = HOUR_US if hourly else DAY_US
    first = (today - days + 1) * DAY_US // size
    last = shifts.local_us(until_us) // size
    units = int(last - first + 1)
    cells = np.zeros((len(ACTIONS), units), dtype=np.int64)
    np.add.at(cells, (action, local_us // size - first), 1)
    acting = ~np.isin(action, sorted(PASSIVE))
    day = local_us // DAY_US - (today - days + 1)
    pairs = np.unique(np.stack([day[acting], user[acting]]), axis=1)
    return Pulse(
        days=days,
        unit="hour" if hourly else "day",
        starts=tuple(_name((first + k) * size, hourly) for k in range(units)),
        counts={str(ACTIONS[code]): tuple(cells[code].tolist()) for code in np.flatnonzero(cells.any(axis=1)).tolist()},
        active_days=tuple(_name((today - days + 1 + k) * DAY_US, False) for k in range(days)),
        active=tuple(np.bincount(pairs[0], minlength=days).tolist()),
        users=len(np.unique(user[acting])),
        events=len(user),
        funnel=funnel(user, action, at_us),
    )


def funnel(user: Ints, action: Ints, at_us: Ints) -> dict[str, int] | None:
    """Step of `STEPS` → users who did it, each step not before the first time they did the one before.

    None where nobody did the first step.
    """
    people, place = np.unique(user, return_inverse=True)
    never = np.iinfo(np.int64).max
    reached = np.full(len(people), np.iinfo(np.int64).min)
    steps: dict[str, int] = {}
    for step in STEPS:
        rows = np.flatnonzero((action == ACTION_CODE[step]) & (at_us >= reached[place]) & (reached[place] != never))
        first = np.full(len(people), never)
        np.minimum.at(first, place[rows], at_us[rows])
        reached = first
        steps[str(step)] = int((reached != never).sum())
    return steps if steps[str(STEPS[0])] else None


def active(events: Events, until_us: int, days: int) -> int:
    """How many users did something in the last `days` times 24 hours."""
    held = (events.at_us > until_us - days * DAY_US) & (events.at_us <= until_us)
    return len(np.unique(events.user[held & ~np.isin(events.action, sorted(PASSIVE))]))


def _local(at_us: Ints, shifts: ZoneShifts) -> Ints:
    starts, offsets = np.array(shifts.starts_us), np.array(shifts.offsets_us)
    local: Ints = at_us + offsets[np.maximum(np.searchsorted(starts, at_us, side="right") - 1, 0)]
    return local


def _name(local_us: int, hourly: bool) -> str:
    return f"{from_us(int(local_us)):{'%Y-%m-%d %H:00' if hourly else '%Y-%m-%d'}}"
