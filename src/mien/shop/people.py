"""People one by one: who there is, and what somebody did, as a screen shows it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from mien.core.clock import from_us
from mien.core.consent import ANALYTICS
from mien.core.errors import UnknownName
from mien.core.event import ACTION_CODE, LoggedEvent
from mien.core.ids import UserRow
from mien.core.item import Facet
from mien.core.personal import masked_traits
from mien.features.codec import decode
from mien.features.state import State
from mien.profiles.activity import lifecycle
from mien.profiles.explain import Explanation, explain_tag
from mien.profiles.wording import Language
from mien.shop.serving import Serving

Served = Callable[[datetime | None], tuple[Serving, int]]
"""What answers at a moment (None: now), and which moment that is (µs)."""
Traits = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, in a line of a list. `lifecycle`, `last_seen`: None for who has no events yet."""

    user_id: str
    traits: Traits
    events: int = 0
    lifecycle: str | None = None
    last_seen: datetime | None = None
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One page of people: `total` matched."""

    total: int
    people: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing somebody did. `value`: money of the whole of it, None where there was none."""

    event_id: str
    at: datetime
    action: str
    item_id: str | None = None
    title: str | None = None
    category: str | None = None
    value: float | None = None
    quantity: float = 1.0
    query: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Deeds:
    """One page of what somebody did, newest first. `actions`: how often each, of everything."""

    total: int
    deeds: tuple[Deed, ...]
    actions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Interests:
    """Shares of what somebody chose, by month: `shares[k][m]` is the share of `values[k]` in `months[m]`, 0 … 1.

    `months`: (year, month), each from the first to the last; one without an event has shares of 0. What is not among
    `values` makes up the rest.
    """

    months: tuple[tuple[int, int], ...]
    values: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]


class People:
    """The people of a shop; each answer is as of now."""

    def __init__(self, served: Served, personal: Sequence[str] = ()) -> None:
        self._served, self._personal = served, personal

    def find(self, text: str = "", limit: int = 50, offset: int = 0, *, clear: bool = True) -> Found:
        """Whose id or declared trait holds the text (an empty one finds everybody), ids first.

        `name=value` looks at one trait. `clear`: whether who asks may read e-mail, telephone, name and the like; else
        they are masked, and nobody is found by them. Cost: every id is opened, some 100 ms for 10,000 people.
        """
        serving, at_us = self._served(None)
        catalog = serving.stock.catalog
        ids = dict(zip(*(catalog.users.table()[name].to_pylist() for name in ("row", "key")), strict=True))
        declared = {row: user.traits for row, user in catalog.declarations()}
        if not clear:
            declared = {row: masked_traits(traits, self._personal) for row, traits in declared.items()}
        rows = _matching(ids, declared, text.strip().casefold())
        page = rows[offset : offset + limit]
        return Found(len(rows), _lines(serving, at_us, [(row, ids[row], declared.get(row, {})) for row in page]))

    def named(self, user_ids: Sequence[str], *, clear: bool = True) -> tuple[Known, ...]:
        """People by their ids, in this order; an id never seen is left out. `clear` as in `find`."""
        serving, at_us = self._served(None)
        catalog = serving.stock.catalog
        told: list[tuple[int, str, Traits]] = []
        for user_id in user_ids:
            row = catalog.users.row(user_id)
            if row is not None:
                user = catalog.declared(row)
                traits = {} if user is None else user.traits
                told.append((row, user_id, traits if clear else masked_traits(traits, self._personal)))
        return _lines(serving, at_us, told)

    def events(self, user: str) -> int:
        """How many events of a user the profile holds; 0 for an id never seen. Cost: one state is read."""
        serving, at_us = self._served(None)
        said, state = serving.user(user), serving.state(user, at_us)
        return 0 if state is None or said is None or not said.profilable else state.events

    def person(self, user: str, as_of: datetime | None = None) -> "Person":
        """What a user did up to a moment (None: now). `UnknownName` for an id never seen.

        Nothing of who does not let be kept what they do, and no interests of who is not to be personalised.
        Cost: one bucket of the log is read, some 50 ms for a thousand events.
        """
        serving, at_us = self._served(as_of)
        row = serving.stock.catalog.users.row(user)
        if row is None:
            raise UnknownName("user", user)
        said = serving.stock.user(row)
        if not said.profilable:
            return Person(serving, [])
        events = serving.stock.events(serving.stock.persons(row), at_us, serving.judgement)
        events = sorted(events, key=lambda event: (-event.at_us, event.event_id))
        return Person(serving, events, tellable=said.personalisable)

    def explain_tag(
        self, user: str, facet: str, value: str, as_of: datetime | None = None, *, language: Language | None = None
    ) -> Explanation:
        """Why a user has a tag: which goods, which acts, which events. `UnknownName` for a tag they do not have."""
        serving, at_us = self._served(as_of)
        language = language or serving.stock.language
        profile = serving.profile(user, at_us, language)
        state = serving.state(user, at_us) or State(serving.stock.settings.fold)
        return explain_tag(profile, facet, value, state, serving.catalogue, serving.yardstick, at_us, language=language)


@dataclass(frozen=True, eq=False)
class Person:
    """The kept events of one person, newest first, and what they show. `tellable`: whether interests may be told."""

    serving: Serving
    events: list[LoggedEvent]
    tellable: bool = True

    def deeds(self, action: str = "", limit: int = 50, offset: int = 0) -> Deeds:
        """What they did, newest first; with `action` only that."""
        counts: dict[str, int] = {}
        for event in self.events:
            counts[str(event.action)] = counts.get(str(event.action), 0) + 1
        chosen = [event for event in self.events if action in ("", event.action)]
        return Deeds(len(chosen), tuple(_told(self.serving, chosen[offset : offset + limit])), counts)

    def evidence(self, event_ids: Iterable[str]) -> list[Deed]:
        """Their deeds by the ids of the events, newest first; ids of somebody else's are left out."""
        wanted = set(event_ids)
        return _told(self.serving, [event for event in self.events if event.event_id in wanted])

    def rhythm(self) -> tuple[tuple[int, ...], ...]:
        """Events by weekday (Monday first) and hour, `(7, 24)`, in the shop's zone."""
        shifts = self.serving.stock.settings.fold.shifts
        counts = np.zeros((7, 24), dtype=np.int64)
        for event in self.events:
            counts[shifts.weekday(event.at_us), shifts.hour(event.at_us)] += 1
        return tuple(tuple(int(n) for n in row) for row in counts)

    def interests(self, facet: str = "category", most: int = 6) -> Interests:
        """How their choices were spread over the values of a facet, month by month, by the weights of actions.

        Of a path that level is taken which is the first to tell their choices apart: no value has more than half.
        """
        yardstick, shifts = self.serving.yardstick, self.serving.stock.settings.fold.shifts
        levels = [one for one in yardstick.facets if one.name == facet]
        rows = np.array([event.item for event in self.events], dtype=np.int64)
        held = (rows >= 0) & (rows < len(self.serving.catalogue))
        if not levels or not held.any() or not self.tellable:
            return Interests((), (), ())
        weights = np.maximum(yardstick.weights[[ACTION_CODE[event.action] for event in self.events]], 0.0)
        chosen = next((one for one in levels if _spread(one, rows[held], weights[held])), levels[-1])
        codes = np.where(held, chosen.codes[np.where(held, rows, 0)], -1)
        months = [_month(shifts.local_us(event.at_us)) for event in self.events]
        span = _span(min(months), max(months))
        sums = np.zeros((len(chosen.values), len(span)))
        counted = codes >= 0
        places = np.array([span.index(month) for month in months])
        np.add.at(sums, (codes[counted], places[counted]), weights[counted])
        best = np.argsort(-sums.sum(axis=1), kind="stable")[:most]
        best = best[sums[best].sum(axis=1) > 0]
        whole = sums.sum(axis=0)
        shares = np.divide(sums[best], whole, out=np.zeros((len(best), len(span))), where=whole > 0)
        return Interests(
            tuple(span),
            tuple(chosen.values[code] for code in best),
            tuple(tuple(round(float(one), 6) for one in row) for row in shares),
        )


def _spread(facet: Facet, rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> bool:
    """Whether the weight of some items lies on several values, none of which has more than half."""
    codes = facet.codes[rows]
    sums = np.bincount(codes[codes >= 0], weights[codes >= 0], minlength=1)
    return bool(sums.sum() > 0 and sums.max() <= sums.sum() / 2)


def _month(local_us: int) -> tuple[int, int]:
    at = from_us(local_us)
    return at.year, at.month


def _span(first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    """Every month from the first to the last."""
    start, end = first[0] * 12 + first[1] - 1, last[0] * 12 + last[1] - 1
    return [(k // 12, k % 12 + 1) for k in range(start, end + 1)]


def _lines(serving: Serving, at_us: int, people: Sequence[tuple[int, str, Traits]]) -> tuple[Known, ...]:
    """Row, id and traits of people as lines of a list; nothing more of who does not let be kept what they do."""
    consents = serving.stock.catalog.consents
    allowed = consents.allowing(ANALYTICS)
    shown = [UserRow(row) for row, _, _ in people if allowed.get(row, consents.otherwise)]
    states = serving.stock.states.read_many(shown)
    told = []
    for row, user_id, traits in people:
        data = states.get(UserRow(row))
        state = None if data is None else decode(data)
        if state is None or not state.events or state.last_us > at_us:
            told.append(Known(user_id, traits))
            continue
        life, seen = lifecycle(state, at_us), from_us(state.last_us)
        told.append(Known(user_id, traits, state.events, life, seen, len(state.orders)))
    return tuple(told)


def _matching(ids: Mapping[int, str], declared: Mapping[int, Mapping[str, object]], text: str) -> list[int]:
    """The rows of whom a text in lower case finds."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if sign:
        return [
            row
            for row, traits in declared.items()
            if row in ids and any((k.casefold(), str(v).casefold()) == (name, value) for k, v in traits.items())
        ]
    by_id = [row for row, key in ids.items() if text in key.casefold()]
    by_id.sort(key=lambda row: (ids[row].casefold() != text, not ids[row].casefold().startswith(text), row))
    held = set(by_id)
    return by_id + [
        row
        for row, traits in declared.items()
        if row in ids and row not in held and any(text in str(value).casefold() for value in traits.values())
    ]


def _told(serving: Serving, events: Sequence[LoggedEvent]) -> list[Deed]:
    catalogue = serving.catalogue
    ids = serving.stock.catalog.items.keys(int(event.item) for event in events)
    told = []
    for event, item_id in zip(events, ids, strict=True):
        item = catalogue.item(int(event.item))
        told.append(
            Deed(
                event.event_id,
                from_us(event.at_us),
                str(event.action),
                item_id,
                item.title if item else None,
                item.category if item else None,
                event.value or None,
                event.quantity,
                event.query,
                event.text,
            )
        )
    return told
