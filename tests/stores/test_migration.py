"""A workspace of before ids were sealed: brought up when it is opened, whole or not at all."""

import hashlib
import hmac
import json
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from mien.core.clock import from_us
from mien.core.event import Action, Event
from mien.core.tracked import Tracked
from mien.stores import catalog as module
from mien.stores.catalog import Catalog
from mien.stores.tail import Tail

KEY = "ab" * 32
ERASED = "carol-who-left"

_OLD = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE user_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE item_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE declared (user INTEGER PRIMARY KEY, traits TEXT NOT NULL, consents TEXT NOT NULL);
CREATE TABLE tombstones (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE tail (
    offset INTEGER PRIMARY KEY AUTOINCREMENT, "user" INTEGER NOT NULL, event_id TEXT NOT NULL,
    source TEXT NOT NULL, fingerprint INTEGER NOT NULL, action TEXT NOT NULL, item INTEGER,
    "at" INTEGER NOT NULL, value REAL, quantity REAL, rating REAL, query TEXT, text TEXT,
    impression_id TEXT, properties TEXT);
CREATE INDEX tail_user ON tail ("user");
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, file TEXT, row INTEGER, reason TEXT NOT NULL,
    detail TEXT, raw TEXT, digest TEXT NOT NULL UNIQUE);
CREATE TABLE received (digest BLOB PRIMARY KEY, fingerprint INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE others (
    id INTEGER PRIMARY KEY, user INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, properties TEXT NOT NULL);
CREATE INDEX others_user ON others (user);
CREATE TABLE told (
    user INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (user, kind, name)) WITHOUT ROWID;
"""


def message_hash(message_id: str) -> bytes:
    return hashlib.blake2b(f"http\0{message_id}".encode(), key=bytes.fromhex(KEY), digest_size=16).digest()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The catalogue file of an older Mien: two users, one who was erased."""
    path = tmp_path / "catalog.sqlite"
    db = sqlite3.connect(path)
    db.executescript(_OLD)
    digest = hmac.digest(bytes.fromhex(KEY), ERASED.encode(), "sha256")
    with db:
        db.executemany("INSERT INTO user_ids VALUES (?, ?)", [(0, "ann-of-green-gables"), (2, "bob-of-the-sea")])
        traits = json.dumps({"email": "ann@avonlea.example"})
        db.execute("INSERT INTO declared VALUES (0, ?, ?)", (traits, json.dumps({"marketing": False})))
        db.execute("INSERT INTO tombstones VALUES (?)", (digest,))
        event = (
            0,
            "m-ann-1",
            "http",
            77,
            "search",
            None,
            5_000_000,
            None,
            2.0,
            None,
            "raspberry cordial",
            None,
            None,
            "{}",
        )
        places = ", ".join("?" * len(event))
        db.execute(f"INSERT INTO tail VALUES (41, {places})", event)
        db.execute(f"INSERT INTO tail VALUES (42, {places})", event)
        db.execute("DELETE FROM tail WHERE offset = 42")
        db.execute("INSERT INTO received VALUES (?, 77)", (message_hash("m-ann-1"),))
        letter = ("http", None, None, "bad_time", "soon", '{"userId": "bob-of-the-sea"}', "0f")
        db.execute("INSERT INTO dead_letters VALUES (1, ?, ?, ?, ?, ?, ?, ?)", letter)
        db.execute(
            "INSERT INTO others VALUES (1, 0, 'page Home', 6000000, ?)", (json.dumps({"url": "/puffed-sleeves"}),)
        )
        db.executemany(
            "INSERT INTO told VALUES (0, ?, ?, ?, 9)", [("traits", "city", '"Carmody"'), ("consents", "x", "true")]
        )
        db.executemany("INSERT INTO meta VALUES (?, ?)", [("layout", "1"), ("user_ids", "3"), ("tombstone_key", KEY)])
    db.close()
    return path


def check(path: Path) -> None:
    catalog = Catalog(path)
    assert catalog.users.keys([0, 1, 2]) == ["ann-of-green-gables", None, "bob-of-the-sea"]
    assert catalog.users.add(["dan"]).tolist() == [3]
    assert catalog.erased([ERASED, "dan"]) == [True, False]
    (letter,) = catalog.letters.newest()
    assert (letter.reason, letter.detail, letter.raw) == ("bad_time", "soon", '{"userId": "bob-of-the-sea"}')
    declared = catalog.declared(0)
    assert declared is not None
    assert declared.traits == {"email": "ann@avonlea.example"}
    assert declared.consents == {"marketing": False, "x": True}
    catalog.close()
    tail = Tail(path)
    (event,) = tail.table().to_pylist()
    assert (event["event_id"], event["query"], event["quantity"], event["user"]) == (
        "m-ann-1",
        "raspberry cordial",
        2.0,
        0,
    )
    assert tail.read(1, 9)[1] == 42
    assert tail.end() == 43
    assert tail.others(0) == [{"name": "page Home", "at_us": 6_000_000, "properties": {"url": "/puffed-sleeves"}}]
    said = Event("m-ann-1", "http", "ann-of-green-gables", Action.SEARCH, from_us(5_000_000))
    known = Tracked("m-ann-1", "http", 77, "ann-of-green-gables", 5_000_000, events=[said])
    told = Tracked("m2", "http", 78, "ann-of-green-gables", 8, traits={"city": "Avonlea", "age": 11})
    assert tail.append([known, replace(known, digest=99), told]) == {
        "duplicate": 1, "conflict": 1, "new": 1, "events": 0,
    }  # fmt: skip
    tail.close()
    catalog = Catalog(path)
    assert catalog.traits(0) == {"email": "ann@avonlea.example", "city": "Carmody", "age": 11}
    catalog.close()


def test_an_older_catalogue_is_sealed_when_it_is_opened(old: Path) -> None:
    assert b"ann-of-green-gables" in old.read_bytes()
    Catalog(old).close()
    for path in old.parent.rglob("*"):
        if path.is_file():
            for word in (b"green-gables", b"of-the-sea", b"avonlea", b"cordial", b"sleeves", b"Carmody", KEY.encode()):
                assert word not in path.read_bytes(), path
    check(old)


@pytest.mark.parametrize("instant", ["bring_up", "purge"])
def test_interrupted_it_is_done_by_the_next(old: Path, monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    done = module.bring_up

    def broken(*arguments: object, **options: object) -> None:
        if instant == "bring_up":
            done(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patched:
        patched.setattr(module if instant == "bring_up" else Catalog, instant, broken)
        with pytest.raises(RuntimeError):
            Catalog(old)
    Catalog(old).close()
    assert b"green-gables" not in old.read_bytes()
    check(old)
