"""How a profile came to be: which event changed which tag, by folding the events again."""

from collections.abc import Sequence
from dataclasses import dataclass

from mien.core.event import ACTION_CODE, LoggedEvent
from mien.core.profile import Tag
from mien.features.fold import add
from mien.features.state import FoldSettings, State
from mien.profiles.options import ProfileOptions
from mien.profiles.tags import read_tags, support
from mien.profiles.yardstick import Yardstick

LEAST = 0.0005
"""A tag whose weight and lift move by less than this share is not told."""
MOST = 10
"""Tags told of one event, those that move most first."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag before and after one event, at its time; None where the profile does not show it then."""

    facet: str
    value: str
    weight_before: float | None
    weight_after: float | None
    lift_before: float | None
    lift_after: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """An event that changed tags."""

    event: LoggedEvent
    tags: tuple[TagChange, ...]


def tag_changes(
    events: Sequence[LoggedEvent],
    settings: FoldSettings,
    yardstick: Yardstick,
    n_items: int,
    options: ProfileOptions,
    *,
    since_us: int | None = None,
    limit: int = 50,
) -> list[Change]:
    """The newest events that changed tags, newest first; none before `since_us`.

    Every tag is read against `yardstick` and the items as they are known there, at the moment of the event, so that a
    change is what the event did and not what time did. Cost: some µs an event, and some ms for each that is told.
    """
    ordered = sorted(events, key=lambda event: (event.at_us, event.event_id))
    telling = [
        k
        for k, event in enumerate(ordered)
        if 0 <= event.item < n_items
        and yardstick.weights[ACTION_CODE[event.action]]
        and (since_us is None or event.at_us >= since_us)
    ]
    told, state, found = set(telling[-limit:] if limit else ()), State(settings), []

    def tags(at_us: int) -> dict[tuple[str, str], Tag]:
        liking = support(state, yardstick.weights, n_items, at_us)
        return {(tag.facet, tag.value): tag for tag in read_tags(liking, yardstick, at_us, options)}

    for k, event in enumerate(ordered):
        before = tags(event.at_us) if k in told and state.events else {}
        add(state, event)
        if k in told:
            found.append(Change(event, _moved(before, tags(event.at_us))))
    return [change for change in reversed(found) if change.tags]


def _moved(before: dict[tuple[str, str], Tag], after: dict[tuple[str, str], Tag]) -> tuple[TagChange, ...]:
    moved = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        step = abs((new.weight if new else 0.0) - (old.weight if old else 0.0))
        if step >= LEAST:
            numbers = [None if tag is None else getattr(tag, name) for name in ("weight", "lift") for tag in (old, new)]
            moved.append((-step, key, TagChange(*key, *numbers)))
    return tuple(change for _, _, change in sorted(moved, key=lambda one: one[:2])[:MOST])
