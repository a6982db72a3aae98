"""Changes of items since the last build, in the catalogue file: durable before they are answered, in their order.

A change names some fields of an item and leaves the others as they are, so that two that arrive at once do not undo
each other. Numbers only grow: whoever remembers the last one sees at a glance whether there is more.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.core.errors import TransientError
from mien.stores.catalog import Catalog

_SCHEMA = """CREATE TABLE IF NOT EXISTS item_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, item_id TEXT NOT NULL, valid_from INTEGER NOT NULL, fields TEXT NOT NULL)
"""
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'item_changes'"


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What is new of one item from `valid_from_us` on. `fields`: column of ITEMS → value; `number` 0: not kept yet."""

    item_id: str
    valid_from_us: int
    fields: dict[str, Any]
    number: int = 0


class ItemChanges:
    """The changes in the catalogue file `path`. Any thread and several processes may add and read."""

    def __init__(self, path: Path, vault: Path | None = None) -> None:
        self.path = path
        self._catalog = Catalog(path, vault)  # a connection of its own: its transactions are nobody else's
        with self._catalog.transaction() as db:
            db.execute(_SCHEMA)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        self._db.close()
        self._catalog.close()

    def add(self, changes: Sequence[ItemChange]) -> int:
        """Keep changes, and rows for new ids, in one durable transaction; the number of the last.

        Raises `TransientError` where the disk is full or another process holds the file; then nothing was kept.
        """
        rows = [(one.item_id, one.valid_from_us, json.dumps(one.fields, ensure_ascii=False)) for one in changes]
        insert = "INSERT INTO item_changes (item_id, valid_from, fields) VALUES (?, ?, ?)"
        with self._writing:
            try:
                with self._catalog.transaction() as db:
                    self._catalog.items.give([one.item_id for one in changes])
                    db.executemany(insert, rows)
                    return int(db.execute(_LAST).fetchone()[0])
            except sqlite3.OperationalError as failed:
                raise TransientError(
                    "{path}: {failed}. No item was changed; send them again later.", path=self.path, failed=failed
                ) from None

    def _select(self, query: str, parameters: Sequence[int] = ()) -> list[Any]:
        with self._reading:
            return self._db.execute(query, parameters).fetchall()

    def last(self) -> int:
        """The number of the newest change that ever was; 0 before the first. Cost: some µs."""
        found = self._select(_LAST)
        return int(found[0][0]) if found else 0

    def since(self, number: int) -> list[ItemChange]:
        """The changes after a number that no build has taken in yet, in their order."""
        query = "SELECT item_id, valid_from, fields, number FROM item_changes WHERE number > ? ORDER BY number"
        return [ItemChange(name, at, json.loads(fields), n) for name, at, fields, n in self._select(query, (number,))]

    def drop(self, changes: Iterable[ItemChange]) -> None:
        """Forget changes that the item table holds now."""
        with self._writing, self._catalog.transaction() as db:
            db.executemany("DELETE FROM item_changes WHERE number = ?", [(one.number,) for one in changes])
