"""The log's history: Parquet files by user bucket and month, written by ingest, listed in the catalogue file.

A file counts once a transaction of the catalogue lists it; until then it is a left-over that the next writer
removes. So a crash at any instant leaves the log as it was, or as it becomes.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.errors import TransientError
from mien.core.tables import EVENT, LOG, LOGGED, VERDICT
from mien.stores.catalog import Catalog
from mien.stores.durable import sync
from mien.stores.letters import read_letters
from mien.stores.rewriting import AT, USER, Resources, Rewriting, columns, quoted, quoted_name

FILE, ROW, FINGERPRINT = VERDICT.FILE, VERDICT.ROW, LOGGED.FINGERPRINT
KEY = (EVENT.SOURCE, EVENT.EVENT_ID)
CARRIED = [name for name in LOG.names if name not in (LOGGED.USER, LOGGED.ITEM)]


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a delivery: `offered == new + duplicates + conflicts + erased + no_consent`.

    *duplicates* were already in the log, *conflicts* have the id of another event (the first received stays),
    *erased* belong to users who were forgotten, *no_consent* to users who do not let them be kept.
    """

    ingest: int
    offered: int
    new: int
    duplicates: int
    conflicts: int
    erased: int
    no_consent: int


class History(Rewriting):
    """The history of one workspace. One writer at a time (the workspace holds the lock)."""

    def __init__(self, folder: Path, catalog: Catalog, resources: Resources, buckets: int) -> None:
        super().__init__(folder, catalog, resources, buckets)
        self._reading: duckdb.DuckDBPyConnection | None = None
        self._opening = Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Close what reading has opened."""
        with self._opening:
            if self._reading is not None:
                self._reading.close()
                self._reading = None

    # -- reading ----------------------------------------------------------------------------------------------

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of one kept connection: to open one takes longer than to read a user by it."""
        with self._opening:
            if self._reading is None:
                self._reading = self.resources.connect()
            return self._reading.cursor()

    def paths(self, buckets: Iterable[int] | None = None) -> list[str]:
        """The files of some buckets, or of all."""
        return [str(self.folder / segment.path) for segment in self.catalog.segments(buckets)]

    def table(self, con: Any, buckets: Iterable[int] | None = None) -> Any:
        """The log as an Ibis table on the DuckDB backend `con`; empty (with all columns) where it has no file."""
        paths = self.paths(buckets)
        if not paths:
            return ibis.memtable(LOG.empty_table())
        return con.read_parquet(paths, hive_partitioning=False)

    def events_of(self, user: int, until_us: int | None = None) -> pa.Table:
        """All events of one user up to a moment (inclusive), oldest first. Cost: one bucket's files are read."""
        paths = self.paths([user % self.buckets])
        if not paths:
            return LOG.empty_table()
        with self._cursor() as con:
            upto = "" if until_us is None else f"AND epoch_us({AT}) <= {int(until_us)}"
            return con.sql(
                f"SELECT {columns(LOG.names)} FROM read_parquet($paths, hive_partitioning = false) "
                f"WHERE {USER} = $user {upto} ORDER BY {AT}, {LOGGED.EVENT_ID}",
                params={"paths": paths, "user": int(user)},
            ).to_arrow_table()

    def span_us(self) -> tuple[int, int] | None:
        """Time of the first and of the last event, or None for an empty log."""
        segments = self.catalog.segments()
        return (min(s.first_us for s in segments), max(s.last_us for s in segments)) if segments else None

    def __len__(self) -> int:
        return sum(segment.events for segment in self.catalog.segments())

    # -- writing ----------------------------------------------------------------------------------------------

    def recover(self) -> int:
        """Remove what an interrupted writer left. Returns how many files; nothing listed is touched."""
        listed = {segment.path for segment in self.catalog.segments()}
        stray = [p for p in self.folder.rglob("*.parquet") if str(p.relative_to(self.folder)) not in listed]
        for path in stray:
            path.unlink()
        shutil.rmtree(self.folder / "staging", ignore_errors=True)
        return len(stray)

    def append(self, delivery: Path, source: str, verdicts: Path | None, report: dict[str, Any]) -> Appended:
        """Add a delivery's events that the log does not have, in one all-or-nothing step.

        `delivery`: Parquet of the schema EVENTS with `fingerprint`, `file` and `row`; `verdicts`: Parquet of the
        schema VERDICTS. Of two events of one id the first by (file, row) stays. Raises `TransientError` when the
        disk is full; then nothing has changed. Cost: one sort of the delivery, one read of the log's ids.
        """
        self.recover()
        try:
            with self.resources.connect() as con:
                return self._append(con, delivery, source, verdicts, report)
        except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as full:
            self.recover()
            if isinstance(full, OSError) or "space" in str(full).lower() or "could not write" in str(full).lower():
                raise TransientError(
                    "The disk is full or cannot be written ({full}). Free some space below {folder} and run "
                    "it again; nothing was changed.",
                    full=_first_line(full),
                    folder=self.folder,
                ) from full
            raise

    def _append(
        self,
        con: duckdb.DuckDBPyConnection,
        delivery: Path,
        source: str,
        verdicts: Path | None,
        report: dict[str, Any],
    ) -> Appended:
        offered, erased, no_consent = self._stage(con, delivery)
        self._judge_ids(con)
        counts: dict[str, int] = dict(con.execute("SELECT fate, count(*) FROM judged GROUP BY 1").fetchall())
        ingest = int(self.catalog.meta("next_ingest", "1"))
        files = self._write(con, ingest)
        letters = [*_rows(con, _CONFLICTS), *(read_letters(verdicts) if verdicts else [])]
        users = [row[0] for row in con.execute(f"SELECT DISTINCT {USER} FROM judged WHERE fate = 'new'").fetchall()]
        appended = Appended(
            ingest=ingest,
            offered=offered,
            new=counts.get("new", 0),
            duplicates=counts.get("duplicate", 0),
            conflicts=counts.get("conflict", 0),
            erased=erased,
            no_consent=no_consent,
        )
        with self.catalog.transaction() as db:
            self.catalog.letters.bury(db, letters)
            db.executemany("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", files)
            db.executemany("INSERT INTO touched VALUES (?, ?)", ((ingest, user) for user in users))
            db.execute(
                "INSERT INTO ingests (source, report) VALUES (?, ?)", (source, json.dumps(report | _fate(appended)))
            )
            db.execute("INSERT OR REPLACE INTO meta VALUES ('next_ingest', ?)", (str(ingest + 1),))
        return appended

    def take_in(self, events: pa.Table, finish: Callable[[sqlite3.Connection], None]) -> int:
        """Move logged events (schema LOG, known to be new) in from the tail; `finish` removes them there.

        One all-or-nothing step: `finish` is called with the transaction that lists the new files. Returns the number
        of the ingest that it was.
        """
        self.recover()
        ingest = int(self.catalog.meta("next_ingest", "1"))
        users = pc.unique(events[LOGGED.USER]).to_pylist()
        with self.resources.connect() as con:
            con.register("judged", events.append_column("fate", pa.array(["new"] * len(events))))
            files = self._write(con, ingest) if len(events) else []
        with self.catalog.transaction() as db:
            db.executemany("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)", files)
            db.executemany("INSERT INTO touched VALUES (?, ?)", ((ingest, user) for user in users))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('next_ingest', ?)", (str(ingest + 1),))
            finish(db)
        return ingest

    def _stage(self, con: duckdb.DuckDBPyConnection, delivery: Path) -> tuple[int, int, int]:
        """Put row numbers in place of ids (table `staged`); how many were offered, are erased, lack a consent."""
        con.execute(f"CREATE VIEW delivered AS SELECT * FROM read_parquet('{quoted(delivery)}')")
        offered = int(con.execute("SELECT count(*) FROM delivered").fetchall()[0][0])
        users = self._distinct(con, EVENT.USER_ID)
        gone = [user for user, erased in zip(users, self.catalog.erased(users), strict=True) if erased]
        told = zip(users, self.catalog.profilable(users), strict=True)
        never = set(gone)
        kept_users = [user for user, allowed in told if allowed and user not in never]
        items = self._distinct(con, EVENT.ITEM_ID)
        con.register("user_rows", _row_table(kept_users, self.catalog.users.add(kept_users)))
        con.register("item_rows", _row_table(items, self.catalog.items.add(items)))
        con.execute(
            f"CREATE TEMP TABLE staged AS SELECT u.row AS {USER}, i.row AS {LOGGED.ITEM}, "
            f"{columns(CARRIED, of='d.')}, d.{FILE} AS file, d.{ROW} AS line "
            f"FROM delivered d JOIN user_rows u ON d.{EVENT.USER_ID} = u.key "
            f"LEFT JOIN item_rows i ON d.{EVENT.ITEM_ID} = i.key"
        )
        staged = int(con.execute("SELECT count(*) FROM staged").fetchall()[0][0])
        con.register("gone", pa.table({"key": pa.array(gone, pa.string())}))
        count = f"SELECT count(*) FROM delivered d JOIN gone ON d.{EVENT.USER_ID} = gone.key"
        erased = int(con.execute(count).fetchall()[0][0]) if gone else 0
        return offered, erased, offered - staged - erased

    def _distinct(self, con: duckdb.DuckDBPyConnection, column: str) -> list[str]:
        """The distinct values in the order in which they came, so that rows are given reproducibly."""
        found = con.execute(
            f"SELECT {column} FROM delivered WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY min(({FILE}, {ROW})), 1"
        ).fetchall()
        return [row[0] for row in found]

    def _judge_ids(self, con: duckdb.DuckDBPyConnection) -> None:
        """Table `judged`: each staged event with its fate: new, duplicate or conflict."""
        key = ", ".join(KEY)
        same = " AND ".join(f"s.{name} = k.{name}" for name in KEY)
        paths = self.paths()
        con.execute(
            f"CREATE TEMP TABLE known AS SELECT {key}, {FINGERPRINT} FROM "
            + (
                f"read_parquet($paths, hive_partitioning = false) WHERE {EVENT.SOURCE} IN "
                f"(SELECT DISTINCT {EVENT.SOURCE} FROM staged)"
                if paths
                else "staged WHERE false"
            ),
            {"paths": paths} if paths else None,
        )
        con.execute(
            f"CREATE TEMP TABLE judged AS "
            f"WITH ordered AS (SELECT *, row_number() OVER w AS turn, first({FINGERPRINT}) OVER w AS first_print "
            f"FROM staged WINDOW w AS (PARTITION BY {key} ORDER BY file, line)) "
            f"SELECT s.* EXCLUDE (turn, first_print), CASE "
            f"WHEN coalesce(k.{FINGERPRINT}, first_print) <> s.{FINGERPRINT} THEN 'conflict' "
            f"WHEN k.{FINGERPRINT} IS NOT NULL OR turn > 1 THEN 'duplicate' ELSE 'new' END AS fate "
            f"FROM ordered s LEFT JOIN known k ON {same}"
        )
        con.execute("DROP TABLE staged")

    def _write(self, con: duckdb.DuckDBPyConnection, ingest: int) -> list[tuple[Any, ...]]:
        """Write the new events as files in place, durable but not yet listed."""
        staging = self.folder / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        con.execute(
            f"COPY (SELECT {columns(LOG.names)}, {USER} % {self.buckets} AS bucket, "
            f"strftime({AT}, '%Y-%m') AS month FROM judged WHERE fate = 'new' "
            f"ORDER BY bucket, month, {USER}, {AT}, {LOGGED.EVENT_ID}) "
            f"TO '{quoted(staging)}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (bucket, month))"
        )
        written = []
        for number, path in enumerate(sorted(staging.rglob("*.parquet"))):
            bucket, month = (part.split("=")[1] for part in path.relative_to(staging).parts[:2])
            target = self.folder / f"bucket={int(bucket):02d}" / f"month={month}" / f"{ingest:06d}-{number:04d}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            sync(path)
            path.rename(target)
            written.append(self._described(con, target, int(bucket), month, ingest))
        for folder in {(self.folder / row[0]).parent for row in written}:
            sync(folder)
        shutil.rmtree(staging)
        return written


def _fate(appended: Appended) -> dict[str, int]:
    return {name: getattr(appended, name) for name in ("new", "duplicates", "conflicts", "erased", "no_consent")}


_CONFLICTS = (
    f"SELECT {EVENT.SOURCE} AS source, file, line AS row, 'conflicting_id' AS reason, "
    f"'an event of this id with other content was received first' AS detail, "
    f"to_json(struct_pack({', '.join(f'{n} := {n}' for n in map(quoted_name, CARRIED))}))::VARCHAR AS raw "
    "FROM judged WHERE fate = 'conflict'"
)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return list(con.sql(query).to_arrow_table().to_pylist())


def _row_table(keys: Sequence[str], rows: Any) -> pa.Table:
    return pa.table({"key": pa.array(keys, pa.string()), "row": pa.array(np.asarray(rows, np.int32))})


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]
