"""What a named data set is: tables found in its files, each with a mapping of its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from mien.collect.engine import ident, literal
from mien.collect.files import Part, file_parts, find_parts
from mien.collect.mapping import Kind, Mapping
from mien.collect.raw import FILE, FLAW, HELD, OWN, ROW, FileReport, Raw
from mien.collect.reading import read_part, united
from mien.collect.vocabulary import Vocabulary
from mien.core.errors import SourceError
from mien.core.ports import Progress

Tables = dict[Kind, tuple[Raw, Mapping]]
"""Kind → rows and how to read them."""

NO_FLAW = f"CAST(NULL AS VARCHAR) AS {FLAW}, CAST(NULL AS VARCHAR) AS {HELD}"
WHERE_FROM = ", ".join(OWN)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set by name. `files`: what lies at the path a user gives, for the message where it does not.

    `licence`: as its publisher states it, or "none stated". `open` finds its tables.
    """

    name: str
    about: str
    files: str
    licence: str
    open: Callable[["Shelf"], Tables]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a data set's files lie, and what reading them takes."""

    con: duckdb.DuckDBPyConnection
    path: Path | None
    folder: Path
    vocabulary: Vocabulary
    progress: Progress
    about: str

    def parts(self, *stems: str) -> list[Part]:
        """The files of these stems (`events` finds events.csv, events.csv.gz, events.parquet), in that order."""
        parts = self._all_parts()
        return [part for stem in stems for part in parts if _stem(part) == stem]

    def _all_parts(self) -> list[Part]:
        path = self.path or Path()
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        if not files:
            raise SourceError("None of its files is here. Looked for: {about}.", about=self.about, path=path)
        names = [file.name if file == path else str(file.relative_to(path)) for file in files]
        return [part for file, name in zip(files, names, strict=True) for part in file_parts(file, name, asked=True)]

    def table(
        self, *stems: str, columns: tuple[str, ...] = (), delimiter: str | None = None, encoding: str | None = None
    ) -> Raw | None:
        """The rows of those files as one relation; None where none of them is there."""
        parts = self.parts(*stems)
        return (
            self._read(parts, Mapping("events", columns=columns, delimiter=delimiter, encoding=encoding))
            if parts
            else None
        )

    def main(
        self, *stems: str, columns: tuple[str, ...] = (), delimiter: str | None = None, encoding: str | None = None
    ) -> Raw:
        """As `table`; a single file may have any name, and no stem means every table there is."""
        parts = self.parts(*stems)
        if not parts and self.path is not None and (self.path.is_file() or not stems):
            parts, _ = find_parts(self.path)
        if not parts:
            raise SourceError("None of its files is here. Looked for: {about}.", about=self.about, path=self.path)
        return self._read(parts, Mapping("events", columns=columns, delimiter=delimiter, encoding=encoding))

    def _read(self, parts: list[Part], hints: Mapping) -> Raw:
        done = self.progress.step("read", len(parts))
        relations, reports = [], []
        for part in parts:
            target = self.folder / f"raw-{len(list(self.folder.glob('raw-*'))):05d}.parquet"
            relation, report = read_part(self.con, part, target, hints, self.vocabulary)
            relations.append(relation)
            reports.append(report)
            done(1)
        return united(self.con, relations, tuple(reports))

    def derive(self, sql: str, *raws: Raw) -> Raw:
        """A relation made by SQL from others; `sql` must give the four own columns (`WHERE_FROM`)."""
        return united(self.con, [sql], tuple(report for raw in raws for report in raw.files))

    def hold(self, name: str, table: pa.Table) -> Raw:
        """A small table in memory as a relation; its rows count from 1."""
        self.con.register(f"mien_held_{name}", table.append_column(ROW, pa.array(range(1, len(table) + 1), pa.int64())))
        sql = f"SELECT *, {literal(name)} AS {FILE}, {NO_FLAW} FROM {ident(f'mien_held_{name}')}"
        return united(self.con, [sql], (FileReport(name, "parquet", len(table)),))


_ENDINGS = re.compile(r"(\.(csv|tsv|txt|jsonl|parquet))?(\.(gz|zst|zip))?$")


def _stem(part: Part) -> str:
    """A file's name in lower case without what says its format and compression."""
    return _ENDINGS.sub("", Path(part.member or part.path.name).name.lower(), count=1)
