"""Files of the log's history, written anew: merged, without a user, without what is too old.

A crash at any instant leaves the old files or the new one; what is not listed is a left-over that the next writer
removes.
"""

import sqlite3
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mien.core.quiet import quiet
from mien.core.tables import EVENT, LOG, LOGGED
from mien.stores.catalog import Catalog, Segment
from mien.stores.durable import sync

USER, AT = f'"{LOGGED.USER}"', f'"{LOGGED.AT}"'  # both are words of SQL, too


@dataclass(frozen=True, slots=True)
class Resources:
    """What the table engine may use. `memory_mb` bounds its buffers; past it, it spills to `folder`."""

    folder: Path
    memory_mb: int = 1024
    threads: int = 2

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection with its limits set."""
        con = duckdb.connect()
        self.limit(con)
        return con

    def limit(self, con: duckdb.DuckDBPyConnection) -> None:
        """Set the limits on a connection made elsewhere."""
        self.folder.mkdir(parents=True, exist_ok=True)
        con.execute(f"SET memory_limit = '{self.memory_mb}MB'")
        con.execute(f"SET threads = {self.threads}")
        con.execute("SET temp_directory = '{}'".format(str(self.folder).replace("'", "''")))
        con.execute("SET preserve_insertion_order = false")
        quiet(con)


Note = Callable[[sqlite3.Connection, Iterable[int]], None]
"""Notes, in a transaction of the catalogue, whose events leave in it."""


class Rewriting:
    """What may be done to the files of a history that is there. One writer at a time."""

    def __init__(self, folder: Path, catalog: Catalog, resources: Resources, buckets: int) -> None:
        self.folder, self.catalog, self.resources, self.buckets = folder, catalog, resources, buckets

    def _described(
        self, con: duckdb.DuckDBPyConnection, path: Path, bucket: int, month: str, ingest: int
    ) -> tuple[Any, ...]:
        n, first, last = con.execute(
            f"SELECT count(*), min(epoch_us({AT})), max(epoch_us({AT})) "
            f"FROM read_parquet('{quoted(path)}', hive_partitioning = false)"
        ).fetchall()[0]
        return (str(path.relative_to(self.folder)), bucket, month, n, first, last, ingest)

    def compact(self, most: int = 8) -> int:
        """Merge the files of a bucket and month where there are more than `most`; returns how many files went.

        The events stay as they are; a crash leaves the old files or the new one. Cost: those files are read once.
        """
        groups: dict[tuple[int, str], list[Segment]] = {}
        for segment in self.catalog.segments():
            groups.setdefault((segment.bucket, segment.month), []).append(segment)
        crowded = [segments for segments in groups.values() if len(segments) > most]
        with self.resources.connect() as con:
            for segments in crowded:
                self._merge(con, segments)
        return sum(len(segments) - 1 for segments in crowded)

    def _merge(self, con: duckdb.DuckDBPyConnection, segments: list[Segment]) -> None:
        old = [self.folder / segment.path for segment in segments]
        newest = max(segment.ingest for segment in segments)
        target = old[0].with_name(f"{newest:06d}-{uuid.uuid4().hex[:8]}.parquet")
        con.execute(
            f"COPY (SELECT {columns(LOG.names)} FROM read_parquet($paths, hive_partitioning = false) "
            f"ORDER BY {USER}, {AT}, {EVENT.EVENT_ID}) TO '{quoted(target)}' (FORMAT parquet, COMPRESSION zstd)",
            {"paths": [str(path) for path in old]},
        )
        sync(target)
        sync(target.parent)
        with self.catalog.transaction() as db:
            db.executemany("DELETE FROM segments WHERE path = ?", ((segment.path,) for segment in segments))
            described = self._described(con, target, segments[0].bucket, segments[0].month, newest)
            db.execute("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", described)
        for path in old:
            path.unlink()

    def erase(self, user: int) -> None:
        """Rewrite the files of the user's bucket without the user. Cost: that bucket is read."""
        self._remove(self.catalog.segments([user % self.buckets]), f"{USER} = {int(user)}")

    def forget_before(self, cutoff_us: int, note: Note) -> int:
        """Remove events of before a moment; how many. `note`: told whose they were, in the transaction they leave in.

        Cost: the files that hold some are read and written.
        """
        old = [segment for segment in self.catalog.segments() if segment.first_us < cutoff_us]
        return self._remove(old, f"epoch_us({AT}) < {int(cutoff_us)}", note)

    def _remove(self, segments: Iterable[Segment], condition: str, note: Note | None = None) -> int:
        """Rewrite files without the events that a condition holds for; how many those were."""
        events = 0
        with self.resources.connect() as con:
            for segment in segments:
                path = self.folder / segment.path
                counted = f"SELECT {USER}, count(*) FROM read_parquet(?) WHERE {condition} GROUP BY 1"
                gone = dict(con.execute(counted, [str(path)]).fetchall())
                if gone:
                    self._replace_without(con, segment, condition, gone, note)
                    events += sum(gone.values())
        return events

    def _replace_without(
        self, con: duckdb.DuckDBPyConnection, segment: Segment, condition: str, gone: dict[int, int], note: Note | None
    ) -> None:
        path = self.folder / segment.path
        rows: list[tuple[Any, ...]] = []
        if segment.events > sum(gone.values()):
            target = path.with_name(f"{path.stem}e.parquet")
            con.execute(
                f"COPY (SELECT * FROM read_parquet('{quoted(path)}', hive_partitioning = false) "
                f"WHERE NOT ({condition})) TO '{quoted(target)}' (FORMAT parquet, COMPRESSION zstd)"
            )
            sync(target)
            rows = [self._described(con, target, segment.bucket, segment.month, segment.ingest)]
        with self.catalog.transaction() as db:
            db.execute("DELETE FROM segments WHERE path = ?", (segment.path,))
            db.executemany("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            if note is not None:
                note(db, gone)
        path.unlink()


def quoted_name(name: str) -> str:
    return f'"{name}"'


def columns(names: Iterable[str], of: str = "") -> str:
    return ", ".join(of + quoted_name(name) for name in names)


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")
