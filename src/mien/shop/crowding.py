"""The crowd of a shop: everybody's states and words as columns, made when it is asked for and kept while it holds."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mien.core.personal import impersonal
from mien.core.user import User, merged
from mien.features.codec import decode
from mien.features.state import State
from mien.models.heads.heads import Heads, Look
from mien.models.interactions import Interactions
from mien.profiles.crowd import Crowd
from mien.shop.building import interactions, judged_log
from mien.shop.serving import Serving
from mien.shop.stock import Stock

AT_ONCE = 2_000
"""States decoded between two looks into the store."""
PATIENCE = 5.0
"""Times as old as it took to make, a crowd may be before changed profiles make it anew."""
STILL_S = 600.0
"""So old it may be where nothing has changed but the clock: half-lives and windows are of days."""

Floats = npt.NDArray[np.float64]
Key = tuple[object, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    crowd: Crowd
    key: Key
    made: float
    cost_s: float


class Crowds:
    """Keeps the crowd of one shop. For several threads; one makes it, the others wait."""

    def __init__(self, stock: Stock, clock: Callable[[], float] = time.monotonic) -> None:
        self._stock, self._clock = stock, clock
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def now(self, serving: Serving, at_us: int) -> Crowd:
        """Everybody as of now; `crowd.at_us` says which moment that is.

        While profiles keep changing, making it takes no more than a sixth of the time, so that it is seconds old in a
        small shop and minutes in one of 100,000 users; it is never older than ten minutes, than the newest consent,
        erasure or build, nor of another day. Cost: some 0.8 ms a user, then nothing.
        """
        with self._lock:
            kept, key = self._kept, self._key(serving, at_us)
            if kept is not None and kept.key[0] == key[0]:
                age = self._clock() - kept.made
                if age < (STILL_S if kept.key == key else min(PATIENCE * kept.cost_s, STILL_S)):
                    return kept.crowd
            began = self._clock()
            crowd = gathered(serving, at_us)
            made = self._clock()
            self._kept = _Kept(crowd, key, made, made - began)
            return crowd

    def drop(self) -> None:
        """Make it anew at the next question."""
        with self._lock:
            self._kept = None

    def _key(self, serving: Serving, at_us: int) -> Key:
        catalog, today = self._stock.catalog, self._stock.settings.fold.shifts.day(at_us)
        asked = serving.build, serving.changes, catalog.consents.stamp(), catalog.vault.n_destroyed(), today
        return asked, *self._stock.version()


def gathered(serving: Serving, at_us: int) -> Crowd:
    """The crowd of a shop as of a moment, or of the newest event that the states hold, where that is later."""
    stock = serving.stock
    said = declared(stock)
    people = list(_people(stock, said))
    at_us = max([at_us, *(state.last_us for _, state, _ in people)])
    crowd = Crowd.of(
        people, serving.yardstick, serving.population, len(serving.catalogue), at_us, stock.settings.profile,
        stock.settings.fold,
    )  # fmt: skip
    return replace(crowd, intents=Intents(serving, crowd))


def _people(stock: Stock, said: Callable[[int], User]) -> Iterator[tuple[int, State, User]]:
    """Everybody with a state."""
    for rows in _parts(stock.states.users()):
        for row, data in sorted(stock.states.read_many(rows).items()):
            state = decode(data)
            if state.events:
                yield int(row), state, said(int(row))


def _parts(rows: Iterable[T]) -> Iterator[list[T]]:
    """`AT_ONCE` at a time."""
    left = iter(rows)
    while part := list(islice(left, AT_ONCE)):
        yield part


def declared(stock: Stock) -> Callable[[int], User]:
    """What persons declared, by the row that stands for them, but what names them; read at once for all of them."""
    words = {row: _unnamed(user, stock) for row, user in stock.catalog.declarations()}
    others = defaultdict[int, list[int]](list)
    for row, person in sorted(stock.catalog.stitches().items()):
        others[person].append(row)
    silent = User("", otherwise=stock.catalog.consents.otherwise)

    def of(row: int) -> User:
        return merged([words.get(one) for one in (row, *others.get(row, ()))]) or silent

    return of


def _unnamed(user: User, stock: Stock) -> User:
    """The user without traits that are nobody else's."""
    return replace(user, traits=impersonal(user.traits, stock.settings.privacy.personal))


def alone(serving: Serving, row: int, state: State, user: User, at_us: int) -> Crowd:
    """A crowd of one, who may be in segments as everybody else."""
    settings = serving.stock.settings
    n_items = len(serving.catalogue)
    return Crowd.of(
        [(row, state, _unnamed(user, serving.stock))],
        serving.yardstick,
        serving.population,
        n_items,
        at_us,
        settings.profile,
        settings.fold,
    )


class Intents(Mapping[str, Floats]):
    """What the heads say of everybody in a crowd, by the name of the intent; asked when a rule speaks of it."""

    def __init__(self, serving: Serving, crowd: Crowd) -> None:
        self._serving, self._rows, self._at_us = serving, crowd.rows, crowd.at_us
        self._found: dict[str, Floats] | None = None
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Floats:
        with self._lock:
            if self._found is None:
                heads = self._serving.models.known_at(self._at_us).heads
                self._found = {} if heads is None else self._look(heads)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(intent_names(self._serving))

    def __len__(self) -> int:
        return len(intent_names(self._serving))

    def _look(self, heads: Heads) -> dict[str, Floats]:
        serving, vector = self._serving, self._serving.models.known_at(self._at_us).vector
        data, facets = _of_persons(serving, self._at_us), serving.yardstick.facets
        source = None if vector is None else vector.source()
        parts = []
        for rows in _parts(self._rows.tolist()):
            histories = data.of_users(np.array(rows, dtype=np.int32))
            parts.append(chances(heads, heads.look(histories, self._at_us, facets=facets, vectors=source)))
        return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def chances(heads: Heads, look: Look) -> dict[str, Floats]:
    """Intent → chance of each user looked at, NaN where a profile would not tell it."""
    known, found = look.known, {}
    for name, head in heads.users.items():
        told = known & (look.recency_days <= heads.settings.active_days if name.startswith("churn") else True)
        found[name] = np.where(told, head.probabilities(look.values), np.nan)
    if heads.category is None or look.pairs is None:
        return found
    model, n = heads.category.model, look.pairs.n_labels
    every = model.probabilities(look.pairs.only(model.names).values).reshape(-1, n)
    best = np.argsort(-every, axis=1, kind="stable")[:, : heads.settings.shown_categories]
    shown = np.full(every.shape, np.nan)
    np.put_along_axis(shown, best, np.take_along_axis(every, best, axis=1), axis=1)
    for place, category in enumerate(heads.category.names):
        found[f"category={category}"] = np.where(known, shown[:, place], np.nan)
    return found


def intent_names(serving: Serving) -> tuple[str, ...]:
    """The intents that rules of this shop may speak of."""
    heads = serving.models.heads
    if heads is None:
        return ()
    return (*heads.users, *(f"category={name}" for name in (heads.category.names if heads.category else ())))


def _of_persons(serving: Serving, at_us: int) -> Interactions:
    """What everybody did, all ids of a person under the one that stands for them."""
    data = interactions(serving.stock, judged_log(serving.stock, at_us, serving.judgement))
    person = np.arange(data.n_users, dtype=np.int32)
    for row, into in serving.stock.catalog.stitches().items():
        if row < len(person):
            person[row] = into
    return Interactions.of(
        person[data.user], data.item, data.action, data.at_us, data.value, data.quantity, n_users=data.n_users,
        n_items=data.n_items,
    )  # fmt: skip
