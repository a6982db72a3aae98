"""The DuckDB that reads and judges strangers' rows: bounded memory, spilling into the delivery's own folder."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from mien.core.errors import SourceError, TransientError
from mien.core.quiet import quiet

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system calls a disk, a quota or a file that can take no more."""
_FULL = ("no space", "quota", "too large")


@contextmanager
def engine(folder: Path, *, memory_limit: str, threads: int, zone: str = "UTC") -> Iterator[duckdb.DuckDBPyConnection]:
    """A private in-memory DuckDB whose session zone is `zone`; a full disk becomes a `TransientError`."""
    spill = folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        connection.execute(f"SET TimeZone = {literal(zone)}")
        quiet(connection)
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise TransientError(
            "Reading needed more than {memory_limit} of memory, and the disk could not take the "
            "rest: {error} Allow more memory or free space at {spill}.",
            memory_limit=memory_limit,
            error=_first_line(error),
            spill=spill,
        ) from error
    except duckdb.IOException as error:
        if any(word in str(error).lower() for word in _FULL):
            raise disk_full(folder) from error
        raise SourceError("The table engine says: {error}", error=_first_line(error)) from error
    except OSError as error:
        if error.errno in FULL_DISK:
            raise disk_full(folder) from error
        raise
    finally:
        connection.close()


def disk_full(folder: Path) -> TransientError:
    """The error of a disk that can take no more."""
    return TransientError("The disk is full at {folder}; free space and run it again.", folder=folder)


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The only row of a query's result, which is read to its end: an open one would lock the connection."""
    rows: list[tuple[Any, ...]] = con.execute(sql).fetchall()
    return rows[0]


def ident(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
