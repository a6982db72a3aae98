"""Saved segments: their rules, every version of them, in the catalogue file."""

import json
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.core.errors import TransientError
from mien.stores.catalog import Catalog

_SCHEMA = """CREATE TABLE IF NOT EXISTS saved_segments (
    name TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL, rule TEXT,
    PRIMARY KEY (name, version)) WITHOUT ROWID
"""
_COLUMNS = "name, version, at, note, rule"


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a segment. `rule`: JSON values; None: it was deleted then. `note`: what was changed, and why."""

    name: str
    version: int
    at_us: int
    note: str
    rule: dict[str, Any] | None


class SavedSegments:
    """The saved segments of the catalogue file `path`. Any thread and several processes may read and save."""

    def __init__(self, path: Path, vault: Path | None = None) -> None:
        self.path = path
        self._catalog = Catalog(path, vault)  # a connection of its own: its transactions are nobody else's
        self._lock = threading.Lock()
        with self._catalog.transaction() as db:
            db.execute(_SCHEMA)
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        self._db.close()
        self._catalog.close()

    def save(self, name: str, rule: dict[str, Any] | None, at_us: int, note: str) -> Saved:
        """Keep a version (None: that it is deleted), numbered on from the last one of the name."""
        said = None if rule is None else json.dumps(rule, ensure_ascii=False)
        with self._lock:
            try:
                with self._catalog.transaction() as db:
                    query = "SELECT coalesce(max(version), 0) + 1 FROM saved_segments WHERE name = ?"
                    (version,) = db.execute(query, (name,)).fetchone()
                    row = (name, version, at_us, note, said)
                    db.execute(f"INSERT INTO saved_segments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.OperationalError as failed:
                raise TransientError(
                    "{path}: {failed}. The segment was not saved; try again later.", path=self.path, failed=failed
                ) from None
        return Saved(name, int(version), at_us, note, rule)

    def history(self, name: str) -> list[Saved]:
        """Every version of a segment, newest first."""
        query = f"SELECT {_COLUMNS} FROM saved_segments WHERE name = ? ORDER BY version DESC"
        return self._read(query, (name,))

    def all(self) -> list[Saved]:
        """The newest version of every segment that is not deleted, by name."""
        newest = "SELECT name, max(version) AS version FROM saved_segments GROUP BY name"
        found = self._read(f"SELECT {_COLUMNS} FROM saved_segments NATURAL JOIN ({newest}) ORDER BY name")
        return [one for one in found if one.rule is not None]

    def _read(self, query: str, parameters: tuple[str, ...] = ()) -> list[Saved]:
        with self._lock:
            rows = self._db.execute(query, parameters).fetchall()
        return [
            Saved(name, n, at, note, None if rule is None else json.loads(rule)) for name, n, at, note, rule in rows
        ]
