"""The tail: each message once and for good, ids and stitches with guards, readable as the log is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mien.core.clock import SECOND_US, from_us
from mien.core.errors import TransientError
from mien.core.event import Action, Event
from mien.core.tables import LOG, LOGGED
from mien.core.tracked import Other, Refusal, Tracked
from mien.stores.catalog import Catalog
from mien.stores.tail import Tail

NOW_US = 1_790_000_000 * SECOND_US


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[Tail]:
    tail = Tail(tmp_path / "catalog.sqlite", most_ids=4)
    yield tail
    tail.close()


def message(number: int, user: str = "ann", *, digest: int = 1, at_us: int = NOW_US, **more: Any) -> Tracked:
    event = Event(f"m{number}", "http", user, Action.VIEW, from_us(at_us), item_id="mug", properties="{}")
    return Tracked(f"m{number}", "http", digest, user, at_us, events=[event], **more)


def test_a_message_is_kept_once_for_good(tail: Tail, tmp_path: Path) -> None:
    assert tail.append([message(1), message(2), message(1)]) == {"new": 2, "duplicate": 1, "events": 2}
    tail.close()
    again = Tail(tmp_path / "catalog.sqlite")
    assert again.append([message(2)]) == {"duplicate": 1, "events": 0}
    assert again.append([message(2, digest=9)]) == {"conflict": 1, "events": 0}
    assert len(again) == 2
    assert again.end() == 3
    again.close()


def test_the_tail_reads_as_the_log_does(tail: Tail) -> None:
    tail.append([message(1), message(2, "bob"), message(3)])
    table = tail.table()
    assert table.schema == LOG
    assert table[LOGGED.USER].to_pylist() == [0, 1, 0]
    assert table[LOGGED.AT].to_pylist() == [from_us(NOW_US)] * 3
    assert tail.table(user=1).num_rows == 1
    assert tail.table(before=2).num_rows == 1
    (event,), offset = tail.read(2, 1)
    assert (event.event_id, event.user, event.at_us, offset) == ("m2", 1, NOW_US, 3)
    assert tail.read(4, 10) == ([], 4)
    assert tail.users(before=3) == [0, 1]


def test_a_refusal_is_a_dead_letter_and_takes_nobody_along(tail: Tail, tmp_path: Path) -> None:
    fates = tail.append([message(1), Refusal("bad_time", "soon", '{"userId": "ann"}'), message(2)])
    assert fates == {"new": 2, "bad_time": 1, "events": 2}
    catalog = Catalog(tmp_path / "catalog.sqlite")
    assert catalog.letters.counts() == {"bad_time": 1}
    catalog.close()
    assert tail.fates() == {"new": 2, "bad_time": 1}


def test_many_threads_append_the_same_messages(tail: Tail) -> None:
    batches = [[message(k % 40, f"u{k % 40 % 7}") for k in range(start, start + 20)] for start in range(0, 400, 10)]
    with ThreadPoolExecutor(8) as pool:
        fates = list(pool.map(tail.append, batches))
    assert sum(one["new"] for one in fates) == 40 == len(tail)
    assert sorted(tail.table()[LOGGED.EVENT_ID].to_pylist()) == sorted(f"m{k}" for k in range(40))


def test_two_openings_give_different_rows(tail: Tail, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    tail.append([message(1, "ann")])
    assert catalog.users.add(["bob", "ann"]).tolist() == [1, 0]
    tail.append([message(2, "bob"), message(3, "cid")])
    assert tail.table()[LOGGED.USER].to_pylist() == [0, 1, 2]
    catalog.close()


def test_the_newest_word_about_a_trait_counts_whatever_the_order(tail: Tail, tmp_path: Path) -> None:
    late = message(1, at_us=NOW_US, traits={"age": 41}, consents={"ads": False})
    early = message(2, at_us=NOW_US - 1, traits={"age": 40, "city": "苏州"}, consents={"ads": True})
    tail.append([late, early])
    catalog = Catalog(tmp_path / "catalog.sqlite")
    declared = catalog.declared(0)
    assert declared is not None
    assert (declared.traits, declared.consents) == ({"age": 41, "city": "苏州"}, {"marketing": False})
    catalog.close()


def test_stitches_have_guards(tail: Tail, tmp_path: Path) -> None:
    """a-1 is ann; bob on the same device does not become ann; a name joins by alias only; a crowd is refused."""
    catalog = Catalog(tmp_path / "catalog.sqlite")
    tail.append([message(1, "ann", known=True, joins="a-1")])
    assert catalog.stitches() == {1: 0}
    assert tail.unfolded() == [0]
    assert tail.append([message(2, "bob", known=True, joins="a-1")])["already_joined"] == 1
    assert tail.append([message(3, "bob", known=True, joins="ann")])["names_another"] == 1
    assert tail.append([message(4, "bob", known=True, joins="ann", alias=True)])["names_another"] == 0
    assert set(catalog.stitches().values()) == {catalog.users.row("bob")}
    assert tail.append([message(5, "bob", known=True, joins="a-2")])["too_many_ids"] == 0
    assert tail.append([message(6, "bob", known=True, joins="a-3")])["too_many_ids"] == 1
    assert catalog.letters.counts() == {"already_joined": 1, "names_another": 1, "too_many_ids": 1}
    tail.folded(tail.unfolded())
    assert tail.unfolded() == []
    catalog.close()


def test_who_was_erased_does_not_come_back(tail: Tail, tmp_path: Path) -> None:
    secret = "ann-of-the-green-gables"
    tail.append([message(1, secret, traits={"city": "Avonlea-by-the-sea"}), message(2, "bob")])
    catalog = Catalog(tmp_path / "catalog.sqlite")
    with catalog.transaction() as db:
        assert tail.erase(db, 0) == 1
        catalog.forget(db, [0], {catalog.vault.digest(secret)})
    catalog.vault.destroy([(0, catalog.vault.digest(secret))], 0)
    catalog.purge()
    catalog.close()
    assert tail.append([message(1, secret), message(3, secret), message(4, "bob")]) == {
        "erased": 2, "new": 1, "events": 1,
    }  # fmt: skip
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"Avonlea" not in left
    assert secret.encode() not in left


def test_who_is_being_erased_takes_nobody_along(tail: Tail, tmp_path: Path) -> None:
    """Keys are destroyed first; the rest of an erasure takes its time, and the tail remembers rows."""
    other = Other("Called", "{}")
    tail.append([message(1, traits={"age": 4}, other=other), message(2, "bob")])
    beside = Catalog(tmp_path / "catalog.sqlite")
    row, digest = beside.users.row("ann"), beside.vault.digest("ann")
    assert row is not None
    beside.vault.destroy([(row, digest)], NOW_US)
    fates = tail.append([message(3, traits={"age": 5}, other=other), message(4, "bob")])
    assert fates["events"] == 1
    assert tail.table(user=row).num_rows == len(tail.others(row)) == 0
    assert len(tail) == 3  # one of before, which the erasure is about to take
    beside.close()


def test_a_failed_append_keeps_nothing(tail: Tail) -> None:
    def breaks() -> Iterator[Tracked]:
        yield message(1, "new-user")
        raise KeyError("the source broke")

    with pytest.raises(KeyError):
        tail.append(breaks())
    assert len(tail) == 0
    assert tail.append([message(1, "new-user")])["new"] == 1
    assert tail.table()[LOGGED.USER].to_pylist() == [0]


def test_a_file_that_another_holds_is_worth_trying_again(tail: Tail, tmp_path: Path) -> None:
    tail._catalog._db.execute("PRAGMA busy_timeout = 50")
    catalog = Catalog(tmp_path / "catalog.sqlite")
    with catalog.transaction(), pytest.raises(TransientError):
        tail.append([message(1)])
    assert tail.append([message(1)])["new"] == 1
    catalog.close()
