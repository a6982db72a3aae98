"""Strangers' rows as they came: one relation with their own columns, plus where each row stood."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from mien.core.phrase import Phrase

FILE, ROW, FLAW, HELD = "mien_file", "mien_row", "mien_flaw", "mien_held"
"""Where a row stood (file, 1-based record); why it is no row at all (null: it is one), and what it held then."""
OWN = (FILE, ROW, FLAW, HELD)

RAW_LIMIT = 2_000
"""Characters of an unusable row that its verdict keeps."""


@dataclass(frozen=True, slots=True)
class Column:
    """A source's column: its name and its DuckDB type (`VARCHAR` for every text format)."""

    name: str
    type: str = "VARCHAR"

    @property
    def is_text(self) -> bool:
        return self.type == "VARCHAR"

    @property
    def is_number(self) -> bool:
        return self.type.split("(")[0] in _NUMBERS

    @property
    def is_time(self) -> bool:
        return self.type.startswith(("TIMESTAMP", "DATE"))


_NUMBERS = {
    *(
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    ),
    *("FLOAT", "DOUBLE", "DECIMAL"),
}


@dataclass(frozen=True, slots=True)
class FileReport:
    """How one file (or table) was read. `rows`: records without the header; `blank`: empty lines skipped;
    `doubt`: another encoding that it may be."""

    name: str
    format: str
    rows: int
    encoding: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    blank: int = 0
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """What was read. `relation`: a SELECT with the source's `columns` and the four own ones."""

    relation: str
    columns: tuple[Column, ...]
    files: tuple[FileReport, ...]
    messages: tuple[Phrase, ...] = ()
    headerless: bool = False


def distinct_names(names: Sequence[str | None]) -> list[str]:
    """Column names without blanks and doubles (compared without case, as SQL does): `column3`, `price_2`."""
    taken: set[str] = set(OWN)
    found: list[str] = []
    for number, given in enumerate(names, start=1):
        name = stem = (given or "").strip() or f"column{number}"
        again = 2
        while name.casefold() in taken:
            name, again = f"{stem}_{again}", again + 1
        taken.add(name.casefold())
        found.append(name)
    return found


@dataclass
class RawWriter:
    """Writes the rows of one text source to Parquet: every column as text, flawed rows beside sound ones.

    Flawed rows may arrive from another thread. Memory: one batch.
    """

    path: Path
    file: str
    names: list[str]
    flaws: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = [pa.field(name, pa.string()) for name in self.names]
        own = [pa.field(FILE, pa.string()), pa.field(ROW, pa.int64()), pa.field(FLAW, pa.string())]
        self.schema = pa.schema([*text, *own, pa.field(HELD, pa.string())])
        self._writer = pq.ParquetWriter(self.path, self.schema, compression="snappy", use_dictionary=[FILE])
        self._lock = Lock()
        self.rows = 0

    def add(self, columns: list[pa.Array], rows: pa.Array, flaws: pa.Array, held: pa.Array) -> None:
        """Sound rows (or marked ones, with their flaw) of one batch."""
        count = len(rows)
        if count:
            own = [pa.array([self.file]).take(pa.array([0] * count, pa.int8())), rows, flaws, held]
            with self._lock:
                self._writer.write_batch(pa.record_batch([*columns, *own], schema=self.schema))
                self.rows += count

    def reject(self, row: int, flaw: str, held: str) -> None:
        """A record that has no columns: a ragged or unreadable one."""
        self.flaws.append((row, flaw, held[:RAW_LIMIT]))
        if len(self.flaws) >= 10_000:
            self._flush()

    def _flush(self) -> None:
        flaws, self.flaws = self.flaws, []
        none = pa.nulls(len(flaws), pa.string())
        rows, reasons, held = zip(*flaws, strict=True) if flaws else ((), (), ())
        self.add(
            [none] * len(self.names),
            pa.array(rows, pa.int64()),
            pa.array(reasons, pa.string()),
            pa.array(held, pa.string()),
        )

    def __enter__(self) -> "RawWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
