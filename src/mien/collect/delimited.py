"""CSV and its kin: delimiter and header found, ragged rows set apart, streamed into Parquet."""

import csv
import io
from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mien.collect.encodings import BAD, LONG, MARKS, NUL, OPEN, CleanText
from mien.collect.raw import FileReport, RawWriter, distinct_names
from mien.collect.vocabulary import Vocabulary, compact
from mien.core.errors import SourceError

DELIMITERS = (",", "\t", ";", "|", "\x01")
SAMPLE = 256 << 10
_READ_BLOCK = 8 << 20
_FLAWS = {LONG: "line_too_long", BAD: "bad_encoding", OPEN: "malformed_row", NUL: "malformed_row"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text is cut into cells. `names` are its columns, from its first line or given."""

    delimiter: str
    header: bool
    names: tuple[str, ...]


def read_delimited(
    raw: BinaryIO,
    target: Path,
    *,
    name: str,
    vocabulary: Vocabulary,
    columns: tuple[str, ...] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
) -> tuple[FileReport, tuple[str, ...]]:
    """One CSV or TSV stream into the Parquet file `target`; its report and its columns.

    An empty file is a `SourceError`. Row numbers count records from 1, the header included: they are line numbers
    unless quoted cells span lines.
    """
    clean = CleanText(raw, encoding=encoding)
    sample = MARKS.sub("", clean.peek(SAMPLE).decode("utf-8", errors="ignore"))
    if not sample.strip():
        raise SourceError("The file is empty: it holds no row and no header.", path=name)
    dialect = find_dialect(sample, vocabulary, columns=columns, delimiter=delimiter)
    with RawWriter(target, name, list(dialect.names)) as writer:
        blank = _stream(clean, dialect, writer)
    report = FileReport(
        name, "csv", writer.rows, clean.encoding or "ascii", None, dialect.delimiter, dialect.header, blank, clean.doubt
    )
    return report, dialect.names


def find_dialect(
    sample: str, vocabulary: Vocabulary, *, columns: tuple[str, ...] = (), delimiter: str | None = None
) -> Dialect:
    """Delimiter: the one that cuts the sample's rows most evenly. Header: see `has_header`."""
    delimiter = delimiter or _find_delimiter(sample)
    rows = _cells(sample, delimiter)
    width = Counter(map(len, rows[:200])).most_common(1)[0][0]
    first = [cell.strip() for cell in rows[0]]
    if columns:
        given = [compact(cell) for cell in first] == [compact(name) for name in columns]
        return Dialect(delimiter, given, tuple(distinct_names(columns)))
    if has_header(rows, vocabulary):
        return Dialect(delimiter, True, tuple(distinct_names(first + [""] * (width - len(first)))))
    return Dialect(delimiter, False, tuple(distinct_names([""] * width)))


def has_header(rows: list[list[str]], vocabulary: Vocabulary) -> bool:
    """Is the first row made of names? Yes where it has a known one; no where it has a number, a blank or a repeat.

    Otherwise no where a cell of it occurs again below in its column.
    """
    first = [cell.strip() for cell in rows[0]]
    known = {name for names in vocabulary.columns.values() for name in names}
    if any(compact(cell) in known and not cell.isdigit() for cell in first):
        return True
    if any(not cell or cell[0].isdigit() for cell in first) or len(set(first)) < len(first):
        return False
    below = [set(column) for column in zip(*(row for row in rows[1:] if len(row) == len(first)), strict=True)]
    return not any(cell in seen for cell, seen in zip(first, below, strict=False))


def _find_delimiter(sample: str) -> str:
    def evenness(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in _cells(sample, delimiter)[:200])
        width, rows = widths.most_common(1)[0]
        return (rows / widths.total() if width > 1 else 0.0), width

    return max(DELIMITERS, key=evenness)


def _cells(sample: str, delimiter: str) -> list[list[str]]:
    """The sample's rows; the last one, which may be cut, only where it stands alone."""
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a cell beyond the csv module's limit: the rows before it are sample enough
        rows.extend(row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row)
    rows = rows or [sample.splitlines()[0].split(delimiter)]
    return rows[:-1] if len(rows) > 1 and not sample.endswith("\n") and len(sample) >= SAMPLE // 4 else rows


def _stream(clean: CleanText, dialect: Dialect, writer: RawWriter) -> int:
    """All rows into `writer`; the number of blank lines."""
    skipped = array("q")  # record numbers that are no rows: ragged ones

    def ragged(row: pacsv.InvalidRow) -> str:
        skipped.append(row.number)
        if not (dialect.header and row.number == 1):
            flaw = next((_FLAWS[mark] for mark in _FLAWS if mark in row.text), "malformed_row")
            writer.reject(row.number, flaw, MARKS.sub("�", row.text))
        return "skip"

    try:
        batches = pacsv.open_csv(
            pa.PythonFile(clean, mode="r"),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_READ_BLOCK, column_names=dialect.names),
            parse_options=pacsv.ParseOptions(
                delimiter=dialect.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=ragged,
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(dialect.names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        return _write_batches(batches, clean, dialect, writer, skipped)
    except pa.ArrowInvalid as error:
        raise SourceError("The text could not be read as a table: {error}", error=error, path=writer.file) from error


def _write_batches(
    batches: pacsv.CSVStreamingReader, clean: CleanText, dialect: Dialect, writer: RawWriter, skipped: "array[int]"
) -> int:
    numbers = RecordNumbers(skipped)
    blank = 0
    for batch in batches:
        rows = numbers.take(batch.num_rows)
        if dialect.header and len(rows) and rows[0] == 1:
            batch, rows = batch.slice(1), rows[1:]
        if not batch.num_rows:
            continue
        empty = np.logical_and.reduce([pc.is_null(column).to_numpy(zero_copy_only=False) for column in batch.columns])
        if empty.any():
            blank += int(empty.sum())
            batch, rows = batch.filter(pa.array(~empty)), rows[~empty]
        flaws, held = _marked(batch) if clean.marks else (pa.nulls(len(rows), pa.string()),) * 2
        writer.add(batch.columns, pa.array(rows), flaws, held)
    return blank


def _marked(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """The flaw of each row that holds a mark, and what such a row held."""
    flaws: list[str | None] = [None] * batch.num_rows
    held: list[str | None] = [None] * batch.num_rows
    for mark, flaw in _FLAWS.items():
        hits = np.logical_or.reduce(
            [
                pc.fill_null(pc.match_substring(column, mark), False).to_numpy(zero_copy_only=False)
                for column in batch.columns
            ]
        )
        for index in np.flatnonzero(hits):
            flaws[index] = flaws[index] or flaw
            held[index] = MARKS.sub(
                "�", ",".join(str(value or "") for value in batch.slice(index, 1).to_pylist()[0].values())
            )
    return pa.array(flaws, pa.string()), pa.array(held, pa.string())


class RecordNumbers:
    """The numbers of the records that became rows: 1, 2, 3, … without those in `skipped` (ascending, growing)."""

    def __init__(self, skipped: "array[int]") -> None:
        self._skipped = skipped
        self._seen = 0
        self._next = 1

    def take(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The next `count` numbers, `(count,) int64`."""
        out: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        while count:
            gap = self._skipped[self._seen] if self._seen < len(self._skipped) else None
            stop = self._next + count if gap is None else min(gap, self._next + count)
            out.append(np.arange(self._next, stop, dtype=np.int64))
            count -= stop - self._next
            self._next = stop
            if gap == stop:
                self._next, self._seen = stop + 1, self._seen + 1
        return np.concatenate(out) if out else np.empty(0, dtype=np.int64)
