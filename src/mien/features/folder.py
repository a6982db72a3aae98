"""The live folder: events of many users into the states of a store, with the log offset in the same transaction."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from mien.core.event import LoggedEvent
from mien.core.ids import UserRow
from mien.core.ports import ProfileStore
from mien.features.codec import decode, encode, entry, with_journal
from mien.features.fold import add, check_settings
from mien.features.state import FoldSettings, State

JOURNAL_LENGTH = 12
"""Events after which a state is written whole again: longer ones save little and make reading dearer."""


@dataclass(slots=True)
class _Entry:
    """A state at hand, and how it stands in the store: whole bytes, and the events since."""

    state: State
    base: bytes | None = None
    journal: list[msgspec.Raw] = field(default_factory=list)

    def take(self, events: list[LoggedEvent]) -> bytes:
        """Fold the events in; what to store."""
        if len(events) > 1:
            events.sort(key=_order)
        for event in events:
            add(self.state, event)
        if self.base is None or len(self.journal) + len(events) > JOURNAL_LENGTH:
            self.base, self.journal = encode(self.state), []
            return self.base
        self.journal += map(entry, events)
        return with_journal(self.base, self.journal)


class Folder:
    """Folds batches of the log's tail into `store`, the only one to do so. Not for several threads at a time.

    The states worked on last are kept decoded (`cache` of them). Each batch is committed with the offset it ends at:
    after a crash go on reading the tail at `store.offset()`, and every event has been folded exactly once.
    """

    def __init__(self, store: ProfileStore, settings: FoldSettings, *, cache: int = 20_000) -> None:
        self.store, self.settings, self.cache = store, settings, cache
        self._entries: OrderedDict[UserRow, _Entry] = OrderedDict()

    def take(self, events: Iterable[LoggedEvent], offset: int) -> list[UserRow]:
        """Fold a batch that ends before `offset`; the users whose state is now stale and must be refolded.

        `offset` is in tail events, exclusive. Where the store fails nothing has happened: take the batch again.
        Cost: below 100 µs an event in batches of 100, the commit included.
        """
        by_user: dict[UserRow, list[LoggedEvent]] = {}
        for event in events:
            by_user.setdefault(event.user, []).append(event)
        self._load(by_user)
        try:
            self.store.write([(user, self._entries[user].take(batch)) for user, batch in by_user.items()], offset)
        except BaseException:
            self.forget(by_user)  # changed in memory, not in the store
            raise
        stale = [user for user in by_user if self._entries[user].state.stale]
        while len(self._entries) > self.cache:
            self._entries.popitem(last=False)
        return stale

    def _load(self, users: Iterable[UserRow]) -> None:
        """Have the states of these users at hand, newest in the cache."""
        wanted, entries = list(users), self._entries
        found = self.store.read_many([user for user in wanted if user not in entries])
        for user in wanted:
            if user not in entries:
                entries[user] = self._decoded(found[user]) if user in found else _Entry(State(self.settings))
            entries.move_to_end(user)

    def _decoded(self, data: bytes) -> _Entry:
        state = decode(data)
        check_settings(state, self.settings)
        return _Entry(state)  # written whole once, by the first batch

    def state(self, user: UserRow) -> State | None:
        """The state of a user as committed (a copy), without decoding where it is at hand; None where there is none."""
        entry = self._entries.get(user)
        if entry is not None:
            return entry.state.copy()
        data = self.store.read(user)
        return None if data is None else decode(data)

    def replace(self, states: Iterable[tuple[UserRow, State]]) -> None:
        """Put refolded states in place (the answer to stale ones)."""
        fresh = list(states)
        self.forget(user for user, _ in fresh)
        self.store.write([(user, encode(state)) for user, state in fresh])

    def forget(self, users: Iterable[UserRow]) -> None:
        """Drop these users from memory: they were deleted, or written by somebody else."""
        for user in users:
            self._entries.pop(user, None)


def _order(event: LoggedEvent) -> tuple[int, str]:
    return event.at_us, event.event_id
