"""The table engines: how to connect to one, how to read Parquet there, and the few words they spell differently."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from mien.core.errors import UsageError
from mien.core.extras import require
from mien.core.quiet import quiet

ENGINES = ("duckdb", "spark")
"""What `connect` opens. The expressions also compile for ClickHouse and BigQuery."""


def _builtin(name: str) -> Any:
    """A function of the engine itself, from a timestamp to an integer."""

    def of_timestamp(at: Any) -> Any:
        raise NotImplementedError  # never called: the engine has it

    signature = ((dt.Timestamp("UTC"),), dt.int64)
    return ibis.udf.scalar.builtin(of_timestamp, name=name, signature=signature)


_MICROS: dict[str, Any] = {
    "duckdb": _builtin("epoch_us"),
    "pyspark": _builtin("unix_micros"),
    "bigquery": _builtin("unix_micros"),
    "clickhouse": _builtin("toUnixTimestamp64Micro"),
}


def micros(at: ir.TimestampValue, dialect: str) -> ir.IntegerValue:
    """µs since 1970-01-01 UTC, the one function without a common word. `dialect`: Ibis's name of the engine."""
    if dialect not in _MICROS:
        raise UsageError(
            "The features are not known to run on {dialect}. Use one of: {micros}.", dialect=dialect, micros=_MICROS
        )
    return _MICROS[dialect](at)


def connect(
    engine: str = "duckdb", *, threads: int | None = None, memory: str = "2GB", temporary: Path | None = None
) -> Any:
    """An Ibis connection to a local engine. `memory` as in "2GB"; `temporary`: where DuckDB may spill.

    Spark (extra `spark`, needs Java 17) starts in local mode inside this process; to run on a cluster hand an
    Ibis connection of your own to the functions that take tables. Raises `UsageError` for another engine.
    """
    if engine == "duckdb":
        con = ibis.duckdb.connect(memory_limit=memory, **({} if threads is None else {"threads": threads}))
        con.raw_sql("SET TimeZone = 'UTC'")
        con.raw_sql("SET preserve_insertion_order = false")
        quiet(con.con)
        if temporary is not None:
            con.raw_sql(f"SET temp_directory = '{str(temporary).replace(chr(39), chr(39) * 2)}'")
        return con
    if engine == "spark":
        return _spark(threads, memory)
    raise UsageError("“{engine}” is no engine. Use one of: {engines}.", engine=engine, engines=ENGINES)


def _spark(threads: int | None, memory: str) -> Any:
    session = require("spark", "pyspark.sql").SparkSession
    spark = (
        session.builder.master(f"local[{threads or '*'}]")
        .appName("mien")
        .config("spark.driver.memory", memory.lower().removesuffix("b"))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    return ibis.pyspark.connect(spark)


def read_parquet(con: Any, paths: Sequence[Path | str]) -> ir.Table:
    """Parquet files as one table of `con`, on either engine."""
    if con.name == "pyspark":
        frame = con._session.read.parquet(*map(str, paths))
        name = f"mien_{abs(hash(tuple(map(str, paths)))):x}"
        frame.createOrReplaceTempView(name)
        return con.table(name)
    return con.read_parquet([str(path) for path in paths])
