"""JSON Lines: each line an object; a line that is none becomes a verdict, its neighbours live."""

import json
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from mien.collect.encodings import BAD, LONG, MARKS, NUL, CleanText
from mien.collect.engine import ident, literal
from mien.collect.raw import FILE, FLAW, HELD, ROW, FileReport, RawWriter, distinct_names
from mien.core.errors import SourceError

LINE = "line"
_BLOCK = 4 << 20
_FLAWS = {LONG: "line_too_long", BAD: "bad_encoding", NUL: "malformed_row"}


def read_json_lines(
    con: duckdb.DuckDBPyConnection, raw: BinaryIO, target: Path, *, name: str, encoding: str | None = None
) -> tuple[FileReport, tuple[str, ...]]:
    """One JSONL stream into the Parquet file `target`, its keys as columns of text; its report and its columns.

    Nested values stay JSON text. Row numbers are line numbers. An empty file is a `SourceError`.
    """
    clean = CleanText(raw, encoding=encoding, quote=False)
    lines = target.with_suffix(".lines.parquet")
    with RawWriter(lines, name, [LINE]) as writer:
        blank = _write_lines(clean, writer)
    if not writer.rows:
        raise SourceError("The file is empty: it holds no row.", path=name)
    sound = f"(SELECT * FROM read_parquet({literal(str(lines))}))"
    keys = _keys(con, sound)
    if not keys:
        raise SourceError(
            "No line is a JSON object. A JSON array becomes lines by: jq -c '.[]' FILE.", path=name, row=1
        )
    names = distinct_names(keys)
    con.execute(
        f"COPY ({_columns_sql(sound, keys, names)}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)"
    )
    lines.unlink()
    return FileReport(name, "jsonl", writer.rows, clean.encoding or "ascii", blank=blank, doubt=clean.doubt), tuple(
        names
    )


def _keys(con: duckdb.DuckDBPyConnection, lines: str) -> list[str]:
    """Every key of any object, in order of its first line."""
    rows = con.execute(
        f"SELECT key, min({ROW}) AS first FROM (SELECT unnest(json_keys({LINE})) AS key, {ROW} FROM {lines}"
        f" WHERE {FLAW} IS NULL AND {_IS_OBJECT}) GROUP BY 1 ORDER BY first, key LIMIT 2000"
    ).fetchall()
    return [str(key) for key, _ in rows]


_IS_OBJECT = f"CASE WHEN json_valid({LINE}) THEN json_type({LINE}) = 'OBJECT' ELSE FALSE END"


def _columns_sql(lines: str, keys: list[str], names: list[str]) -> str:
    shape = literal("{" + ", ".join(f'{json.dumps(key, ensure_ascii=False)}: "VARCHAR"' for key in keys) + "}")
    values = ", ".join(f"cells[{literal(key)}] AS {ident(name)}" for key, name in zip(keys, names, strict=True))
    cells = f"CASE WHEN {_IS_OBJECT} AND {FLAW} IS NULL THEN json_transform({LINE}, {shape}) END"
    flaw = f"coalesce({FLAW}, CASE WHEN NOT ({_IS_OBJECT}) THEN 'malformed_row' END)"
    held = f"coalesce({HELD}, CASE WHEN NOT ({_IS_OBJECT}) THEN left({LINE}, 2000) END)"
    own = f"{FILE}, {ROW}, {flaw} AS {FLAW}, {held} AS {HELD}"
    return f"SELECT {values}, {own} FROM (SELECT *, {cells} AS cells FROM {lines})"


def _write_lines(clean: CleanText, writer: RawWriter) -> int:
    """All lines into `writer`, flawed ones marked; the number of blank lines."""
    number = blank = 0
    tail = b""
    while block := clean.read(_BLOCK):
        *lines, tail = (tail + block).split(b"\n")
        number, blank = _add_lines(writer, lines, number, blank)
    if tail:
        number, blank = _add_lines(writer, [tail], number, blank)
    return blank


def _add_lines(writer: RawWriter, lines: list[bytes], number: int, blank: int) -> tuple[int, int]:
    texts, rows = [], []
    for line in lines:
        number += 1
        text = line.decode("utf-8").strip()
        if not text:
            blank += 1
        elif mark := MARKS.search(text):
            writer.reject(number, _FLAWS.get(mark[0], "malformed_row"), MARKS.sub("�", text))
        else:
            texts.append(text)
            rows.append(number)
    none = pa.nulls(len(rows), pa.string())
    writer.add([pa.array(texts, pa.string())], pa.array(rows, pa.int64()), none, none)
    return number, blank
