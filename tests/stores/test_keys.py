"""Keys: shown once, kept hashed, found by themselves alone, gone when revoked, whichever process revokes them."""

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import mien.stores.keys as module
from mien.core.caller import ENOUGH, SCOPES, Caller
from mien.core.errors import MienError, UnknownName, UsageError, WorkspaceError
from mien.stores.keys import Keys

NOBODYS = "mien_w_" + "0" * 8 + "_" + "0" * 48


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.sqlite")


def test_a_key_finds_who_asks_and_nothing_else_does(keys: Keys) -> None:
    text, key = keys.add("web shop", "write", 1_000)
    other, _ = keys.add("analyst", "read", 2_000, source="desk")
    assert keys.find(text) == Caller(key.key_id, "web shop", "write", "web shop")
    found = keys.find(other)
    assert found is not None
    assert (found.scope, found.source) == ("read", "desk")
    swapped = "_".join([*text.split("_")[:3], other.split("_")[3]])
    near = text[:-1] + ("1" if text[-1] == "0" else "0")
    for wrong in ("", "key", text[:-1], text + "0", near, swapped, text.upper(), text + "\n", "\ud800", NOBODYS):
        assert keys.find(wrong) is None, wrong


def test_the_file_holds_no_key_and_is_its_owners_alone(keys: Keys) -> None:
    text, _ = keys.add("web shop", "write", 1_000)
    content = keys.path.read_bytes()
    assert text.encode() not in content
    assert text.rpartition("_")[2].encode() not in content
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_a_key_is_hashed_once_and_then_remembered(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = keys.add("web shop", "write", 1_000)
    hashed = []
    real = module._hash
    monkeypatch.setattr(module, "_hash", lambda *given: hashed.append(1) or real(*given))
    fresh = Keys(keys.path)
    assert fresh.remembered(text) is None
    assert [fresh.find(text) is not None for _ in range(3)] == [True] * 3
    assert fresh.remembered(text) is not None
    assert len(hashed) == 1
    fresh.find("nonsense")
    fresh.find(NOBODYS)
    assert len(hashed) == 1  # what no key can be costs no hash


def test_revoked_is_refused_here_at_once_and_elsewhere_within_a_moment(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, key = keys.add("web shop", "write", 1_000)
    elsewhere = Keys(keys.path)
    assert elsewhere.find(text) is not None
    assert keys.revoke(key.key_id, 5_000).revoked_us == 5_000
    assert keys.revoke(key.key_id, 9_000).revoked_us == 5_000
    assert keys.find(text) is None
    assert keys.caller(key.key_id) is None
    later = module.time.monotonic() + module.LOOK_S + 0.1
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert elsewhere.find(text) is None
    assert elsewhere.configured()  # revoking the last one does not open the door
    assert [one.revoked_us for one in elsewhere.list()] == [5_000]


def test_a_file_that_vanishes_does_not_open_the_door(keys: Keys) -> None:
    assert not keys.configured()
    text, _ = keys.add("web shop", "write", 1_000)
    assert keys.configured()
    keys.path.unlink()
    assert keys.list() == []
    assert keys.configured()
    assert keys.find(text) is None


def test_names_and_scopes_are_looked_at(keys: Keys) -> None:
    keys.add("web shop", "write", 1_000)
    for name in ("", " ", "a\nb", "x" * 101, "web shop"):
        with pytest.raises(UsageError):
            keys.add(name, "read", 2_000)
    with pytest.raises(UnknownName, match="admin"):
        keys.add("b", "adnim", 2_000)
    with pytest.raises(UnknownName):
        keys.revoke("' OR 1=1 --", 2_000)
    assert len(keys.list()) == 1


def test_a_name_is_free_again_once_its_key_is_revoked_and_the_source_stays(keys: Keys) -> None:
    _, first = keys.add("web shop", "write", 1_000)
    keys.revoke(first.key_id, 2_000)
    _, second = keys.add("web shop", "write", 3_000)
    assert first.source == second.source


def test_a_broken_file_is_said_in_a_sentence(keys: Keys) -> None:
    keys.path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(WorkspaceError, match=r"keys\.sqlite"):
        keys.list()
    keys.path.write_bytes(b"")
    assert keys.list() == []


def test_several_processes_add_keys_at_once(keys: Keys) -> None:
    code = "import sys; from pathlib import Path; from mien.stores.keys import Keys\n"
    code += "for k in range(5): Keys(Path(sys.argv[1])).add(f'{sys.argv[2]} {k}', 'read', k)"
    running = [subprocess.Popen([sys.executable, "-c", code, str(keys.path), name]) for name in "abc"]
    assert [one.wait(timeout=60) for one in running] == [0, 0, 0]
    assert len(keys.list()) == 15


def test_a_killed_writer_leaves_the_keys_of_before(keys: Keys) -> None:
    keys.add("web shop", "write", 1_000)
    code = "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
    code += (
        "db.execute('PRAGMA cache_size=1'); db.execute('BEGIN IMMEDIATE'); db.execute('DELETE FROM keys'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(keys.path)], check=False).returncode == 9
    assert [one.name for one in Keys(keys.path).list()] == ["web shop"]


def test_a_held_file_is_worth_trying_again(keys: Keys) -> None:
    keys.add("web shop", "write", 1_000)
    holding = sqlite3.connect(keys.path, isolation_level=None)
    try:
        holding.execute("BEGIN EXCLUSIVE")
        with pytest.raises(MienError) as failed:
            Keys(keys.path).list()
        assert failed.value.code == "try_again"
    finally:
        holding.close()


def test_a_write_key_may_only_track_and_admin_may_all() -> None:
    for scope in SCOPES:
        caller = Caller("id", "name", scope, "source")
        assert [needed for needed in SCOPES if caller.may(needed)] == {
            "write": ["write"], "read": ["read", "metrics"], "metrics": ["metrics"], "admin": list(SCOPES),
        }[scope]  # fmt: skip
    assert set(ENOUGH) == set(SCOPES)
