"""States in SQLite: one file, durable, forgetting to the byte.

Write-ahead log with a sync at each commit: once `write` returns, a power cut loses nothing, and a process killed at
any instant leaves the states and the offset of before or of after, never a mixture. `secure_delete` writes zeros over
what is deleted or replaced; the write-ahead log, which still holds older pages, is emptied after every deletion.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.core.errors import TransientError, WorkspaceError
from mien.core.ids import UserRow

FORMAT = 1
READ_AT_ONCE = 500
"""Keys of one look-up, below SQLite's limit of parameters."""

_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "wal_autocheckpoint=8000",  # pages of 4 KB: checkpoints, two syncs each, come rarely
    "journal_size_limit=67108864",
    "cache_size=-32768",
)
_TABLES = """
CREATE TABLE IF NOT EXISTS state (user INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""


class SQLiteStore:
    """A `ProfileStore` in the file `path` (made where there is none). One object may serve many threads.

    Raises `WorkspaceError` for a file that is no store or of a newer version, `TransientError` for a full disk or a
    lock that another process holds for more than `wait_s` seconds.
    """

    def __init__(self, path: Path | str, *, wait_s: float = 30.0) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        with self._plain_errors():
            self._db = sqlite3.connect(self.path, timeout=wait_s, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        for setting in _SETTINGS:
            self._db.execute(f"PRAGMA {setting}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise WorkspaceError(
                "{path} is of version {version}, this Mien knows up to {format}. Install a newer Mien.",
                path=self.path,
                version=version,
                format=FORMAT,
            )
        if version < FORMAT:
            self._db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={FORMAT}; COMMIT;")

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as failed:
            raise TransientError(
                "{path}: {failed}. Free space or end the other process, and try again.", path=self.path, failed=failed
            ) from None
        except sqlite3.DatabaseError as failed:
            raise WorkspaceError(
                "{path} cannot be read: {failed}. Restore it, or delete it and build again.",
                path=self.path,
                failed=failed,
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        with self._lock, self._plain_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def read(self, user: UserRow) -> bytes | None:
        with self._lock, self._plain_errors():
            found = self._db.execute("SELECT bytes FROM state WHERE user = ?", (int(user),)).fetchone()
        return None if found is None else found[0]

    def read_many(self, users: Iterable[UserRow]) -> dict[UserRow, bytes]:
        wanted = [int(user) for user in users]
        found: dict[UserRow, bytes] = {}
        with self._lock, self._plain_errors():
            for start in range(0, len(wanted), READ_AT_ONCE):
                part = wanted[start : start + READ_AT_ONCE]
                marks = ",".join("?" * len(part))
                found.update(self._db.execute(f"SELECT user, bytes FROM state WHERE user IN ({marks})", part))
        return found

    def write(self, states: Iterable[tuple[UserRow, bytes]], offset: int | None = None) -> None:
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", ((int(user), data) for user, data in states))
            if offset is not None:
                db.execute("INSERT OR REPLACE INTO progress VALUES ('offset', ?)", (int(offset),))

    def offset(self) -> int:
        with self._lock, self._plain_errors():
            found = self._db.execute("SELECT number FROM progress WHERE name = 'offset'").fetchone()
        return 0 if found is None else int(found[0])

    def delete(self, users: Iterable[UserRow]) -> None:
        with self._transaction() as db:
            db.executemany("DELETE FROM state WHERE user = ?", ((int(user),) for user in users))
        self._empty_log()

    def purge(self) -> None:
        """Every deletion did so; what was replaced is taken out of the write-ahead log."""
        self._empty_log()

    def clear(self) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM state")
            db.execute("DELETE FROM progress")
        self._empty_log()

    def _empty_log(self) -> None:
        """Move the pages of the write-ahead log into the file and cut the log to nothing."""
        with self._lock, self._plain_errors():
            (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise TransientError(
                "{path}: another process reads; deleted, but the write-ahead log could not be emptied. Try again.",
                path=self.path,
            )

    def users(self) -> Iterator[UserRow]:
        after = -1
        while True:  # by pages of keys, so that no cursor stays open under a writer
            with self._lock, self._plain_errors():
                page = self._db.execute(
                    "SELECT user FROM state WHERE user > ? ORDER BY user LIMIT 10000", (after,)
                ).fetchall()
            if not page:
                return
            for (user,) in page:
                yield user
            after = page[-1][0]

    def __len__(self) -> int:
        with self._lock, self._plain_errors():
            return int(self._db.execute("SELECT count(*) FROM state").fetchone()[0])

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._db.close()
