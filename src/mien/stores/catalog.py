"""The catalogue file of a workspace: who is who, which log segments count, dead letters and tombstones.

One SQLite database (WAL, `synchronous=FULL`, `secure_delete=ON`). A person's real id stands here and nowhere else, and
here it is sealed under the person's own key, as is what they declared; the keys lie elsewhere (`stores.vault`). What a
transaction of this file does not name does not exist: log segments are files that count once listed here.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core.consent import ANALYTICS
from mien.core.errors import TransientError, WorkspaceError
from mien.core.ids import Rows
from mien.core.phrase import Phrase
from mien.core.user import User, merged
from mien.stores import consents, holds, letters
from mien.stores.idmap import ItemIds, UserIds
from mien.stores.migration import bring_up, is_older
from mien.stores.private import TRAITS
from mien.stores.vault import AT_ONCE, USERS, Vault

LAYOUT = 4
"""Raised when a released layout changes in a way an older Mien cannot read."""

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS item_ids (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS traits (user INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS stitched (user INTEGER PRIMARY KEY, into_user INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS stitched_into ON stitched (into_user);
CREATE TABLE IF NOT EXISTS ingests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, report TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
    path TEXT PRIMARY KEY, bucket INTEGER NOT NULL, month TEXT NOT NULL, events INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, ingest INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touched (ingest INTEGER NOT NULL, user INTEGER NOT NULL, PRIMARY KEY (ingest, user))
    WITHOUT ROWID;
"""
    + letters.SCHEMA
    + holds.SCHEMA
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
class Who:
    """The person behind an id. `row`: of the id; `rows`: of the person, the one that stands for them first.

    `user`: what they declared.
    """

    row: int
    rows: list[int]
    user: User


_WHO = (
    "SELECT row, (SELECT sealed FROM traits WHERE user = row), EXISTS (SELECT 1 FROM consented WHERE user = row), "
    "EXISTS (SELECT 1 FROM stitched WHERE user = row OR into_user = row) FROM people WHERE digest = ?"
)


class Catalog:
    """The catalogue file, opened. Not for use by two threads at once; several processes may read.

    `otherwise`: whether a purpose that a user has not spoken of is allowed. `vault`: the folder of the keys (None:
    `vault` beside the file).
    """

    def __init__(self, path: Path, vault: Path | None = None, *, otherwise: bool = True) -> None:
        self.path = path
        self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute("PRAGMA wal_autocheckpoint=8000")  # pages of 4 KB: checkpoints come rarely
            self._db.execute("PRAGMA journal_size_limit=67108864")
            self._db.execute("PRAGMA cache_size=-16384")
            with self._db:
                self._db.executescript(_SCHEMA)
                if "consents" in [row[1] for row in self._db.execute("PRAGMA table_info(declared)")]:
                    self._db.executescript(_OLD_CONSENTS)
            self.vault = self._open_vault(vault or path.parent / "vault")
        except sqlite3.DatabaseError as broken:
            self._db.close()
            raise WorkspaceError(
                "{path} is not a catalogue that can be read ({broken}). Restore it from a backup.",
                path=path,
                broken=broken,
            ) from None
        except BaseException:
            self._db.close()
            raise
        self.users = UserIds(self._db, self.transaction, self.vault)
        self.items = ItemIds(self._db, self.transaction)
        self.consents = consents.Consents(self._db, otherwise=otherwise)
        self.letters = letters.Letters(self._db, self.transaction, self.vault)
        self.holds = holds.Holds(self._db, self.transaction, self.vault)
        self._bring_up()

    def _open_vault(self, folder: Path) -> Vault:
        """The keys, which must be those that this file is sealed under."""
        layout = int(self.meta("layout", str(LAYOUT)))
        if layout > LAYOUT:
            raise WorkspaceError(
                "{parent} was written by a newer Mien (layout {layout}, this one reads up to "
                "{known}). Upgrade Mien, or open another workspace.",
                parent=self.path.parent,
                layout=layout,
                known=LAYOUT,
            )
        known = self.meta("vault")
        where = Phrase("Put them back, or name their folder by MIEN_PRIVACY_VAULT; it is {folder} now.", folder=folder)
        if known and not (folder / USERS).is_file():
            raise WorkspaceError("The keys of {parent} are missing. {where}", parent=self.path.parent, where=where)
        seed = self.meta("tombstone_key")
        vault = Vault(folder, seed=bytes.fromhex(seed) if seed else None)
        if known and known != vault.id:
            vault.close()
            raise WorkspaceError(
                "The keys are of another workspace than {parent}. {where}", parent=self.path.parent, where=where
            )
        return vault

    def _bring_up(self) -> None:
        """Write an older layout anew, and remember whose keys these are."""
        try:
            if is_older(self._db, LAYOUT):
                with self.transaction() as db:
                    bring_up(db, self.vault, self.users, self.letters, LAYOUT)
            self.set_meta("vault", self.vault.id)
            if self.meta("unsealed"):
                self.purge(whole=True)
                self.set_meta("unsealed", "")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.vault.close()
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when it returns; keys that were given in it are durable before it is."""
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self.vault.commit()
        except BaseException:
            self.vault.rollback()
            raise

    def version(self) -> tuple[int, int]:
        """Changes whenever the file does, by this connection or by another. Cost: some µs."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0]), self._db.total_changes

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

    # -- declared traits and consents -------------------------------------------------------------------------

    def declare(self, users: Iterable[tuple[int, User]], *, at_us: int = 0) -> int:
        """Add what users declared as of `at_us`; traits that are not named stay. Returns how many users changed.

        Of who does not let be kept what they do, nothing is but the consents.
        """
        changed = 0
        with self.transaction() as db:
            for row, user in users:
                said = self.consents.record_file(row, user.consents, at_us)
                before = self.traits(row) or {}
                new = self._may_be_kept(row) and before | user.traits != before
                if new:
                    self.set_traits(db, row, before | user.traits)
                changed += said or new
        return changed

    def _may_be_kept(self, row: int) -> bool:
        return self.consents.all_allow(ANALYTICS) or self.person_declared(row).profilable

    def set_traits(self, db: sqlite3.Connection, row: int, traits: Mapping[str, Any]) -> None:
        """Set declared traits in the caller's transaction; nothing for a user who was erased."""
        sealed = self.vault.seal(row, _json(traits).encode(), TRAITS)
        if sealed is not None:
            db.execute("INSERT OR REPLACE INTO traits VALUES (?, ?)", (row, sealed))

    def traits(self, row: int) -> dict[str, Any] | None:
        """Declared traits; None where none were declared. Cost: some 5 µs."""
        found = self._db.execute("SELECT sealed FROM traits WHERE user = ?", (row,)).fetchone()
        return None if found is None else self._opened_traits([(row, found[0])]).get(row)

    def _opened_traits(self, sealed: Sequence[tuple[int, bytes]]) -> dict[int, dict[str, Any]]:
        plain = self.vault.open_all(sealed, TRAITS)
        return {row: json.loads(one) for (row, _), one in zip(sealed, plain, strict=True) if one is not None}

    def declared(self, row: int) -> User | None:
        """What a user declared, or None."""
        traits, said = self.traits(row), self.consents.of(row)
        if traits is None and not said:
            return None
        return User(self.users.key(row) or "", traits or {}, said, self.consents.otherwise)

    def declarations(self) -> Iterator[tuple[int, User]]:
        """Row and words of everybody who declared anything. Cost: some 15 µs a user."""
        traits = self._opened_traits(self._db.execute("SELECT user, sealed FROM traits").fetchall())
        said = self.consents.everybody()
        rows = sorted({*traits, *said})
        for row, key in zip(rows, self.users.keys(rows), strict=True):
            yield row, User(key or "", traits.get(row, {}), said.get(row, {}), self.consents.otherwise)

    def person_declared(self, row: int) -> User:
        """What the person behind a row declared under all their ids; a user without a word where that is nothing."""
        person = self.person(row)
        found = merged([self.declared(one) for one in (person, *self.members(person))])
        return found or User(self.users.key(row) or "", otherwise=self.consents.otherwise)

    def who(self, user_id: str) -> Who | None:
        """Who is behind an id; None where it was never seen. Cost: one look-up, for who has one id and said nothing of
        consent."""
        found = self._db.execute(_WHO, (self.vault.digest(user_id),)).fetchone()
        if found is None:
            return None
        row, sealed, spoke, stitched = found
        if spoke or stitched:
            person = self.person(row)
            return Who(row, [person, *self.members(person)], self.person_declared(row))
        traits = {} if sealed is None else self._opened_traits([(row, sealed)]).get(row, {})
        return Who(row, [row], User(user_id, traits, otherwise=self.consents.otherwise))

    def profilable(self, user_ids: Sequence[str]) -> list[bool]:
        """Which of these ids' events may be kept: their person has not refused, or has agreed where that is asked."""
        if self.consents.all_allow(ANALYTICS):
            return [True] * len(user_ids)
        allowing = self.consents.allowing(ANALYTICS)
        rows = map(self.users.row, user_ids)
        return [self.consents.otherwise if row is None else allowing.get(row, self.consents.otherwise) for row in rows]

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

    def persons_of(self, users: Collection[int]) -> dict[int, int]:
        """`person` of many rows, by row."""
        found, wanted = {user: user for user in users}, list(users)
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            query = f"SELECT user, into_user FROM stitched WHERE user IN ({','.join('?' * len(part))})"
            found.update(self._db.execute(query, part))
        return found

    def members(self, person: int) -> list[int]:
        """The rows stitched into a person, ascending."""
        rows = self._db.execute("SELECT user FROM stitched WHERE into_user = ? ORDER BY user", (person,))
        return [int(row[0]) for row in rows]

    def stitches(self) -> dict[int, int]:
        """Row → the row that stands for the person, of all stitched rows."""
        return {int(a): int(b) for a, b in self._db.execute("SELECT user, into_user FROM stitched")}

    # -- forgetting -------------------------------------------------------------------------------------------

    def secret(self) -> bytes:
        """The key of this workspace's hashes."""
        return self.vault.secret("ids")

    def erased(self, user_ids: Sequence[str]) -> list[bool]:
        """Which of these ids were erased (and must not come back by an old file)."""
        return self.vault.erased([self.vault.digest(user_id) for user_id in user_ids])

    def condemned(self) -> list[int]:
        """Rows of users who were erased while something of them is still here: an erasure was interrupted, or this
        file is older than it. Cost: 2 µs for everybody who was ever erased."""
        found = (self.users.row_of(digest) for digest in self.vault.all_erased())
        return sorted(row for row in found if row is not None)

    def forget(self, db: sqlite3.Connection, rows: Sequence[int], digests: Collection[bytes]) -> None:
        """Remove users' ids, declarations, stitches and dead letters; `digests`: keyed hashes of their ids.

        Cost: every dead letter is read.
        """
        for row in rows:
            db.execute("DELETE FROM traits WHERE user = ?", (row,))
            self.consents.erase(db, row)
            self.holds.erase(db, row)
            db.execute("DELETE FROM touched WHERE user = ?", (row,))
            db.execute("DELETE FROM stitched WHERE user = ? OR into_user = ?", (row, row))
        self.letters.erase(db, rows, digests)
        for row in rows:
            self.users.remove(row)

    def purge(self, *, whole: bool = False) -> None:
        """Take the bytes of what was deleted out of the write-ahead log; the file itself has zeros in their place.

        `whole`: write the file anew, for what was deleted without `secure_delete`. On a connection of its own, which
        waits for readers: a question in progress does not get in its way. Raises `TransientError` where one lasts.
        """
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
            db.execute("PRAGMA secure_delete=ON")
            if whole:
                db.execute("VACUUM")
            if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise TransientError(
                    "{path}: another process reads for long. Run it again, to purge the file.", path=self.path
                )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
