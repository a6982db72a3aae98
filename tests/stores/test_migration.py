"""A workspace of before ids were sealed: brought up when it is opened, whole or not at all."""

import hmac
import json
import sqlite3
from pathlib import Path

import pytest

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
"""


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
        db.executemany("INSERT INTO meta VALUES (?, ?)", [("layout", "1"), ("user_ids", "3"), ("tombstone_key", KEY)])
    db.close()
    return path


def check(path: Path) -> None:
    catalog = Catalog(path)
    assert catalog.users.keys([0, 1, 2]) == ["ann-of-green-gables", None, "bob-of-the-sea"]
    assert catalog.users.add(["dan"]).tolist() == [3]
    assert catalog.erased([ERASED, "dan"]) == [True, False]
    declared = catalog.declared(0)
    assert declared is not None
    assert declared.traits == {"email": "ann@avonlea.example"}
    assert declared.consents == {"marketing": False}
    catalog.close()


def test_an_older_catalogue_is_sealed_when_it_is_opened(old: Path) -> None:
    assert b"ann-of-green-gables" in old.read_bytes()
    check(old)
    Tail(old).close()
    for path in old.parent.rglob("*"):
        if path.is_file():
            for word in (b"green-gables", b"of-the-sea", b"avonlea", KEY.encode()):
                assert word not in path.read_bytes(), path


@pytest.mark.parametrize("instant", ["seal_older", "purge"])
def test_interrupted_it_is_done_by_the_next(old: Path, monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    done = module.seal_older

    def broken(*arguments: object, **options: object) -> None:
        if instant == "seal_older":
            done(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patched:
        patched.setattr(module if instant == "seal_older" else Catalog, instant, broken)
        with pytest.raises(RuntimeError):
            Catalog(old)
    check(old)
    assert b"green-gables" not in old.read_bytes()
