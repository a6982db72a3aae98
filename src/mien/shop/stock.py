"""What a workspace holds, opened: stores, items, snapshots; and one user's state at any moment."""

import hashlib
import json
import math
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.event import ACTION_OF, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow, Rows, UserRow
from mien.core.item import Catalogue, Item
from mien.core.ports import ProfileStore
from mien.core.tables import ITEM, LOG, LOGGED
from mien.core.user import User
from mien.features.codec import decode, encode
from mien.features.fold import refold
from mien.features.population import Population
from mien.features.state import State
from mien.prepare.clean import judge_event
from mien.prepare.judgement import Judgement
from mien.profiles.wording import Language
from mien.settings import Settings
from mien.shop.workspace import Build, Workspace
from mien.stores.catalog import Catalog
from mien.stores.changes import ItemChanges
from mien.stores.history import History
from mien.stores.items import ItemTable, folded
from mien.stores.open import open_profile_store
from mien.stores.options import StoreSettings
from mien.stores.sealed import SealedStore
from mien.stores.server import plain_name
from mien.stores.shown import Impressions
from mien.stores.tail import Tail

STATES_SEALED = "states_sealed"
"""Which store's states are known to be sealed."""


@dataclass(frozen=True, eq=False)
class Stock:
    """The opened parts of one workspace."""

    workspace: Workspace
    settings: Settings
    catalog: Catalog
    history: History
    items: ItemTable
    states: ProfileStore
    tail: Tail
    changes: ItemChanges
    impressions: Impressions
    _snapshots: dict[str, Population] = field(default_factory=dict)

    def close(self) -> None:
        self.tail.close()
        self.history.close()
        self.changes.close()
        self.impressions.close()
        self.catalog.close()
        self.states.close()

    @property
    def language(self) -> Language:
        return "zh" if self.settings.shop.language == "zh" else "en"

    def states_held(self) -> bool:
        """Whether the store holds what this log gave it: not where it was emptied or newly chosen, and not where it,
        or the workspace beside it, was restored to an older moment.

        What a build moved out of the tail can be folded by a build alone; a store that stands before that lacks it, and
        one that stands behind the end has seen another future. Once noticed, only a build of everybody ends it.
        """
        if self.tail.states_lost():
            return False
        moved = self.tail.moved_before()
        held = max(1, moved) <= self.states.offset() <= self.tail.end()  # read in this order: each only grows
        if not held:
            self.tail.note_states(lost=True)
        return held

    def drop_left_states(self) -> None:
        """Remove the workspace's own file of states where a server keeps them now: it would outlive an erasure."""
        if self.settings.stores.profiles != "sqlite":
            for left in self.workspace.states.parent.glob(f"{self.workspace.states.name}*"):
                left.unlink()

    # -- items and snapshots ----------------------------------------------------------------------------------

    def catalogue(self, at_us: int) -> Catalogue:
        """The items as known at a moment. Cost: one pass over the item table."""
        versions = self.versions()
        pairs = self.catalog.items.table()
        rows = _lookup(versions[ITEM.ITEM_ID], pairs)
        return Catalogue.of(versions, rows, len(self.catalog.items), at_us)

    def call_by_id(self) -> int:
        """Where the shop has declared no items, make those that events name known by their id: how many are so."""
        item_ids = self.catalog.items.keys(range(len(self.catalog.items)))
        return self.items.call_by_id([item_id for item_id in item_ids if item_id is not None])

    def versions(self) -> pa.Table:
        """All versions of items: those of the table, and those that changes since the last build have made."""
        changes, versions = self.changes.since(0), self.items.read()  # in this order: they move from here to there
        return pa.concat_tables([versions, folded(versions, changes)]) if changes else versions

    def rows_since(self, number: int, since_us: int, until_us: int) -> list[int]:
        """Item rows that were changed after a number, or of which a version begins in a span of time (since, until]."""
        ids = {one.item_id for one in self.changes.since(number)}
        versions = self.items.read()
        at_us = versions[ITEM.VALID_FROM].cast(pa.int64()).to_numpy()
        begun = versions[ITEM.ITEM_ID].filter(pa.array((at_us > since_us) & (at_us <= until_us)))
        ids |= {one.item_id for one in self.changes.since(0) if since_us < one.valid_from_us <= until_us}
        rows = (self.catalog.items.row(item_id) for item_id in sorted(ids | set(begun.to_pylist())))
        return sorted(row for row in rows if row is not None)

    def items_at(self, rows: list[int], at_us: int) -> dict[int, tuple[Item | None, int]]:
        """Items of some rows as known at a moment (None: not), and since when there is any version of each."""
        names = self.catalog.items.keys(rows)
        wanted = [name for name in names if name is not None]
        changes, versions = [one for one in self.changes.since(0) if one.item_id in set(wanted)], self.items.read()
        versions = versions.filter(pc.is_in(versions[ITEM.ITEM_ID], pa.array(wanted, pa.string())))
        if changes:
            versions = pa.concat_tables([versions, folded(versions, changes)])
        place = pc.index_in(versions[ITEM.ITEM_ID], pa.array(wanted, pa.string())).to_numpy().astype(np.int32)
        small = Catalogue.of(versions, place, len(wanted), at_us)
        rows = [row for row, name in zip(rows, names, strict=True) if name is not None]
        return {row: (small.item(k), int(small.since_us[k])) for k, row in enumerate(rows)}

    def moments(self) -> npt.NDArray[np.int64]:
        """When versions of items begin, ascending, each moment once; µs."""
        changed = [one.valid_from_us for one in self.changes.since(0)]
        kept = self.items.read()[ITEM.VALID_FROM].cast(pa.int64()).to_numpy()
        return np.unique(np.concatenate([kept, np.array(changed, dtype=np.int64)]))

    def listed_us(self) -> npt.NDArray[np.int64]:
        """`(n_items,)` when each item was first in the table; 0 where it was there since ever, or never."""
        versions = self.versions()
        rows = _lookup(versions[ITEM.ITEM_ID], self.catalog.items.table())
        first = np.full(len(self.catalog.items), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, rows, np.maximum(versions[ITEM.VALID_FROM].cast(pa.int64()).to_numpy(), 0))
        return np.where(first == np.iinfo(np.int64).max, 0, first)

    def items_digest(self) -> str:
        """Changes when the item table does."""
        path = self.items.path
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "none"

    def settings_digest(self) -> str:
        """Of the settings that a state or a population depends on."""
        parts = [asdict(self.settings.clean), asdict(self.settings.fold)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]

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

    def reach_us(self, build: Build) -> int:
        """The time of the last event: of a build of the past its end, else of what was tracked since, too."""
        span = None if build.history else self.tail.span_us()
        return build.as_of_us if span is None else max(build.as_of_us, span[1])

    def version(self) -> tuple[int, int, int]:
        """Changes whenever anybody's state, words or ids may have."""
        return self.states.offset(), *self.catalog.version()

    # -- one user ---------------------------------------------------------------------------------------------

    def persons(self, user: int) -> list[int]:
        """The rows of the person behind a row: the one that stands for them first."""
        person = self.catalog.person(user)
        return [person, *self.catalog.members(person)]

    def user(self, user: int) -> User:
        """What the person behind a row declared, and what of it may be used."""
        return self.catalog.person_declared(user)

    def state(self, user: int, at_us: int, judgement: Judgement) -> State | None:
        """The state of the person behind `user` as of a moment; None where there is none."""
        return self.state_of(self.persons(user), at_us, judgement)

    def state_of(self, rows: list[int], at_us: int, judgement: Judgement) -> State | None:
        """The state of the person of these rows, the one that stands for them first; None where there is none.

        Read from the store where it holds nothing later, else folded from the log (one bucket is read).
        """
        data = self.states.read(UserRow(rows[0]))
        state = None if data is None else decode(data)
        if state is not None and not state.stale and state.last_us <= at_us:
            return state
        if state is None and not len(self.history) and not len(self.tail):
            return None
        state = self.refold(rows, at_us, judgement)
        return state if state.events else None

    def refold(self, rows: Iterable[int], at_us: int | None, judgement: Judgement, before: int | None = None) -> State:
        """The state of several rows as one person, from the log up to a moment, and of its tail `before` an offset."""
        return refold(self.events(rows, at_us, judgement, before), self.settings.fold)

    def events(
        self, rows: Iterable[int], at_us: int | None, judgement: Judgement, before: int | None = None
    ) -> list[LoggedEvent]:
        """The kept events of some rows, judged, under the first row. `before`: as in `refold`."""
        rows = list(rows)
        judged = (
            judge_event(event, judgement)
            for row in rows
            for event in logged(self.log_of(row, at_us, before), UserRow(rows[0]))
        )
        return [one.event for one in judged if one.verdict is None]

    def log_of(self, user: int, until_us: int | None = None, before: int | None = None) -> pa.Table:
        """All events of a row, history and tail as one; up to a moment, and of the tail those before an offset."""
        tail = self.tail.table(before=before, user=user)  # first, since events move from here to there
        if until_us is not None:
            tail = tail.filter(pc.less_equal(tail[LOGGED.AT].cast(pa.int64()), until_us))
        history = self.history.events_of(user, until_us)
        if not len(tail):
            return history
        moved = set(zip(history[LOGGED.SOURCE].to_pylist(), history[LOGGED.EVENT_ID].to_pylist(), strict=True))
        keys = zip(tail[LOGGED.SOURCE].to_pylist(), tail[LOGGED.EVENT_ID].to_pylist(), strict=True)
        return pa.concat_tables(
            [history.cast(LOG), tail.filter(pa.array([key not in moved for key in keys], pa.bool_()))]
        )

    @contextmanager
    def changing_states(self) -> Iterator[None]:
        """Change states at the gate; whoever folds the tail then begins with fresh eyes."""
        with self.workspace.folding():
            self.tail.claim("")
            yield

    def refold_persons(self, users: Iterable[int], judgement: Judgement, at_us: int | None) -> None:
        """Fold the persons behind these rows again; rows that stand for nobody have no state of their own.

        Of the tail what the states hold already; to be called at the gate (`changing_states`).
        """
        before = self.states.offset()
        for person in sorted({self.catalog.person(user) for user in users}):
            rows = self.persons(person)
            state = self.refold(rows, at_us, judgement, before)
            self.states.delete([UserRow(row) for row in (rows[1:] if state.events else rows)])
            if state.events:
                self.states.write([(UserRow(person), encode(state))])


def open_states(workspace: Workspace, settings: StoreSettings, catalog: Catalog) -> ProfileStore:
    """The profile store that the settings choose, sealed; on a server under a name of this workspace's own."""
    if settings.profiles != "sqlite" and not catalog.meta("namespace"):
        catalog.set_meta("namespace", secrets.token_hex(8))
    url = f"sqlite:{workspace.states}" if settings.profiles == "sqlite" else settings.profiles
    store = SealedStore(open_profile_store(url, settings, namespace=catalog.meta("namespace")), catalog.vault)
    place = plain_name(settings.profiles)  # without a password
    if catalog.meta(STATES_SEALED) != place:
        with workspace.folding():
            store.seal_older()
        catalog.set_meta(STATES_SEALED, place)
    return store


def logged(events: pa.Table, user: UserRow) -> list[LoggedEvent]:
    """Rows of the log as events; a number that was not said is NaN, for the judgement to fill."""
    at_us = events[LOGGED.AT].cast(pa.int64()).to_pylist()
    names = (LOGGED.EVENT_ID, LOGGED.ACTION, LOGGED.ITEM, LOGGED.VALUE, LOGGED.QUANTITY, LOGGED.QUERY, LOGGED.TEXT)
    columns = [events[name].to_pylist() for name in names]
    return [
        LoggedEvent(
            user, event_id, ACTION_OF[action], at, NO_ITEM if item is None else ItemRow(item), _said(value),
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
