"""The laws of the fold (DESIGN §4): order-free and exactly once, batch = live = as-of, merge and split, forget."""

from pathlib import Path

import pytest
from feature_events import SMALL, ZONES, folded, histories, settings, tabled
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as trials
from hypothesis import strategies as st

from mien.core.event import Action, LoggedEvent
from mien.core.ids import UserRow
from mien.features.codec import decode, encode
from mien.features.fold import fold, merge, refold
from mien.features.folder import Folder
from mien.features.state import State
from mien.stores.memory import MemoryStore
from mien.stores.sqlite import SQLiteStore
from mien.testing.state_checks import differences

zones = st.sampled_from(ZONES)


class Feeder:
    """A stand-in for the log: takes deliveries, passes on each event id once, and has the history for a refold."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.log = folder, {}

    def deliver(self, events: list[LoggedEvent]) -> None:
        fresh = [event for event in {e.event_id: e for e in events}.values() if event.event_id not in self.log]
        self.log.update((event.event_id, event) for event in fresh)
        stale = self.folder.take(fresh, len(self.log))
        history = {user: [e for e in self.log.values() if e.user == user] for user in stale}
        self.folder.replace((user, refold(mine, self.folder.settings)) for user, mine in history.items())

    def states(self) -> dict[int, State]:
        store = self.folder.store
        return {user: decode(store.read(user) or b"") for user in store.users()}


def agree(ours: dict[int, State], theirs: dict[int, State]) -> None:
    assert ours.keys() == theirs.keys()
    assert [found for user in ours for found in differences(ours[user], theirs[user])] == []


@trials(max_examples=60, deadline=None)
@given(st.data())
def test_order_free_and_exactly_once(data: st.DataObject) -> None:
    events, rules = data.draw(histories()), settings(data.draw(zones))
    feeder = Feeder(Folder(MemoryStore(), rules, cache=data.draw(st.integers(1, 3))))
    deliveries = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=5))))
    while deliveries:
        size = data.draw(st.integers(1, 9))
        feeder.deliver(deliveries[:size])
        deliveries = deliveries[size:]
    agree(feeder.states(), folded(events, rules))
    assert feeder.folder.store.offset() == len(events)


# Few examples of many users each: asking the table engine costs half a second whatever it is asked.
many = histories(users=12, most=150)


@trials(max_examples=8, deadline=None)
@given(many, zones)
def test_batch_is_live(events: list[LoggedEvent], zone: str) -> None:
    one_at_a_time: dict[int, State] = {}
    for event in sorted(events, key=lambda event: (event.at_us, event.event_id)):
        one_at_a_time[event.user] = fold(one_at_a_time.get(event.user), [event], settings(zone))
    agree(tabled(events, settings(zone)), one_at_a_time)


@trials(max_examples=4, deadline=None)
@given(many, zones, st.data())
def test_as_of_is_a_replay_cut_at_that_time(events: list[LoggedEvent], zone: str, data: st.DataObject) -> None:
    at_us = data.draw(st.sampled_from([event.at_us for event in events])) - data.draw(st.sampled_from([0, 1]))
    until = [event for event in events if event.at_us <= at_us]
    if until:
        live = folded(until, settings(zone))
        agree(tabled(until, settings(zone)), live)
        assert max(state.last_us for state in live.values()) <= at_us


@trials(max_examples=100, deadline=None)
@given(histories(users=1), zones, st.data())
def test_merge_equals_the_fold_of_the_union(events: list[LoggedEvent], zone: str, data: st.DataObject) -> None:
    rules = settings(zone, recent=data.draw(st.sampled_from([3, 6, 100])))
    first = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    a = refold([event for event, mine in zip(events, first, strict=True) if mine], rules)
    b = refold([event for event, mine in zip(events, first, strict=True) if not mine], rules)
    before = (encode(a), encode(b))
    union, whole = merge(a, b), refold(events, rules)
    assert differences(union, whole) in ([], ["stale: True and False"])
    if rules.recent == 100:
        assert not union.stale  # nothing has left `recent`: all is known
    assert differences(merge(b, a), union) == []
    assert (encode(a), encode(b)) == before  # a split refolds each from its own events; merging spoiled neither


@trials(max_examples=60, deadline=None)
@given(histories(users=1), zones, st.data())
def test_late_events_are_placed_or_marked(events: list[LoggedEvent], zone: str, data: st.DataObject) -> None:
    """Folding in two halves, whatever fell late into the second: equal to the whole, or stale, never silently wrong."""
    rules, late = settings(zone), data.draw(st.sets(st.integers(0, len(events) - 1)))
    state = fold(None, [event for k, event in enumerate(events) if k not in late], rules)
    state = fold(state, [events[k] for k in sorted(late)], rules)
    assert differences(state, refold(events, rules)) in ([], ["stale: True and False"])


@trials(max_examples=100, deadline=None)
@given(histories(users=1, most=40), zones, st.booleans())
def test_encoding_is_the_identity(events: list[LoggedEvent], zone: str, small: bool) -> None:
    rules = settings(zone) if small else settings(zone, **dict.fromkeys(SMALL, 1000))
    state = refold(events, rules)
    again = decode(encode(state))
    assert differences(again, state) == []  # what is restored of one event may differ in the last bit
    assert differences(fold(again, events[:1], rules), fold(state, events[:1], rules)) == []


@pytest.mark.parametrize("durable", [False, True])
@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(most=15), st.data())
@seed(1)
def test_forget_leaves_others_as_they_were(
    durable: bool, tmp_path: Path, events: list[LoggedEvent], data: st.DataObject
) -> None:
    store = SQLiteStore(tmp_path / "states.sqlite") if durable else MemoryStore()
    store.clear()
    feeder = Feeder(Folder(store, settings()))
    feeder.deliver(events)
    before = {user: store.read(user) for user in store.users()}
    gone = UserRow(data.draw(st.sampled_from(sorted(before))))
    feeder.folder.forget([gone])
    store.delete([gone])
    assert {user: store.read(user) for user in store.users()} == {u: b for u, b in before.items() if u != gone}
    assert feeder.folder.state(gone) is None
    store.close()


def test_forgotten_words_are_in_no_file(tmp_path: Path) -> None:
    """Queries lie compressed: look for the stored bytes themselves, of the state and of its journal."""
    store = SQLiteStore(tmp_path / "states.sqlite")
    folder = Folder(store, settings())
    words = [f"secret query {k}" for k in range(5)]
    kept: list[bytes] = []
    for k, word in enumerate(words):
        event = LoggedEvent(UserRow(1), f"e{k}", Action.SEARCH, k, query=word)
        folder.take([event], k + 1)
        kept.append(store.read(UserRow(1)) or b"")
    folder.forget([UserRow(1)])
    store.delete([UserRow(1)])
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [data for data in kept if data[-30:] in on_disk]
    assert b"secret query" not in on_disk
    store.close()
