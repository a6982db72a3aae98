"""The log's live tail: what was tracked since the last build, in the catalogue file, durable before it is answered.

It lies in the file of the ids and of the history's manifest, so that one transaction gives ids, keeps events and
remembers that a message was received, and one transaction moves events into the history: nothing is lost or doubled
whatever the instant of a crash. `synchronous=FULL`: a sync lies between an append and its return. What a person typed,
wrote or declared is sealed under their key.
"""

import json
import math
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from mien.core.consent import Word
from mien.core.errors import TransientError
from mien.core.event import ACTION_OF, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow, UserRow
from mien.core.tables import LOG, LOGGED
from mien.core.tracked import Refusal, Tracked
from mien.stores.append import Append, Rows, item_json
from mien.stores.catalog import Catalog
from mien.stores.private import OPEN, OTHER, PRIVATE, QUOTED, SAID, unpack

CACHED_IDS = 200_000
"""Ids of users and items whose rows are remembered, each some 100 bytes."""
MOST_IDS = 20
"""Ids that may be one person; more are a shared device, a robot or a mistake."""

_MOVED, _LOST = "moved_before", "states_lost"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS tail (
    offset INTEGER PRIMARY KEY AUTOINCREMENT, "{LOGGED.USER}" INTEGER NOT NULL, source TEXT NOT NULL,
    fingerprint INTEGER NOT NULL, action TEXT NOT NULL, item INTEGER, "{LOGGED.AT}" INTEGER NOT NULL,
    value REAL, quantity REAL, rating REAL, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS tail_user ON tail ("{LOGGED.USER}");
CREATE TABLE IF NOT EXISTS received (digest BLOB PRIMARY KEY, fingerprint INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS others (
    id INTEGER PRIMARY KEY, user INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS others_user ON others (user);
CREATE TABLE IF NOT EXISTS told_traits (user INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS told_items (
    item_id TEXT PRIMARY KEY, fields TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS named (user INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS unfolded (person INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS fates (fate TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""


class Tail:
    """The tail of one workspace. Any thread may append or read; several processes may, too.

    `most_ids`: of one person; a stitch that would make more is refused and reported. `otherwise`: as `Catalog` has it.
    """

    def __init__(
        self, path: Path, vault: Path | None = None, *, most_ids: int = MOST_IDS, otherwise: bool = True
    ) -> None:
        self.path, self.most_ids = path, most_ids
        # a connection of its own: its transactions are nobody else's
        self._catalog = Catalog(path, vault, otherwise=otherwise)
        with self._catalog.transaction() as db:
            for statement in filter(str.strip, _SCHEMA.split(";\n")):
                db.execute(statement)
        self._key = self._catalog.secret()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._rows: Rows = {}
        self._version = -1

    def close(self) -> None:
        self._db.close()
        self._catalog.close()

    # -- writing ----------------------------------------------------------------------------------------------

    def append(self, messages: Iterable[Tracked | Refusal], source: str = "http") -> Counter[str]:
        """Keep messages that are new, in one durable transaction; how many had which fate.

        Fates: new, duplicate, conflict (the id of another message: the first received stays), erased (the user was
        forgotten), no_consent (the user does not let it be kept), and the reason of each refusal; beside them `events`.
        Raises `TransientError` where the disk is full or another process holds the file; then nothing was kept. Cost:
        some 50 µs a message, and one sync.
        """
        return self.append_all([messages], source)[0]

    def append_all(self, batches: Iterable[Iterable[Tracked | Refusal]], source: str = "http") -> list[Counter[str]]:
        """`append` for several batches that share one transaction, and so one sync."""
        with self._transaction() as db:
            self._refresh(db)
            options: dict[str, Any] = {"key": self._key, "most_ids": self.most_ids, "source": source}
            return Append(self._catalog, db, self._rows, **options).all(batches)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, each thread in its turn. Raises `TransientError` as `append` does."""
        with self._writing:
            try:
                with self._catalog.transaction() as db:
                    yield db
            except BaseException as failed:
                self._rows.clear()  # rows given in a transaction that did not come to be
                if isinstance(failed, sqlite3.OperationalError):
                    raise TransientError(
                        "{path}: {failed}. Nothing was kept; send it again later.", path=self.path, failed=failed
                    ) from None
                raise

    def _refresh(self, db: sqlite3.Connection) -> None:
        """Forget remembered rows where another connection has changed the file."""
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._rows) > CACHED_IDS:
            self._rows.clear()
            self._version = version

    def erase(self, db: sqlite3.Connection, user: int) -> int:
        """Remove a user in the caller's transaction (of any connection); returns how many events went."""
        gone = db.execute(f'DELETE FROM tail WHERE "{LOGGED.USER}" = ?', (user,)).rowcount
        for table in ("others", "told_traits", "named"):
            db.execute(f"DELETE FROM {table} WHERE user = ?", (user,))
        db.execute("DELETE FROM unfolded WHERE person = ?", (user,))
        return int(gone)

    def forget_before(self, cutoff_us: int, note: Callable[[sqlite3.Connection, Iterable[int]], None]) -> int:
        """Remove events of before a moment; how many. `note`: told whose they were, in the same transaction."""
        old = f'FROM tail WHERE "{LOGGED.AT}" < ?'
        with self._transaction() as db:
            note(db, [row for (row,) in db.execute(f'SELECT DISTINCT "{LOGGED.USER}" {old}', (cutoff_us,))])
            return db.execute(f"DELETE {old}", (cutoff_us,)).rowcount

    def forget_others(self, cutoff_us: int) -> int:
        """Remove acts of before a moment that are no events of ours; how many."""
        with self._transaction() as db:
            return db.execute("DELETE FROM others WHERE at < ?", (cutoff_us,)).rowcount

    def moved(
        self,
        db: sqlite3.Connection,
        before: int,
        items: dict[str, dict[str, Any]],
        report: Callable[[dict[str, int]], tuple[str, str]],
    ) -> None:
        """The events before an offset are in the history now, and so are these items: drop them in that transaction.

        `report`: makes of the fates since the last time what the ingest is remembered by: its source, and JSON.
        """
        fates = dict(db.execute("SELECT fate, n FROM fates"))
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_MOVED, str(before)))
        db.execute("DELETE FROM tail WHERE offset < ?", (before,))
        db.execute("DELETE FROM fates")
        written = ((item_id, item_json(fields)) for item_id, fields in items.items())
        db.executemany("DELETE FROM told_items WHERE item_id = ? AND fields = ?", written)
        db.execute("INSERT INTO ingests (source, report) VALUES (?, ?)", report(fates))

    def consent(self, user_id: str, words: Sequence[Word], *, newest: bool) -> int | None:
        """Keep what a person said outside of a message, for every id of theirs; their row, None where it was erased.

        `newest`: it is said now, and so after all that was said before, whatever the clocks of senders say.
        """
        with self._transaction() as db:
            self._rows.clear()
            if self._catalog.users.row(user_id) is None and self._catalog.erased([user_id])[0]:
                return None
            (row,) = self._catalog.users.give([user_id])
            db.execute("INSERT OR IGNORE INTO named VALUES (?)", (row,))
            person, consents = self._catalog.person(row), self._catalog.consents
            rows = (person, *self._catalog.members(person))
            last_us = max(consents.last_us(one) for one in rows) if newest else -1
            for one in rows:
                consents.record(one, [replace(word, at_us=max(word.at_us, last_us + 1)) for word in words])
            return row

    def moved_before(self) -> int:
        """The offset (exclusive) up to which events were moved into the history; 0 before the first time."""
        found = self._select("SELECT value FROM meta WHERE key = ?", (_MOVED,))
        return int(found[0][0]) if found else 0

    # -- reading ----------------------------------------------------------------------------------------------

    def _select(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._reading:
            return self._db.execute(query, parameters).fetchall()

    def end(self) -> int:
        """The offset that the next event will have at least."""
        found = self._select("SELECT seq FROM sqlite_sequence WHERE name = 'tail'")
        return int(found[0][0]) + 1 if found else 1

    def __len__(self) -> int:
        return int(self._select("SELECT count(*) FROM tail")[0][0])

    def count(self, since: int) -> int:
        """How many events stand at an offset or after it."""
        return int(self._select("SELECT count(*) FROM tail WHERE offset >= ?", (since,))[0][0])

    def read(self, since: int, most: int) -> tuple[list[LoggedEvent], int]:
        """Up to `most` events from an offset on, as the fold takes them, and the offset after them.

        A number that was not said is NaN, to be judged. Cost: some µs an event.
        """
        rows = self._select(_EVENTS, (since, most))
        private = self._opened([(row[1], row[-1]) for row in rows])
        events = [_logged(said, *row[1:-1]) for row, said in zip(rows, private, strict=True) if said is not None]
        return events, rows[-1][0] + 1 if rows else since

    def _opened(self, sealed: Sequence[tuple[int, bytes]]) -> list[list[str | None] | None]:
        """The private part of events (`PRIVATE`); None for those of users who are being erased."""
        plain = self._catalog.vault.open_all(sealed, SAID)
        return [None if one is None else unpack(one) for one in plain]

    def table(self, before: int | None = None, user: int | None = None) -> pa.Table:
        """The events before an offset (exclusive; None: all), of one user or of all, as the table engine takes them."""
        wheres, parameters = ["1"], []
        if before is not None:
            wheres.append("offset < ?")
            parameters.append(before)
        if user is not None:
            wheres.append(f'"{LOGGED.USER}" = ?')
            parameters.append(user)
        query = f'SELECT {QUOTED}, "{LOGGED.USER}", sealed FROM tail WHERE {" AND ".join(wheres)} ORDER BY offset'
        rows = self._select(query, parameters)
        private = self._opened([row[-2:] for row in rows])
        return _table([(*row[:-2], *said) for row, said in zip(rows, private, strict=True) if said is not None])

    def users(self, before: int) -> list[int]:
        """Rows with events before an offset, ascending."""
        found = self._select(f'SELECT DISTINCT "{LOGGED.USER}" FROM tail WHERE offset < ? ORDER BY 1', (before,))
        return [int(row[0]) for row in found]

    def span_us(self) -> tuple[int, int] | None:
        """Time of the first and of the last event; None where there is none."""
        first, last = self._select(f'SELECT min("{LOGGED.AT}"), max("{LOGGED.AT}") FROM tail')[0]
        return None if first is None else (int(first), int(last))

    def others(self, user: int) -> list[dict[str, Any]]:
        """What a user did that is no event of ours, oldest first."""
        rows = self._select("SELECT name, at, sealed FROM others WHERE user = ? ORDER BY at, id", (user,))
        plain = self._catalog.vault.open_all([(user, sealed) for _, _, sealed in rows], OTHER)
        said = [(name, at, one) for (name, at, _), one in zip(rows, plain, strict=True) if one is not None]
        return [{"name": name, "at_us": at, "properties": json.loads(one)} for name, at, one in said]

    def other_counts(self) -> dict[str, int]:
        """Name of an event that is none of ours → how many, most first."""
        return dict(self._select("SELECT name, count(*) FROM others GROUP BY name ORDER BY 2 DESC, 1"))

    def fates(self) -> dict[str, int]:
        """Fate → messages since the last build, most first."""
        return dict(self._select("SELECT fate, n FROM fates ORDER BY n DESC, fate"))

    def told_items(self) -> list[tuple[str, dict[str, Any]]]:
        """What messages told of items since the last build, by item."""
        rows = self._select("SELECT item_id, fields FROM told_items ORDER BY item_id")
        return [(item_id, json.loads(fields)) for item_id, fields in rows]

    # -- persons that were stitched and are not folded together yet ---------------------------------------------

    def unfolded(self, most: int = 500) -> list[int]:
        """Some of them, so that folding them keeps nobody waiting for long."""
        return [int(row[0]) for row in self._select("SELECT person FROM unfolded ORDER BY person LIMIT ?", (most,))]

    def folded(self, persons: Iterable[int]) -> None:
        """These persons' states hold the events of all their ids."""
        with self._transaction() as db:
            db.executemany("DELETE FROM unfolded WHERE person = ?", ((person,) for person in persons))

    # -- whether the states are those of this log ------------------------------------------------------------------

    def states_lost(self) -> bool:
        """Whether it was noted that the store does not hold what this log gave it."""
        return bool(self._select("SELECT 1 FROM meta WHERE key = ? AND value != ''", (_LOST,)))

    def note_states(self, *, lost: bool) -> None:
        with self._writing:
            self._catalog.set_meta(_LOST, "lost" if lost else "")

    # -- who folds ------------------------------------------------------------------------------------------------

    def claim(self, token: str) -> bool:
        """Note who changes the states now; False where it was somebody else so far."""
        with self._writing:
            if self._catalog.meta("folder") == token:
                return True
            self._catalog.set_meta("folder", token)
            return False


_EVENTS = (
    f'SELECT offset, "{LOGGED.USER}", action, "{LOGGED.AT}", item, value, quantity, sealed '
    "FROM tail WHERE offset >= ? ORDER BY offset LIMIT ?"
)


def _logged(
    private: list[str | None], user: int, action: str, at_us: int, item: int | None, value: float | None,
    quantity: float | None,
) -> LoggedEvent:  # fmt: skip
    event_id, query, text, *_ = private
    return LoggedEvent(
        UserRow(user),
        event_id or "",
        ACTION_OF[action],
        at_us,
        NO_ITEM if item is None else ItemRow(item),
        math.nan if value is None else value,
        math.nan if quantity is None else quantity,
        query,
        text,
    )


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    names = (*OPEN, *PRIVATE)
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    arrays = [
        pa.array(columns[field.name], pa.int64()).cast(field.type)
        if field.name == LOGGED.AT
        else pa.array(columns[field.name], field.type)
        for field in LOG
    ]
    return pa.Table.from_arrays(arrays, schema=LOG)
