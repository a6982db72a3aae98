"""Any source as one relation of raw rows: files, a database, a table in memory."""

from dataclasses import replace
from pathlib import Path

import duckdb

from mien.collect.databases import is_database, parse_database, read_database
from mien.collect.delimited import read_delimited
from mien.collect.engine import literal, one_row
from mien.collect.files import Part, find_parts
from mien.collect.frames import is_table, write_table
from mien.collect.jsonlines import read_json_lines
from mien.collect.mapping import Mapping
from mien.collect.raw import FILE, FLAW, HELD, OWN, ROW, Column, FileReport, Raw
from mien.collect.vocabulary import Vocabulary
from mien.core.errors import SourceError, UsageError
from mien.core.phrase import Phrase
from mien.core.ports import Progress


def read_source(
    con: duckdb.DuckDBPyConnection,
    source: object,
    folder: Path,
    *,
    mapping: Mapping | None,
    vocabulary: Vocabulary,
    progress: Progress,
) -> Raw:
    """The rows of a file, folder, glob, database URL or table in memory; anything else is a `UsageError`."""
    target = folder / "raw-00000.parquet"
    if is_table(source):
        return _stored(con, write_table(source, target), target, numbered=False)
    if not isinstance(source, str | Path):
        kind = type(source).__name__
        raise UsageError("A {kind} is no source. Give a path, a URL, or a pandas, polars or Arrow table.", kind=kind)
    if isinstance(source, str) and is_database(source):
        done = progress.step("read", None)
        report = read_database(parse_database(source), target)
        done(report.rows)
        return _stored(con, report, target, numbered=True)
    return read_files(con, source, folder, mapping=mapping, vocabulary=vocabulary, progress=progress)


def _stored(con: duckdb.DuckDBPyConnection, report: FileReport, path: Path, *, numbered: bool) -> Raw:
    """Rows that lie in a Parquet file already, with or without the own columns."""
    relation = f"SELECT * FROM read_parquet({literal(str(path))})" if numbered else parquet_sql(path, report.name)
    return united(con, [relation], (report,))


def parquet_sql(path: Path, name: str) -> str:
    """A Parquet file of a stranger as raw rows, which count from 1."""
    return (
        f"SELECT * EXCLUDE (file_row_number), {literal(name)} AS {FILE}, file_row_number + 1 AS {ROW},"
        f" CAST(NULL AS VARCHAR) AS {FLAW}, CAST(NULL AS VARCHAR) AS {HELD}"
        f" FROM read_parquet({literal(str(path))}, file_row_number = true)"
    )


def read_files(
    con: duckdb.DuckDBPyConnection,
    source: str | Path,
    folder: Path,
    *,
    mapping: Mapping | None,
    vocabulary: Vocabulary,
    progress: Progress,
) -> Raw:
    """The rows of a file, folder or glob. Text formats are streamed into Parquet below `folder` once."""
    parts, messages = find_parts(source)
    done = progress.step("read", len(parts))
    relations, reports = [], []
    for number, part in enumerate(parts):
        relation, report = read_part(con, part, folder / f"raw-{number:05d}.parquet", mapping, vocabulary)
        relations.append(relation)
        reports.append(report)
        done(1)
    messages += [
        Phrase(
            "{name} was read as {encoding}, but may be {doubt}: if so, say encoding in a mapping.",
            name=report.name,
            encoding=report.encoding,
            doubt=report.doubt,
        )
        for report in reports
        if report.doubt
    ]
    headerless = any(report.header is False for report in reports) and not (mapping and mapping.columns)
    return united(con, relations, tuple(reports), tuple(messages), headerless=headerless)


def united(
    con: duckdb.DuckDBPyConnection,
    relations: list[str],
    reports: tuple[FileReport, ...],
    messages: tuple[Phrase, ...] = (),
    *,
    headerless: bool = False,
) -> Raw:
    """Several relations as one, by column name; a column of different types becomes what holds them all."""
    relation = " UNION ALL BY NAME ".join(relations)
    described = con.execute(f"DESCRIBE {relation}").fetchall()
    columns = tuple(Column(str(row[0]), str(row[1])) for row in described if row[0] not in OWN)
    return Raw(relation, columns, reports, messages, headerless)


def read_part(
    con: duckdb.DuckDBPyConnection, part: Part, target: Path, mapping: Mapping | None, vocabulary: Vocabulary
) -> tuple[str, FileReport]:
    """One part as a relation (SQL), and how it was read."""
    if part.format == "parquet":
        return read_parquet(con, part, target)
    hints = mapping or Mapping("events")
    with part.open() as raw:
        if part.format == "jsonl":
            report, _ = read_json_lines(con, raw, target, name=part.name, encoding=hints.encoding)
        else:
            report, _ = read_delimited(
                raw, target, name=part.name, vocabulary=vocabulary,
                columns=hints.columns, delimiter=hints.delimiter, encoding=hints.encoding,
            )  # fmt: skip
    relation = f"SELECT * FROM read_parquet({literal(str(target))})"
    return relation, replace(report, compression=part.compression)


def read_parquet(con: duckdb.DuckDBPyConnection, part: Part, target: Path) -> tuple[str, FileReport]:
    """A Parquet file in place; a compressed one is unpacked first. Rows count from 1."""
    path = part.path
    if part.compression:
        with part.open() as raw, open(target, "wb") as file:
            while block := raw.read(1 << 20):
                file.write(block)
        path = target
    try:
        rows = count_rows(con, path)
    except duckdb.Error as error:
        raise SourceError(
            "The Parquet file cannot be read: {error}", error=str(error).splitlines()[0], path=part.name
        ) from error
    return parquet_sql(path, part.name), FileReport(part.name, "parquet", rows, compression=part.compression)


def count_rows(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    return int(one_row(con, f"SELECT count(*) FROM read_parquet({literal(str(path))})")[0])
