"""Database tables and queries, through SQLAlchemy, in a stream."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from mien.collect.raw import FileReport, RawWriter, distinct_names
from mien.core.errors import SourceError, UnknownName
from mien.core.extras import require
from mien.core.phrase import Phrase

BATCH = 10_000
"""Rows held at once."""
_SYNTAX = Phrase("Write DIALECT://…?table=NAME, or DIALECT://…?query=SELECT … as the last part.")


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """A database URL, and the table or query to read there. `name`: as verdicts show it, without a password."""

    url: sa.URL
    name: str
    table: str | None = None
    query: str | None = None


def is_database(source: str) -> bool:
    """Does the source look like a database URL?"""
    head, colon, _ = source.partition("://")
    return bool(colon) and head not in ("file", "http", "https", "s3")


def parse_database(source: str) -> DatabaseSource:
    """`postgresql://user@host/shop?table=events` (or `schema.events`), `sqlite:///shop.db?query=SELECT …`.

    `query=` comes last: all that follows is the SQL as it stands (percent-decoded where it has no blank).
    """
    head, found, query = source.partition("query=")
    base = head.rstrip("?&") if found else source
    try:
        url = sa.make_url(base)
    except ArgumentError as error:
        raise SourceError(
            "This is no database URL. {syntax}", syntax=_SYNTAX, path=source.partition("://")[0] + "://…"
        ) from error
    given = url.query.get("table")
    table = given if isinstance(given, str) else None
    if bool(table) == bool(found):
        raise SourceError("Name one table or one query. {syntax}", syntax=_SYNTAX, path=url.render_as_string())
    url = url.difference_update_query(["table"])
    if url.drivername in ("postgresql", "postgres"):
        require("postgres", "psycopg")
        url = url.set(drivername="postgresql+psycopg")
    sql = query if any(blank in query for blank in " \n\t") else unquote(query)
    name = f"{url.render_as_string(hide_password=True)}#{table or 'query'}"
    return DatabaseSource(url, name, table, sql if found else None)


def read_database(source: DatabaseSource, target: Path) -> FileReport:
    """The rows as text in the Parquet file `target`, through a server-side cursor; rows count from 1.

    A file that is not there, a server that does not answer or a query that fails is a `SourceError`.
    """
    path = source.url.database
    if source.url.drivername.startswith("sqlite") and path not in (None, "", ":memory:") and not Path(path).is_file():
        raise SourceError("There is no such database file.", path=path)
    try:
        with _connection(source.url) as connection:
            result = _execute(connection, source)
            names = distinct_names(list(result.keys()))
            with RawWriter(target, source.name, names) as writer:
                for start, rows in _numbered(result):
                    _add(writer, start, rows)
        return FileReport(source.name, source.url.get_backend_name(), writer.rows)
    except DBAPIError as error:
        raise SourceError(
            "The database says: {orig}", orig=str(error.orig).strip().splitlines()[0], path=source.name
        ) from error
    except NoSuchModuleError as error:
        raise SourceError(
            "No driver for {drivername} is installed.", drivername=source.url.drivername, path=source.name
        ) from error
    except SQLAlchemyError as error:
        raise SourceError(
            "The database cannot be read: {error}", error=str(error).splitlines()[0], path=source.name
        ) from error


@contextmanager
def _connection(url: sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            yield connection.execution_options(stream_results=True, yield_per=BATCH)
    finally:
        engine.dispose()


def _execute(connection: sa.Connection, source: DatabaseSource) -> sa.CursorResult[Any]:
    if source.query is not None:
        formats = connection.dialect.paramstyle in ("format", "pyformat")  # there a lone % would begin a parameter
        return connection.exec_driver_sql(source.query.replace("%", "%%") if formats else source.query)
    schema, _, name = str(source.table).rpartition(".")
    inspector = sa.inspect(connection)
    known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if name not in known:
        raise UnknownName("table", str(source.table), known)
    return connection.execute(sa.select(sa.text("*")).select_from(sa.table(name, schema=schema or None)))


def _numbered(result: sa.CursorResult[Any]) -> Iterator[tuple[int, Sequence[Sequence[Any]]]]:
    start = 1
    for rows in result.partitions(BATCH):
        yield start, rows
        start += len(rows)


def _add(writer: RawWriter, start: int, rows: Sequence[Sequence[Any]]) -> None:
    columns = [pa.array([_text(value) for value in column], pa.string()) for column in zip(*rows, strict=True)]
    none = pa.nulls(len(rows), pa.string())
    writer.add(columns, pa.array(range(start, start + len(rows)), pa.int64()), none, none)


def _text(value: Any) -> str | None:
    """A database value as the text that a CSV export of it would hold."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
