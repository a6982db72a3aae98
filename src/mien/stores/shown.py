"""Impressions in a file of their own: what was shown to whom, until it is too old or its user is forgotten.

A file apart from the log, so that keeping what was shown never waits for what is tracked, nor the other way round.
`secure_delete` and an emptied write-ahead log leave nothing of what is deleted.
"""

import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mien.core.errors import TransientError
from mien.core.impression import Impression

_SCHEMA = """
CREATE TABLE IF NOT EXISTS shown (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, user INTEGER, kind TEXT NOT NULL, query TEXT NOT NULL,
    items BLOB NOT NULL, first INTEGER NOT NULL, total INTEGER NOT NULL, policy TEXT NOT NULL, propensity REAL NOT NULL,
    personalised INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shown_at ON shown (at);
CREATE INDEX IF NOT EXISTS shown_user ON shown (user) WHERE user IS NOT NULL;
CREATE TABLE IF NOT EXISTS dropped (n INTEGER NOT NULL);
"""
_COLUMNS = "id, at, user, kind, query, items, first, total, policy, propensity, personalised"
_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "journal_size_limit=67108864")


class Impressions:
    """The impressions in the file `path`, made where there is none. Any thread and several processes may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for setting in _SETTINGS:
            self._db.execute(f"PRAGMA {setting}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as failed:
                raise TransientError(
                    "{path}: {failed}. Impressions were not kept.", path=self.path, failed=failed
                ) from None
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def add(self, impressions: Iterable[Impression], dropped: int = 0) -> None:
        """Keep impressions, each once, and count those that could not be kept. Cost: some 20 µs each, and one sync."""
        with self._transaction() as db:
            marks = ", ".join("?" * 11)
            db.executemany(f"INSERT OR IGNORE INTO shown ({_COLUMNS}) VALUES ({marks})", map(_row, impressions))
            if dropped:
                db.execute("INSERT INTO dropped VALUES (?)", (dropped,))

    def between(self, since_us: int, until_us: int) -> list[Impression]:
        """Those shown after a moment and not after another, oldest first."""
        return self._read("WHERE at > ? AND at <= ? ORDER BY at, id", (since_us, until_us))

    def of(self, user: int) -> list[Impression]:
        """Those shown to a user, oldest first."""
        return self._read("WHERE user = ? ORDER BY at, id", (user,))

    def dropped(self) -> int:
        """How many could not be kept, ever."""
        with self._lock:
            return int(self._db.execute("SELECT coalesce(sum(n), 0) FROM dropped").fetchone()[0])

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM shown").fetchone()[0])

    def erase(self, users: Sequence[int]) -> int:
        """Forget all that was shown to these users, to the byte; how many that were."""
        with self._transaction() as db:
            gone = sum(db.execute("DELETE FROM shown WHERE user = ?", (int(user),)).rowcount for user in users)
        self._empty_log()
        return gone

    def sweep(self, before_us: int) -> int:
        """Forget what was shown before a moment; how many that were."""
        with self._transaction() as db:
            return db.execute("DELETE FROM shown WHERE at < ?", (before_us,)).rowcount

    def _empty_log(self) -> None:
        with self._lock:
            (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise TransientError(
                "{path}: deleted, but another process reads the write-ahead log. Try again.", path=self.path
            )

    def _read(self, where: str, parameters: tuple[int, ...]) -> list[Impression]:
        with self._lock:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM shown {where}", parameters).fetchall()
        return [
            Impression(
                key, at, user, kind, query, tuple(array("i", items)), first, total, policy, chance, bool(personal)
            )
            for key, at, user, kind, query, items, first, total, policy, chance, personal in rows
        ]


def _row(one: Impression) -> tuple[object, ...]:
    items = array("i", one.items).tobytes()
    return (
        one.impression_id, one.at_us, one.user, one.kind, one.query, items, one.first, one.total, one.policy,
        one.propensity, int(one.personalised),
    )  # fmt: skip
