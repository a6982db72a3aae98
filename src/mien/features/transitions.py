"""What a user's order of events says: transitions between actions, sessions, gaps between orders."""

from itertools import pairwise

from mien.core.clock import DAY_US
from mien.features.state import Moment, State
from mien.prepare.sessions import starts_session


def _ordered_tail(state: State) -> list[Moment]:
    """The recent events, the one before them first where there is one."""
    last = state.prefix.last
    return state.recent if last is None else [last, *state.recent]


def transitions(state: State) -> dict[tuple[int, int], int]:
    """(action code, next action code) → how often, over all of the user's events in order."""
    counts = state.prefix.transitions.copy()
    for before, after in pairwise(_ordered_tail(state)):
        pair = (before.action, after.action)
        counts[pair] = counts.get(pair, 0) + 1
    return counts


def last_action(state: State) -> int | None:
    """The code of the newest action, None where there is none."""
    return state.recent[-1].action if state.recent else None


def sessions(state: State) -> int:
    """How many visits: runs of events less than the session gap of the settings apart."""
    tail, gap_s = _ordered_tail(state), state.settings.session_gap_s
    begun = sum(starts_session(before.at_us, after.at_us, gap_s) for before, after in pairwise(tail))
    return state.prefix.sessions + begun + (1 if tail and state.prefix.last is None else 0)


def order_gap_days(state: State) -> float | None:
    """Mean days between one order and the next; None with fewer than two orders."""
    orders = len(state.orders)
    return (max(state.orders) - min(state.orders)) / (orders - 1) / DAY_US if orders > 1 else None
