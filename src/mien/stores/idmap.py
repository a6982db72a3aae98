"""The id map in the catalogue file: what the shop calls users and items, and their row numbers inside.

An item's id stands as it is. A user's id is sealed under the user's own key, and looked up by its keyed hash.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import islice

import numpy as np
import pyarrow as pa

from mien.core.ids import Rows
from mien.stores.vault import Vault

ID = b"id"
"""What a sealed id is, as the vault binds it."""
AT_ONCE = 10_000
"""Ids sealed at once; fewer than the vault remembers keys of."""


class StoredIds(ABC):
    """One side of the id map (`core.ids.IdMap`). Rows of erased ids are never given again.

    `writing`: opens a transaction of the catalogue file.
    """

    name: str
    """What the count of rows given is called in `meta`."""

    def __init__(self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[object]]) -> None:
        self._db, self._writing = db, writing

    @abstractmethod
    def _token(self, key: str) -> str | bytes:
        """What an id is looked up by."""

    @abstractmethod
    def _found(self, token: str | bytes) -> int | None:
        """The row of a token."""

    @abstractmethod
    def _insert(self, fresh: Sequence[tuple[int, str, str | bytes]]) -> None:
        """Write new rows: row, id and token."""

    @abstractmethod
    def keys(self, rows: Iterable[int]) -> list[str | None]:
        """The ids of many rows, in their order; None where one was erased."""

    @abstractmethod
    def some(self, limit: int) -> list[str]:
        """Up to `limit` ids."""

    def __len__(self) -> int:
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (self.name,)).fetchone()
        return int(found[0]) if found else 0

    def row(self, key: str) -> int | None:
        """The row of an id; None where it was never seen or was erased."""
        return self._found(self._token(key))

    def key(self, row: int) -> str | None:
        return self.keys([row])[0]

    def add(self, keys: Sequence[str]) -> Rows:
        tokens = {key: self._token(key) for key in keys}
        found = {key: self._found(token) for key, token in tokens.items()}
        missing = {key: tokens[key] for key, row in found.items() if row is None}
        if missing:
            with self._writing():  # another process may be giving rows, too
                found |= self._give(missing)
        return np.array([found[key] for key in keys], dtype=np.int32)

    def give(self, keys: Iterable[str]) -> list[int]:
        """`add` inside the caller's transaction (`Catalog.transaction`)."""
        keys = list(keys)
        given = self._give({key: self._token(key) for key in keys})
        return [given[key] for key in keys]

    def _give(self, tokens: dict[str, str | bytes]) -> dict[str, int]:
        rows: dict[str, int] = {}
        fresh: list[tuple[int, str, str | bytes]] = []
        next_row = len(self)
        for key, token in tokens.items():
            row = self._found(token)
            if row is None:
                row = next_row + len(fresh)
                fresh.append((row, key, token))
            rows[key] = row
        if fresh:
            self._insert(fresh)
            last = str(next_row + len(fresh))
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (self.name, last))
        return rows


class ItemIds(StoredIds):
    """Items: their ids in clear."""

    name = "item_ids"

    def _token(self, key: str) -> str:
        return key

    def _found(self, token: str | bytes) -> int | None:
        found = self._db.execute("SELECT row FROM item_ids WHERE key = ?", (token,)).fetchone()
        return int(found[0]) if found else None

    def keys(self, rows: Iterable[int]) -> list[str | None]:
        query = "SELECT key FROM item_ids WHERE row = ?"
        found = (self._db.execute(query, (int(row),)).fetchone() for row in rows)
        return [str(one[0]) if one else None for one in found]

    def table(self) -> pa.Table:
        """All pairs as columns `row` (int32) and `key`, ascending by row."""
        pairs = self._db.execute("SELECT row, key FROM item_ids ORDER BY row").fetchall()
        return pa.table(
            {"row": pa.array([p[0] for p in pairs], pa.int32()), "key": pa.array([p[1] for p in pairs], pa.string())}
        )

    def some(self, limit: int) -> list[str]:
        return [row[0] for row in self._db.execute("SELECT key FROM item_ids LIMIT ?", (limit,))]

    def _insert(self, fresh: Sequence[tuple[int, str, str | bytes]]) -> None:
        self._db.executemany("INSERT INTO item_ids (row, key) VALUES (?, ?)", ((row, key) for row, key, _ in fresh))


class UserIds(StoredIds):
    """Users: row, keyed hash of the id, and the id sealed under the user's key.

    Cost: 2 µs to find a row, some 10 µs to give one, some 5 µs to read an id (2 µs where its key is remembered).
    """

    name = "user_ids"

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[object]], vault: Vault
    ) -> None:
        super().__init__(db, writing)
        self._vault = vault

    def _token(self, key: str) -> bytes:
        return self._vault.digest(key)

    def _found(self, token: str | bytes) -> int | None:
        found = self._db.execute("SELECT row FROM people WHERE digest = ?", (token,)).fetchone()
        return int(found[0]) if found else None

    def begin_after(self, row: int) -> None:
        """Give no row up to this one any more."""
        if len(self) <= row:
            with self._writing():
                self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (self.name, str(row + 1)))

    def rows(self) -> list[int]:
        """All rows that have an id, ascending."""
        return [row for (row,) in self._db.execute("SELECT row FROM people ORDER BY row")]

    def row_of(self, digest: bytes) -> int | None:
        """The row of an id by its keyed hash."""
        return self._found(digest)

    def digest(self, row: int) -> bytes | None:
        """The keyed hash of a row's id; None where it was erased."""
        found = self._db.execute("SELECT digest FROM people WHERE row = ?", (int(row),)).fetchone()
        return bytes(found[0]) if found else None

    def keys(self, rows: Iterable[int]) -> list[str | None]:
        found: list[str | None] = []
        wanted = iter(rows)
        while part := [int(row) for row in islice(wanted, 1000)]:
            marks = ",".join("?" * len(part))
            sealed = dict(self._db.execute(f"SELECT row, sealed FROM people WHERE row IN ({marks})", part))
            known = [row for row in dict.fromkeys(part) if row in sealed]
            plain = self._vault.open_all([(row, sealed[row]) for row in known], ID)
            ids = {row: _text(one) for row, one in zip(known, plain, strict=True) if one is not None}
            found.extend(ids.get(row) for row in part)
        return found

    def table(self) -> pa.Table:
        """All pairs as columns `row` (int32) and `key`, ascending by row. Cost: every id is opened, 7 µs each."""
        rows = self.rows()
        pairs = [(row, key) for row, key in zip(rows, self.keys(rows), strict=True) if key is not None]
        return pa.table(
            {"row": pa.array([p[0] for p in pairs], pa.int32()), "key": pa.array([p[1] for p in pairs], pa.string())}
        )

    def some(self, limit: int) -> list[str]:
        rows = [row for (row,) in self._db.execute("SELECT row FROM people LIMIT ?", (limit,))]
        return [key for key in self.keys(rows) if key is not None]

    def _insert(self, fresh: Sequence[tuple[int, str, str | bytes]]) -> None:
        for start in range(0, len(fresh), AT_ONCE):
            part = fresh[start : start + AT_ONCE]
            self._vault.give([row for row, _, _ in part])
            sealed = self._vault.seal_all([(row, _bytes(key)) for row, key, _ in part], ID)
            rows = ((row, token, one) for (row, _, token), one in zip(part, sealed, strict=True))
            self._db.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)

    def put(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Write rows with their ids, in the caller's transaction."""
        self._insert([(row, key, self._token(key)) for row, key in pairs])

    def remove(self, row: int) -> None:
        """Forget the id of a row; the row stays taken. The caller's transaction commits."""
        self._db.execute("DELETE FROM people WHERE row = ?", (row,))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
