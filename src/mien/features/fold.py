"""The live fold: one event at a time into a state, and two states into one."""

from bisect import insort
from collections.abc import Iterable

from mien.core.clock import DAY_US, HOUR_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE, Action, LoggedEvent
from mien.features.decay import weight
from mien.features.state import PASSIVE, FoldSettings, Moment, State, Written

PURCHASE = ACTION_CODE[Action.PURCHASE]


def fold(state: State | None, events: Iterable[LoggedEvent], settings: FoldSettings) -> State:
    """The state of one user with more of their events in it; `state` itself stays as it was.

    Each event must be handed in once: that is the promise of the log and of the offset that the store keeps beside
    the states, the fold does not look for events it has seen. Raises `UsageError` where `state` was folded under
    other settings. Cost: some µs an event, plus one copy of the state.
    """
    if state is not None:
        check_settings(state, settings)
    folded = State(settings) if state is None else state.copy()
    for event in sorted(events, key=_order):
        add(folded, event)
    return folded


def check_settings(state: State, settings: FoldSettings) -> None:
    """Raise `UsageError` where `state` was folded under other settings: the two cannot be added up."""
    if state.settings != settings:
        raise UsageError("A state was folded under other settings than these. Build again: mien build")


def refold(events: Iterable[LoggedEvent], settings: FoldSettings) -> State:
    """The state of all of a user's events: never stale."""
    return fold(None, events, settings)


def _order(event: LoggedEvent) -> Moment:
    return Moment(event.at_us, event.event_id, ACTION_CODE[event.action], event.item)


def add(state: State, event: LoggedEvent) -> None:
    """Fold one event into `state` in place. Cost: some µs."""
    settings = state.settings
    at_us, event_id, action = event.at_us, event.event_id, ACTION_CODE[event.action]
    quantity, value = event.quantity, event.value
    if not state.events:
        state.first_us = state.last_us = at_us
    elif at_us < state.first_us:
        state.first_us = at_us
    elif at_us > state.last_us:
        state.last_us = at_us
    state.events += 1
    fast, slow = weight(at_us, settings.fast_days), weight(at_us, settings.slow_days)
    state.tallies.add((event.item, action), (1, fast, slow, quantity, value, at_us, at_us, event_id))
    local_us = settings.shifts.local_us(at_us)
    day = local_us // DAY_US
    state.days.add((day, action), 1, quantity, value)
    if action == PURCHASE:
        state.orders.add(at_us, 1, value)
    if event.query:
        _keep(state.queries, Written(at_us, event_id, event.query[: settings.text_length]), settings.queries)
    if event.text:
        _keep(state.texts, Written(at_us, event_id, event.text[: settings.text_length]), settings.texts)
    if action not in PASSIVE:
        state.hours[local_us // HOUR_US % 24] += 1
        state.weekdays[(day + 3) % 7] += 1
        _place(state, Moment(at_us, event_id, action, event.item))


def _keep(written: list[Written], entry: Written, limit: int) -> None:
    insort(written, entry)
    if len(written) > limit:
        del written[0]


def _place(state: State, moment: Moment) -> None:
    """Put an event where it belongs in the order, or mark the state stale where that is past."""
    recent, prefix, settings = state.recent, state.prefix, state.settings
    if prefix.last is not None and moment < prefix.last:
        state.stale = True
        return
    if not recent or moment > recent[-1]:
        recent.append(moment)
    else:
        insort(recent, moment)
    if len(recent) > settings.recent:
        prefix.push(recent.pop(0), settings.session_gap_s)


def merge(a: State, b: State) -> State:
    """The state of the union of two disjoint sets of events: two identities that turn out to be one person.

    Equal to the fold of all of them; where the ordered part cannot be known from the two (one's sums reach into the
    time of the other), the result is stale. Raises `UsageError` for states of different settings.
    """
    check_settings(a, b.settings)
    if not a.events or not b.events:
        return (a if a.events else b).copy()
    union, other = (a.copy(), b) if a.prefix.last is not None or b.prefix.last is None else (b.copy(), a)
    union.events += other.events
    union.first_us = min(a.first_us, b.first_us)
    union.last_us = max(a.last_us, b.last_us)
    _merge_sums(union, other)
    union.queries = sorted(a.queries + b.queries)[-a.settings.queries :]
    union.texts = sorted(a.texts + b.texts)[-a.settings.texts :]
    _merge_order(union, other)
    return union


def _merge_sums(union: State, other: State) -> None:
    for key, tally in other.tallies.items():
        union.tallies.add(key, tally)
    for day, sums in other.days.items():
        union.days.add(day, *sums)
    for at_us, order in other.orders.items():
        union.orders.add(at_us, *order)
    union.hours = [x + y for x, y in zip(union.hours, other.hours, strict=True)]
    union.weekdays = [x + y for x, y in zip(union.weekdays, other.weekdays, strict=True)]


def _merge_order(union: State, other: State) -> None:
    """`recent` is the newest of both; what leaves it goes to the prefix, where that ends before it."""
    settings = union.settings
    moments = sorted(union.recent + other.recent)
    leaving, union.recent = moments[: -settings.recent], moments[-settings.recent :]
    last = union.prefix.last
    too_old = last is not None and bool(moments) and moments[0] < last
    union.stale = union.stale or other.stale or other.prefix.last is not None or too_old
    if not union.stale:
        for moment in leaving:
            union.prefix.push(moment, settings.session_gap_s)
