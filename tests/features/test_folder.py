"""The live folder: what is in the store is what was folded, whatever fails in between."""

import pytest
from feature_events import START_US, folded, settings, some_events

from mien.core.event import Action, LoggedEvent
from mien.core.ids import UserRow
from mien.features.codec import decode
from mien.features.folder import JOURNAL_LENGTH, Folder
from mien.stores.memory import MemoryStore
from mien.testing.state_checks import differences


class Failing(MemoryStore):
    fails = False

    def write(self, states, offset=None) -> None:
        if self.fails:
            raise OSError("no space left on device")
        super().write(states, offset)


def test_a_failed_write_can_be_taken_again() -> None:
    events, rules = some_events(60, 3), settings(recent=100)
    store = Failing()
    folder = Folder(store, rules)
    folder.take(events[:30], 30)
    store.fails = True
    with pytest.raises(OSError, match="no space"):
        folder.take(events[30:], 60)
    assert store.offset() == 30
    store.fails = False
    folder.take(events[30:], 60)
    whole = folded(events, rules)
    assert [line for user in whole for line in differences(decode(store.read(user)), whole[user])] == []


def test_a_state_with_a_journal_reads_as_the_whole() -> None:
    events, rules = some_events(40, 1), settings(recent=100)
    store = MemoryStore()
    folder = Folder(store, rules)
    kinds = set()
    for k, event in enumerate(events):
        folder.take([event], k + 1)
        data = store.read(UserRow(0)) or b""
        kinds.add(data[0])
        assert differences(decode(data), folded(events[: k + 1], rules)[0]) == []
    assert kinds == {1, 2}  # whole ones and ones with a journal
    assert len(events) > 3 * JOURNAL_LENGTH
    assert differences(folder.state(UserRow(0)), decode(data)) == []


def test_stale_users_are_named() -> None:
    rules = settings(recent=2)
    folder = Folder(MemoryStore(), rules)
    views = [LoggedEvent(UserRow(7), f"e{k}", Action.VIEW, START_US + k) for k in range(6)]
    assert folder.take(views[1:], 5) == []
    assert folder.take(views[:1], 6) == [7]
