"""What only a file can get wrong: bytes that stay behind, crashes, foreign files, locks."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.core.errors import TransientError, WorkspaceError
from mien.core.ids import UserRow
from mien.stores.sqlite import SQLiteStore

SECRET = b"the one thing nobody else has " * 200  # more than a page, so that it overflows


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


@pytest.mark.parametrize("way", ["delete", "clear", "replace then delete"])
def test_forgotten_bytes_are_gone_from_every_file(tmp_path: Path, way: str) -> None:
    store = SQLiteStore(tmp_path / "states.sqlite")
    others = {UserRow(user): f"other {user}".encode() * 50 for user in range(50)}
    store.write(others.items(), offset=1)
    store.write([(UserRow(77), SECRET)], offset=2)
    assert b"nobody else has" in all_bytes(tmp_path)
    if way == "replace then delete":
        store.write([(UserRow(77), b"short")])
    if way == "clear":
        store.clear()
    else:
        store.delete([UserRow(77)])
        assert store.read_many(others) == others
        assert store.offset() == 2
    assert b"nobody else has" not in all_bytes(tmp_path)
    store.close()
    assert b"nobody else has" not in all_bytes(tmp_path)


def test_a_foreign_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "states.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceError, match="cannot be read"):
        SQLiteStore(path)


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "states.sqlite"
    SQLiteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(WorkspaceError, match="Install a newer Mien"):
        SQLiteStore(path)


def test_a_lock_held_elsewhere_is_worth_another_try(tmp_path: Path) -> None:
    path = tmp_path / "states.sqlite"
    store = SQLiteStore(path, wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match="try again"):
        store.write([(UserRow(1), b"x")], offset=1)
    other.execute("ROLLBACK")
    other.close()
    store.write([(UserRow(1), b"x")], offset=1)
    assert store.offset() == 1
    store.close()


WRITER = """
import sys
from mien.stores.sqlite import SQLiteStore

store = SQLiteStore(sys.argv[1])
batch = store.offset()
print("ready", flush=True)
while True:
    batch += 1
    store.write([(user, f"{batch}:".encode() * 3000) for user in range(40)], offset=batch)
"""


@pytest.mark.slow
def test_killed_at_any_instant_it_holds_one_batch_whole(tmp_path: Path) -> None:
    path = tmp_path / "states.sqlite"
    seen = []
    for trial in range(12):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.05 + 0.017 * trial)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        store = SQLiteStore(path)
        states = store.read_many(store.users())
        assert set(states.values()) <= {f"{store.offset()}:".encode() * 3000}
        seen.append(store.offset())
        store.close()
    assert seen == sorted(seen)
    assert seen[-1] > 0
