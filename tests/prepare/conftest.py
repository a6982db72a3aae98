"""Small logs for the tests of cleaning."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from mien.core.clock import parse_time, to_us
from mien.core.event import LoggedEvent
from mien.core.tables import LOG

T0_US = to_us(parse_time("2017-12-04T09:30:00Z"))


@pytest.fixture(scope="session")
def con() -> Iterator[Any]:
    """A DuckDB connection with the memory of a small machine."""
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET threads = 2; SET memory_limit = '1GB'")
    yield connection
    connection.disconnect()


@pytest.fixture(scope="session")
def log_of(con: Any) -> Callable[[Sequence[dict[str, Any]]], ir.Table]:
    """Rows (only what matters of each) as a table of the schema LOG."""

    def build(rows: Sequence[dict[str, Any]]) -> ir.Table:
        whole = [
            {
                "user": 0,
                "event_id": f"e{k}",
                "source": "test",
                "fingerprint": k,
                "action": "purchase",
                "item": 1,
                "at": T0_US,
                **row,
            }
            for k, row in enumerate(rows)
        ]
        columns = {f.name: pa.array([row.get(f.name) for row in whole], type=f.type) for f in LOG}
        con.con.register("log", pa.table(columns, schema=LOG))
        return con.table("log")

    return build


@pytest.fixture(scope="session")
def rows_of() -> Callable[[ir.Table], list[dict[str, Any]]]:
    """The rows of a table in the order of their event ids."""

    def rows(table: ir.Table) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
        return sorted(found, key=lambda row: str(row["event_id"]))

    return rows


@pytest.fixture(scope="session")
def as_row() -> Callable[[LoggedEvent], dict[str, Any]]:
    """A live event as the row that the log keeps of it."""

    def row(event: LoggedEvent) -> dict[str, Any]:
        return {
            "user": event.user,
            "event_id": event.event_id,
            "action": str(event.action),
            "item": None if event.item == -1 else event.item,
            "at": event.at_us,
            "value": None if math.isnan(event.value) else event.value,
            "quantity": None if math.isnan(event.quantity) else event.quantity,
        }

    return row
