"""The catalogue file of a workspace: who is who, which log segments count, dead letters and tombstones.

One SQLite database (WAL, `synchronous=FULL`, `secure_delete=ON`). A person's real id stands here and nowhere else.
What a transaction of this file does not name does not exist: log segments are files that count once listed here.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.core.consent import ANALYTICS
from mien.core.errors import WorkspaceError
from mien.core.ids import Rows
from mien.core.user import User, merged
from mien.stores import consents

LAYOUT = 1
"""Raised when a released layout changes in a way an older Mien cannot read."""

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS item_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS declared (user INTEGER PRIMARY KEY, traits TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stitched (user INTEGER PRIMARY KEY, into_user INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS stitched_into ON stitched (into_user);
CREATE TABLE IF NOT EXISTS ingests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, report TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
    path TEXT PRIMARY KEY, bucket INTEGER NOT NULL, month TEXT NOT NULL, events INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, ingest INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touched (ingest INTEGER NOT NULL, user INTEGER NOT NULL, PRIMARY KEY (ingest, user))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, file TEXT, row INTEGER, reason TEXT NOT NULL,
    detail TEXT, raw TEXT, digest TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS tombstones (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""
    + consents.SCHEMA
)
_OLD_CONSENTS = """
INSERT OR IGNORE INTO consented
    SELECT user, said.key, 0, said.value, 0, 'earlier' FROM declared, json_each(declared.consents) AS said;
ALTER TABLE declared DROP COLUMN consents;
"""
"""What an older Mien kept of consents, without time and source."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the log's history. `path` is relative to the log folder; `month` is YYYY-MM (UTC)."""

    path: str
    bucket: int
    month: str
    events: int
    first_us: int
    last_us: int
    ingest: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that could not be used, kept so that it can be looked at, mended and sent again."""

    id: int
    source: str
    file: str | None
    row: int | None
    reason: str
    detail: str | None
    raw: str | None


class SqliteIdMap:
    """One side of the id map (`core.ids.IdMap`) in the catalogue file. Rows of erased ids are never given again."""

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self._db, self._table = db, table

    def __len__(self) -> int:
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (self._table,)).fetchone()
        return int(found[0]) if found else 0

    def row(self, key: str) -> int | None:
        found = self._db.execute(f"SELECT row FROM {self._table} WHERE key = ?", (key,)).fetchone()
        return int(found[0]) if found else None

    def key(self, row: int) -> str | None:
        return self.keys([row])[0]

    def keys(self, rows: Iterable[int]) -> list[str | None]:
        query = f"SELECT key FROM {self._table} WHERE row = ?"
        found = (self._db.execute(query, (int(row),)).fetchone() for row in rows)
        return [str(one[0]) if one else None for one in found]

    def table(self) -> pa.Table:
        """All pairs as columns `row` (int32) and `key`, ascending by row."""
        pairs = self._db.execute(f"SELECT row, key FROM {self._table} ORDER BY row").fetchall()
        return pa.table(
            {"row": pa.array([p[0] for p in pairs], pa.int32()), "key": pa.array([p[1] for p in pairs], pa.string())}
        )

    def add(self, keys: Sequence[str]) -> Rows:
        found = [self.row(key) for key in keys]
        if None in found:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")  # another process may be giving rows, too
                found = self.give(keys)
        return np.array(found, dtype=np.int32)

    def give(self, keys: Sequence[str]) -> list[int | None]:
        """`add` inside the caller's transaction, which must have begun as a writer's."""
        found: dict[str, int | None] = {key: self.row(key) for key in dict.fromkeys(keys)}
        next_row = len(self)
        fresh = {key: next_row + k for k, key in enumerate(key for key, row in found.items() if row is None)}
        if fresh:
            query = f"INSERT INTO {self._table} (row, key) VALUES (?, ?)"
            self._db.executemany(query, ((row, key) for key, row in fresh.items()))
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (self._table, str(next_row + len(fresh))))
        return [fresh.get(key, found[key]) for key in keys]

    def some(self, limit: int) -> list[str]:
        """Up to `limit` ids, for finding the nearest to an unknown one."""
        return [row[0] for row in self._db.execute(f"SELECT key FROM {self._table} LIMIT ?", (limit,))]

    def remove(self, row: int) -> None:
        """Forget the id of a row; the row stays taken. The caller's transaction commits."""
        self._db.execute(f"DELETE FROM {self._table} WHERE row = ?", (row,))


class Catalog:
    """The catalogue file, opened. Not for use by two threads at once; several processes may read.

    `otherwise`: whether a purpose that a user has not spoken of is allowed.
    """

    def __init__(self, path: Path, *, otherwise: bool = True) -> None:
        self.path = path
        self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            with self._db:
                self._db.executescript(_SCHEMA)
                if "consents" in [row[1] for row in self._db.execute("PRAGMA table_info(declared)")]:
                    self._db.executescript(_OLD_CONSENTS)
        except sqlite3.DatabaseError as broken:
            self._db.close()
            raise WorkspaceError(
                f"{path} is not a catalogue that can be read ({broken}). Restore it from a backup."
            ) from None
        layout = int(self.meta("layout", str(LAYOUT)))
        if layout > LAYOUT:
            self._db.close()
            raise WorkspaceError(
                f"{path.parent} was written by a newer Mien (layout {layout}, this one reads up to {LAYOUT}). "
                "Upgrade Mien, or open another workspace."
            )
        self.set_meta("layout", str(LAYOUT))
        self.users = SqliteIdMap(self._db, "user_ids")
        self.items = SqliteIdMap(self._db, "item_ids")
        self.consents = consents.Consents(self._db, otherwise=otherwise)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when it returns."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db

    # -- small facts ------------------------------------------------------------------------------------------

    def meta(self, key: str, default: str = "") -> str:
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else default

    def set_meta(self, key: str, value: str) -> None:
        if self.meta(key) != value:
            with self._db:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # -- the log's manifest -----------------------------------------------------------------------------------

    def segments(self, buckets: Iterable[int] | None = None) -> list[Segment]:
        """The files that make up the history, of some buckets or of all, in a fixed order."""
        rows = self._db.execute(
            "SELECT path, bucket, month, events, first_us, last_us, ingest FROM segments ORDER BY path"
        )
        wanted = None if buckets is None else set(buckets)
        return [Segment(*row) for row in rows if wanted is None or row[1] in wanted]

    def last_ingest(self) -> int:
        """The number of the newest ingest that brought events; 0 before the first."""
        return int(self._db.execute("SELECT coalesce(max(ingest), 0) FROM segments").fetchone()[0])

    def ingest_reports(self) -> list[dict[str, Any]]:
        """What each ingest reported, oldest first."""
        return [json.loads(row[0]) for row in self._db.execute("SELECT report FROM ingests ORDER BY id")]

    def users_touched_since(self, ingest: int) -> Rows:
        """Rows of users with events of a later ingest, ascending."""
        rows = self._db.execute("SELECT DISTINCT user FROM touched WHERE ingest > ? ORDER BY user", (ingest,))
        return np.array([row[0] for row in rows], dtype=np.int32)

    # -- dead letters -----------------------------------------------------------------------------------------

    def bury_all(self, verdicts: Path) -> int:
        """`bury` the rows of a verdicts file in a transaction of their own."""
        with self.transaction() as db:
            return self.bury(db, read_letters(verdicts))

    def bury(self, db: sqlite3.Connection, letters: Iterable[dict[str, Any]]) -> int:
        """Keep rows that could not be used; the same row of the same file again is kept once. Returns how many new."""
        before = db.total_changes
        db.executemany(
            "INSERT OR IGNORE INTO dead_letters (source, file, row, reason, detail, raw, digest) "
            "VALUES (:source, :file, :row, :reason, :detail, :raw, :digest)",
            ({**letter, "digest": _letter_digest(letter)} for letter in letters),
        )
        return db.total_changes - before

    def dead_letters(self, limit: int | None = None) -> list[DeadLetter]:
        """The newest first."""
        rows = self._db.execute(
            "SELECT id, source, file, row, reason, detail, raw FROM dead_letters ORDER BY id DESC LIMIT ?",
            (-1 if limit is None else limit,),
        )
        return [DeadLetter(*row) for row in rows]

    def dead_letter_counts(self) -> dict[str, int]:
        """Reason → how many, most first."""
        rows = self._db.execute("SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY 2 DESC, 1")
        return {str(reason): int(n) for reason, n in rows}

    def drop_dead_letters(self, ids: Iterable[int]) -> None:
        with self._db:
            self._db.executemany("DELETE FROM dead_letters WHERE id = ?", ((one,) for one in ids))

    # -- declared traits and consents -------------------------------------------------------------------------

    def declare(self, users: Iterable[tuple[int, User]], *, at_us: int = 0) -> int:
        """Set what users declared as of `at_us`, replacing the traits of before. Returns how many changed."""
        changed = 0
        with self._db:
            for row, user in users:
                new = _json(user.traits)
                old = self._db.execute("SELECT traits FROM declared WHERE user = ?", (row,)).fetchone()
                if old is None or old[0] != new:
                    self._db.execute("INSERT OR REPLACE INTO declared VALUES (?, ?)", (row, new))
                said = self.consents.record_file(row, user.consents, at_us)
                changed += said or old is None or old[0] != new
        return changed

    def declared(self, row: int) -> User | None:
        """What a user declared, or None."""
        found = self._db.execute("SELECT traits FROM declared WHERE user = ?", (row,)).fetchone()
        said = self.consents.of(row)
        if found is None and not said:
            return None
        return User(self.users.key(row) or "", json.loads(found[0]) if found else {}, said, self.consents.otherwise)

    def declarations(self) -> Iterator[tuple[int, User]]:
        """Row and words of everybody who declared anything."""
        traits = {int(row): said for row, said in self._db.execute("SELECT user, traits FROM declared")}
        said = self.consents.everybody()
        for row in sorted({*traits, *said}):
            told = json.loads(traits.get(row, "{}"))
            yield row, User(self.users.key(row) or "", told, said.get(row, {}), self.consents.otherwise)

    def person_declared(self, row: int) -> User:
        """What the person behind a row declared under all their ids; a user without a word where that is nothing."""
        person = self.person(row)
        found = merged([self.declared(one) for one in (person, *self.members(person))])
        return found or User(self.users.key(row) or "", otherwise=self.consents.otherwise)

    def profilable(self, user_ids: Sequence[str]) -> list[bool]:
        """Which of these ids' events may be kept: their person has not refused, or has agreed where that is asked."""
        if self.consents.all_allow(ANALYTICS):
            return [True] * len(user_ids)
        other = [
            row for row, allowed in self.consents.allowing(ANALYTICS).items() if allowed is not self.consents.otherwise
        ]
        unlike = {key for key in self.users.keys(other) if key is not None}
        return [(user_id in unlike) is not self.consents.otherwise for user_id in user_ids]

    # -- identities -------------------------------------------------------------------------------------------

    def stitch(self, user: int, into: int) -> None:
        """From now on `user` is the same person as `into`; undone by `unstitch`."""
        with self._db:
            self._db.execute("UPDATE stitched SET into_user = ? WHERE into_user = ?", (into, user))
            self._db.execute("INSERT OR REPLACE INTO stitched VALUES (?, ?)", (user, into))

    def unstitch(self, user: int) -> None:
        with self._db:
            self._db.execute("DELETE FROM stitched WHERE user = ?", (user,))

    def person(self, user: int) -> int:
        """The row that stands for the person behind `user`: itself unless it was stitched."""
        found = self._db.execute("SELECT into_user FROM stitched WHERE user = ?", (user,)).fetchone()
        return int(found[0]) if found else user

    def members(self, person: int) -> list[int]:
        """The rows stitched into a person, ascending."""
        rows = self._db.execute("SELECT user FROM stitched WHERE into_user = ? ORDER BY user", (person,))
        return [int(row[0]) for row in rows]

    def stitches(self) -> dict[int, int]:
        """Row → the row that stands for the person, of all stitched rows."""
        return {int(a): int(b) for a, b in self._db.execute("SELECT user, into_user FROM stitched")}

    # -- forgetting -------------------------------------------------------------------------------------------

    def secret(self) -> bytes:
        """The key of this workspace's hashes, made at first need."""
        if not self.meta("tombstone_key"):
            self.set_meta("tombstone_key", secrets.token_hex(32))
        return bytes.fromhex(self.meta("tombstone_key"))

    def tombstone(self, user_id: str) -> bytes:
        """A keyed hash of an id: tells whether an id was erased without telling the id."""
        return hmac.new(self.secret(), user_id.encode(), hashlib.sha256).digest()

    def erased(self, user_ids: Sequence[str]) -> list[bool]:
        """Which of these ids were erased (and must not come back by an old file)."""
        if not self._db.execute("SELECT 1 FROM tombstones LIMIT 1").fetchone():
            return [False] * len(user_ids)
        query = "SELECT 1 FROM tombstones WHERE digest = ?"
        return [self._db.execute(query, (self.tombstone(user_id),)).fetchone() is not None for user_id in user_ids]

    def forget(self, db: sqlite3.Connection, row: int, user_id: str) -> None:
        """Remove a user's id, declarations, stitches and dead letters; leave a tombstone."""
        db.execute("INSERT OR IGNORE INTO tombstones VALUES (?)", (self.tombstone(user_id),))
        db.execute("DELETE FROM declared WHERE user = ?", (row,))
        self.consents.erase(db, row)
        db.execute("DELETE FROM touched WHERE user = ?", (row,))
        db.execute("DELETE FROM stitched WHERE user = ? OR into_user = ?", (row, row))
        holding = db.execute("SELECT id, raw FROM dead_letters WHERE instr(raw, ?) > 0", (user_id,)).fetchall()
        mine = [(one,) for one, raw in holding if user_id in _json_values(raw)]
        db.executemany("DELETE FROM dead_letters WHERE id = ?", mine)
        self.users.remove(row)

    def purge(self) -> None:
        """Take the bytes of what was deleted out of the file and out of its write-ahead log.

        On a connection of its own, which waits for readers: a question in progress does not get in its way.
        """
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
            db.execute("PRAGMA secure_delete=ON")
            for step in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                db.execute(step).fetchall()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _json_values(raw: str) -> set[str]:
    """The values of a raw row; the whole text where it is no JSON object."""
    try:
        row = json.loads(raw)
    except ValueError:
        return {raw}
    return {str(value) for value in row.values()} if isinstance(row, dict) else {raw}


def read_letters(verdicts: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file of the schema VERDICTS, ready to be buried."""
    return list(pq.read_table(verdicts).to_pylist())


def _letter_digest(letter: dict[str, Any]) -> str:
    parts = [letter["source"], letter["reason"], letter["row"], letter["raw"]]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
