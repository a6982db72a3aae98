"""The log's history: exactly once, first received wins, crash-safe, forgetting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.core.errors import TransientError, WorkspaceError
from mien.core.tables import EVENTS, ITEMS, LOG
from mien.stores.catalog import Catalog
from mien.stores.history import Appended, History
from mien.stores.items import ItemTable
from mien.stores.rewriting import Resources

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAGED = (
    EVENTS.append(pa.field("fingerprint", pa.int64()))
    .append(pa.field("file", pa.string()))
    .append(pa.field("row", pa.int64()))
)


def event(event_id: str, user: str, minute: int = 0, item: str | None = "a", fingerprint: int = 1) -> dict[str, object]:
    return {
        "event_id": event_id,
        "source": "till",
        "user_id": user,
        "action": "view",
        "item_id": item,
        "at": NOON + timedelta(minutes=minute),
        "fingerprint": fingerprint,
        "file": "f.csv",
    }


def deliver(history: History, folder: Path, *events: dict[str, object]) -> Appended:
    rows = [{**one, "row": k + 1} for k, one in enumerate(events)]
    path = folder / "delivery.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=STAGED), path)
    return history.append(path, "till", None, {})


@pytest.fixture
def history(tmp_path: Path) -> History:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    return History(tmp_path / "log", catalog, Resources(tmp_path / "spill", memory_mb=256), buckets=4)


def test_ids_become_rows_in_order_of_arrival(history: History, tmp_path: Path) -> None:
    done = deliver(history, tmp_path, event("e1", "ann", item="mug"), event("e2", "bo", 1, item=None))
    assert (done.offered, done.new, done.duplicates, done.conflicts, done.erased) == (2, 2, 0, 0, 0)
    assert history.catalog.users.keys([0, 1]) == ["ann", "bo"]
    assert history.catalog.items.row("mug") == 0
    bo = history.events_of(1)
    assert bo.schema.names == LOG.names
    assert bo["item"].to_pylist() == [None]
    assert len(history) == 2


def test_the_same_delivery_twice_changes_nothing(history: History, tmp_path: Path) -> None:
    events = [event("e1", "ann"), event("e2", "bo", 1)]
    deliver(history, tmp_path, *events)
    before = history.paths()
    again = deliver(history, tmp_path, *events)
    assert (again.new, again.duplicates) == (0, 2)
    assert history.paths() == before


def test_of_one_id_with_two_contents_the_first_received_wins(history: History, tmp_path: Path) -> None:
    done = deliver(history, tmp_path, event("e1", "ann", item="mug"), event("e1", "ann", item="cup", fingerprint=2))
    assert (done.new, done.conflicts) == (1, 1)
    later = deliver(history, tmp_path, event("e1", "ann", item="jug", fingerprint=3))
    assert (later.new, later.conflicts) == (0, 1)
    assert history.events_of(0)["fingerprint"].to_pylist() == [1]
    assert history.catalog.letters.counts() == {"conflicting_id": 2}


def test_files_no_transaction_lists_do_not_count_and_are_removed(history: History, tmp_path: Path) -> None:
    deliver(history, tmp_path, event("e1", "ann"))
    stray = history.folder / "bucket=00" / "month=2026-03" / "000009-0000.parquet"
    stray.write_bytes(b"half a fi")
    (history.folder / "staging").mkdir()
    assert len(history.events_of(0)) == 1
    assert history.recover() == 1
    assert not stray.exists()
    assert len(history) == 1


def test_many_small_files_become_one_and_the_events_stay(history: History, tmp_path: Path) -> None:
    for k in range(6):
        deliver(history, tmp_path, event(f"a{k}", "ann", k), event(f"b{k}", "bo", k))
    before = [history.events_of(0), history.events_of(1)]
    assert history.compact(most=10) == 0
    assert history.compact(most=5) == 10
    assert len(history.paths()) == 2
    assert [history.events_of(0), history.events_of(1)] == before
    assert history.recover() == 0
    assert deliver(history, tmp_path, event("a0", "ann", 0)).duplicates == 1
    assert history.catalog.last_ingest() == 6


def test_erasing_a_user_leaves_the_others_and_a_tombstone(history: History, tmp_path: Path) -> None:
    events = [
        event("e1", "ann-of-green"),
        event("e2", "bo", 1),
        event("e3", "cy", 2),
        event("e4", "di", 3),
        event("e5", "eve", 4),
    ]
    deliver(history, tmp_path, *events)
    eve = history.events_of(4)
    history.erase(0)
    digest = history.catalog.vault.digest("ann-of-green")
    history.catalog.vault.destroy([(0, digest)], 0)
    assert history.catalog.condemned() == [0]
    with history.catalog.transaction() as db:
        history.catalog.forget(db, [0], {digest})
    assert history.catalog.condemned() == []
    history.catalog.purge()
    assert len(history.events_of(0)) == 0
    assert history.events_of(4) == eve
    again = deliver(history, tmp_path, *events)
    assert (again.new, again.erased, again.duplicates) == (0, 1, 4)
    history.catalog.close()
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "delivery.parquet":
            assert b"ann-of-green" not in path.read_bytes(), path


def test_a_full_disk_changes_nothing(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(history, tmp_path, event("e1", "ann"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mien.stores.history.sync", full)
        with pytest.raises(TransientError, match=r"Free some space.*nothing was changed"):
            deliver(history, tmp_path, event("e2", "ann", 1))
    assert len(history) == 1
    assert deliver(history, tmp_path, event("e2", "ann", 1)).new == 1


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.set_meta("layout", "99")
    catalog.close()
    with pytest.raises(WorkspaceError, match="newer Mien"):
        Catalog(tmp_path / "catalog.sqlite")


def test_a_broken_catalogue_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceError, match="Restore it from a backup"):
        Catalog(tmp_path / "catalog.sqlite")


def versions(*rows: dict[str, object]) -> pa.Table:
    base = {"valid_from": datetime(1970, 1, 1, tzinfo=UTC), "available": True}
    return pa.Table.from_pylist([{**base, **row} for row in rows], schema=ITEMS)


def test_item_versions(tmp_path: Path) -> None:
    items = ItemTable(tmp_path / "items.parquet")
    day_us = 86_400_000_000
    assert items.add(versions({"item_id": "m", "title": "mug"}), derived=True, undated_us=day_us) == 1
    assert items.add(versions({"item_id": "m", "title": "Mug"}), derived=True, undated_us=day_us) == 0
    assert items.add(versions({"item_id": "m", "title": "Blue mug"}), derived=False, undated_us=day_us) == 1
    assert items.read()["title"].to_pylist() == ["Blue mug"]
    assert items.add(versions({"item_id": "m", "title": "Blue mug"}), derived=False, undated_us=2 * day_us) == 0
    assert items.add(versions({"item_id": "m", "title": "Red mug"}), derived=False, undated_us=3 * day_us) == 1
    assert items.add(versions({"item_id": "m", "title": "Red mug"}), derived=False, undated_us=4 * day_us) == 0
    stored = items.read()
    assert stored["title"].to_pylist() == ["Blue mug", "Red mug"]
    assert stored["valid_from"].to_pylist()[1] == datetime(1970, 1, 4, tzinfo=UTC)


def test_items_that_only_events_name_are_called_by_their_id(tmp_path: Path) -> None:
    items = ItemTable(tmp_path / "items.parquet")
    assert items.call_by_id(["a", "b", "c"]) == 3
    assert items.call_by_id(["a", "b", "c", "d"]) == 4
    assert items.read()["title"].to_pylist() == ["a", "b", "c", "d"]
    assert items.add(versions({"item_id": "a", "title": "mug"}), derived=True, undated_us=0) == 1  # an event said more
    items.append(versions({"item_id": "b", "title": "cup"}))  # one item was put: the shop goes on without a catalogue
    assert items.call_by_id(["a", "b", "c", "d", "e"]) == 3
    assert sorted(items.read()["title"].to_pylist()) == ["c", "cup", "d", "e", "mug"]
    items.add(
        versions({"item_id": "d", "title": "kettle"}), derived=False, undated_us=0
    )  # a file: that is what it sells
    assert items.call_by_id(["a", "b", "c", "d", "e", "f"]) == 0
    assert sorted(items.read()["title"].to_pylist()) == ["cup", "kettle", "mug"]


def test_resources_are_limits(tmp_path: Path) -> None:
    with Resources(tmp_path, memory_mb=100, threads=1).connect() as con:
        limit, threads = con.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall()[0]
    assert (limit, threads) == ("95.3 MiB", 1)
    assert isinstance(duckdb.__version__, str)
