"""The log's tail becomes profiles: folded event by event, and moved into the history when a build comes.

The one invariant, kept by the gate `Workspace.folding`: the state of a person holds their events of the history, as the
last build took them in, and those of the tail before the store's offset, each once. A build replaces states at the same
gate and adds what of the tail they held, so it never matters whether and when a build runs while events stream.
"""

import json
import logging
import uuid
from collections.abc import Iterable

import pyarrow as pa
from msgspec.structs import replace

from mien.collect.spec import ITEM_FIELDS
from mien.core.event import LoggedEvent
from mien.core.ids import UserRow
from mien.core.tables import ITEM, ITEMS
from mien.features.folder import Folder
from mien.prepare.clean import judge_event
from mien.prepare.judgement import Judgement
from mien.shop.stock import Stock
from mien.shop.workspace import Build
from mien.stores.append import NO_CONSENT
from mien.stores.items import folded

log = logging.getLogger("mien.live")

AT_ONCE = 4_000
"""Events folded in one transaction, where so many wait: a state is written once for all of its events among them."""
SOURCE = "tracking"
"""What the quality report calls the live tail."""
_NEW, _TWICE, _CONFLICT, _ERASED = "new", "duplicate", "conflict", "erased"
_ACCEPTED = (_NEW, _TWICE, _CONFLICT, _ERASED, NO_CONSENT)


class TailFold:
    """Folds the tail into the states of one shop. Several may exist, in several processes; one works at a time."""

    def __init__(self, stock: Stock) -> None:
        self.stock = stock
        self._folder = Folder(stock.states, stock.settings.fold)
        self._token = uuid.uuid4().hex
        self._build: Build | None = None
        self._judgement = Judgement()

    def catch_up(self) -> int:
        """Fold until nothing is left; how many events that were."""
        total = 0
        while (folded := self.step()) is not None:
            total += folded
        return total

    def step(self) -> int | None:
        """Fold some events, or persons that were stitched; None where there was nothing to do, or no build yet.

        States and offset are committed in one transaction: after a crash at any instant the next step goes on there.
        """
        stock = self.stock
        with stock.workspace.folding():
            if not self._ready():
                return None
            unfolded = stock.tail.unfolded()  # before the stitches are read: what comes later is for the next step
            offset = max(1, stock.states.offset())
            events, after = stock.tail.read(offset, AT_ONCE)
            if not events and not unfolded:
                return None
            stale = self._folder.take(self._kept(events), after) if events else []
            self._refold([*unfolded, *stale])
            if unfolded:
                stock.tail.folded(unfolded)
            return len(events)

    def _ready(self) -> bool:
        """Whether there are states to add to; takes over from whoever changed them last."""
        build = live_build(self.stock)
        if build is None:
            return False
        if build != self._build:
            population = self.stock.population(build.population)
            self._build, self._judgement = build, Judgement.from_dict(population.judgement)
        if not self.stock.tail.claim(self._token):
            self._folder = Folder(self.stock.states, self.stock.settings.fold)
        return True

    def _kept(self, events: list[LoggedEvent]) -> list[LoggedEvent]:
        """The events that are kept: judged, each under the row of its person."""
        person = self.stock.catalog.persons_of({event.user for event in events})
        events = [
            event if (row := person[event.user]) == event.user else replace(event, user=UserRow(row))
            for event in events
        ]
        judged = (judge_event(event, self._judgement) for event in events)
        return [one.event for one in judged if one.verdict is None]

    def _refold(self, users: Iterable[int]) -> None:
        """Fold again from the log: persons of new ids, and users whose order could not be kept."""
        users = sorted(set(users))
        if users:
            rows = {UserRow(row) for user in users for row in self.stock.persons(self.stock.catalog.person(user))}
            self._folder.forget(rows)
            self.stock.refold_persons(users, self._judgement, None)


def live_build(stock: Stock) -> Build | None:
    """The last build, where its states may be added to: of all the history, of today's settings, and still there."""
    build = stock.workspace.build()
    if build is None or build.history or build.settings != stock.settings_digest():
        return None
    if not stock.states_held():
        log.warning("The profile store does not hold what it was given. Events are kept, not folded. Run: mien build")
        return None
    return build


def move_tail(stock: Stock) -> None:
    """Move the tail into the history, as far as the states hold it; all of it where there are no states to keep.

    The caller holds the writer's lock. One transaction moves the events; a crash leaves them here or there.
    """
    kept = live_build(stock) is not None
    if kept:
        TailFold(stock).catch_up()
    move_changes(stock)
    with stock.changing_states():
        before = max(1, stock.states.offset()) if kept else stock.tail.end()
        events = stock.tail.table(before=before)
        items = stock.tail.told_items()
        if items:
            stock.catalog.items.add([item_id for item_id, _ in items])
            stock.items.add(_versions(items), derived=True, undated_us=0)
        if len(events) or stock.tail.fates():
            told = dict(items)
            stock.history.take_in(
                events, lambda db: stock.tail.moved(db, before, told, lambda fates: _report(fates, events))
            )
        if not kept:
            stock.states.write([], offset=before)


def move_changes(stock: Stock) -> None:
    """Move the changes of items into the item table; a crash in between leaves them in both, which says the same."""
    changes = stock.changes.since(0)
    if changes:
        stock.items.append(folded(stock.items.read(), changes))
        stock.changes.drop(changes)


def _report(fates: dict[str, int], events: pa.Table) -> tuple[str, str]:
    """What the quality report counts: events that were moved, and messages that were not kept, by reason."""
    rejected = {reason: n for reason, n in fates.items() if reason not in _ACCEPTED}
    counts = {"new": len(events), "duplicates": fates.get(_TWICE, 0), "conflicts": fates.get(_CONFLICT, 0)}
    counts |= {"erased": fates.get(_ERASED, 0), NO_CONSENT: fates.get(NO_CONSENT, 0)}
    accepted = sum(counts.values())
    arrived = {"read": accepted + sum(rejected.values()), "accepted": accepted, "rejected": rejected}
    return SOURCE, json.dumps(arrived | counts)


def _versions(items: list[tuple[str, dict[str, object]]]) -> pa.Table:
    """What messages told of items, as versions that always held."""
    rows = []
    for item_id, told in items:
        row: dict[str, object] = {name: told.get(name) for name in ITEMS.names if name in ITEM_FIELDS}
        rows.append({ITEM.ITEM_ID: item_id, ITEM.VALID_FROM: 0, ITEM.AVAILABLE: True, **row})
    columns = [pa.array([row.get(field.name) for row in rows]).cast(field.type) for field in ITEMS]
    return pa.Table.from_arrays(columns, schema=ITEMS)
