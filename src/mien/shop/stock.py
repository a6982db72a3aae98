"""What a workspace holds, opened: stores, items, snapshots; and one user's state at any moment."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.event import Action, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow, Rows, UserRow
from mien.core.item import Catalogue
from mien.core.ports import ProfileStore
from mien.core.tables import ITEM, LOGGED
from mien.features.codec import decode, encode
from mien.features.fold import refold
from mien.features.population import Population
from mien.features.state import State
from mien.prepare.clean import judge_event
from mien.prepare.judgement import Judgement
from mien.profiles.wording import Language
from mien.settings import Settings
from mien.shop.workspace import Workspace
from mien.stores.catalog import Catalog
from mien.stores.history import History
from mien.stores.items import ItemTable


@dataclass(frozen=True, eq=False)
class Stock:
    """The opened parts of one workspace."""

    workspace: Workspace
    settings: Settings
    catalog: Catalog
    history: History
    items: ItemTable
    states: ProfileStore
    _snapshots: dict[str, Population] = field(default_factory=dict)

    def close(self) -> None:
        self.catalog.close()
        self.states.close()

    @property
    def language(self) -> Language:
        return "zh" if self.settings.shop.language == "zh" else "en"

    # -- items and snapshots ----------------------------------------------------------------------------------

    def catalogue(self, at_us: int) -> Catalogue:
        """The items as known at a moment. Cost: one pass over the item table."""
        versions = self.items.read()
        pairs = self.catalog.items.table()
        rows = _lookup(versions[ITEM.ITEM_ID], pairs)
        return Catalogue.of(versions, rows, len(self.catalog.items), at_us)

    def listed_us(self) -> npt.NDArray[np.int64]:
        """`(n_items,)` when each item was first in the table; 0 where it was there since ever, or never."""
        versions = self.items.read()
        rows = _lookup(versions[ITEM.ITEM_ID], self.catalog.items.table())
        first = np.full(len(self.catalog.items), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, rows, np.maximum(versions[ITEM.VALID_FROM].cast(pa.int64()).to_numpy(), 0))
        return np.where(first == np.iinfo(np.int64).max, 0, first)

    def items_digest(self) -> str:
        """Changes when the item table does."""
        path = self.items.path
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "none"

    def population(self, version: str) -> Population:
        """The snapshot of a version; kept in memory once read."""
        if version not in self._snapshots:
            self._snapshots[version] = Population.load(self.workspace.population / f"{version}.npz")
        return self._snapshots[version]

    def population_at(self, at_us: int, current: str) -> Population:
        """The newest snapshot not later than `at_us`; where all are later the oldest, as its version tells."""
        newest = self.population(current)
        if newest.as_of_us <= at_us:
            return newest
        found = [self.population(path.stem) for path in self.workspace.population.glob("p-*.npz")]
        early = [one for one in found if one.as_of_us <= at_us]
        if early:
            return max(early, key=lambda one: one.as_of_us)
        return min(found, key=lambda one: one.as_of_us)

    # -- one user ---------------------------------------------------------------------------------------------

    def persons(self, user: int) -> list[int]:
        """The rows of the person behind a row: the one that stands for them first."""
        person = self.catalog.person(user)
        return [person, *sorted(row for row, into in self.catalog.stitches().items() if into == person)]

    def state(self, user: int, at_us: int, judgement: Judgement) -> State | None:
        """The state of the person behind `user` as of a moment; None where there is none.

        Read from the store where it holds nothing later, else folded from the log (one bucket is read).
        """
        rows = self.persons(user)
        data = self.states.read(UserRow(rows[0]))
        state = None if data is None else decode(data)
        if state is not None and not state.stale and state.last_us <= at_us:
            return state
        if state is None and not len(self.history):
            return None
        state = self.refold(rows, at_us, judgement)
        return state if state.events else None

    def refold(self, rows: Iterable[int], at_us: int, judgement: Judgement) -> State:
        """The state of several rows as one person, from the log up to a moment."""
        return refold(self.events(rows, at_us, judgement), self.settings.fold)

    def events(self, rows: Iterable[int], at_us: int | None, judgement: Judgement) -> list[LoggedEvent]:
        """The kept events of some rows, judged, under the first row."""
        rows = list(rows)
        judged = (
            judge_event(event, judgement)
            for row in rows
            for event in logged(self.history.events_of(row, at_us), UserRow(rows[0]))
        )
        return [one.event for one in judged if one.verdict is None]

    def refold_stitched(self, judgement: Judgement, at_us: int) -> None:
        """Put the states of stitched persons in place of those of their rows."""
        self.refold_persons(set(self.catalog.stitches().values()), judgement, at_us)

    def refold_persons(self, users: Iterable[int], judgement: Judgement, at_us: int) -> None:
        """Fold the persons behind these rows again; rows that stand for nobody have no state of their own."""
        for person in sorted({self.catalog.person(user) for user in users}):
            rows = self.persons(person)
            state = self.refold(rows, at_us, judgement)
            self.states.delete([UserRow(row) for row in rows[1:]])
            if state.events:
                self.states.write([(UserRow(person), encode(state))])


def logged(events: pa.Table, user: UserRow) -> list[LoggedEvent]:
    """Rows of the log as events; a number that was not said is NaN, for the judgement to fill."""
    at_us = events[LOGGED.AT].cast(pa.int64()).to_pylist()
    names = (LOGGED.EVENT_ID, LOGGED.ACTION, LOGGED.ITEM, LOGGED.VALUE, LOGGED.QUANTITY, LOGGED.QUERY, LOGGED.TEXT)
    columns = [events[name].to_pylist() for name in names]
    return [
        LoggedEvent(
            user, event_id, Action(action), at, NO_ITEM if item is None else ItemRow(item), _said(value),
            _said(quantity), query, text,
        )
        for at, event_id, action, item, value, quantity, query, text in zip(at_us, *columns, strict=True)
    ]  # fmt: skip


def _said(number: float | None) -> float:
    return math.nan if number is None else number


def _lookup(keys: pa.ChunkedArray, pairs: pa.Table) -> Rows:
    """The row of each key; every key has one."""
    places = pc.index_in(keys, value_set=pairs["key"].combine_chunks())
    rows: Rows = pairs["row"].to_numpy()[places.to_numpy(zero_copy_only=False)].astype(np.int32)
    return rows
