"""Tables in memory: pandas, polars, Arrow, and whatever else speaks the Arrow stream protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mien.collect.raw import FileReport, distinct_names
from mien.core.errors import SourceError

NAME = "table"
"""What verdicts on a table in memory name as its file."""


def is_table(source: object) -> bool:
    """Can `write_table` take it?"""
    return isinstance(source, pa.Table | pa.RecordBatch) or any(
        hasattr(source, name) for name in ("__arrow_c_stream__", "to_arrow", "__dataframe__")
    )


def write_table(source: object, target: Path) -> FileReport:
    """The rows of a table as the Parquet file `target`, with its own types. Its index (pandas) is left out.

    A column of mixed objects becomes text. An empty table without columns is a `SourceError`.
    """
    batches = _batches(source)
    first = next(batches, None)
    if first is None or not first.schema.names:
        raise SourceError("The table has no columns.", path=NAME)
    names = distinct_names(first.schema.names)
    schema = pa.schema([field.with_name(name) for field, name in zip(first.schema, names, strict=True)])
    rows = 0
    with pq.ParquetWriter(target, schema, compression="snappy") as writer:
        while first is not None:
            writer.write_table(pa.Table.from_arrays(first.columns, schema=schema))
            rows += first.num_rows
            first = next(batches, None)
    return FileReport(NAME, type(source).__module__.split(".")[0], rows)


def _batches(source: object) -> Iterator[pa.Table]:
    if isinstance(source, pa.RecordBatch):
        yield pa.Table.from_batches([source])
    elif isinstance(source, pa.Table):
        yield source
    elif type(source).__module__.startswith("pandas"):
        yield _from_pandas(source)
    elif hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
        empty = True
        for batch in reader:
            empty = False
            yield pa.Table.from_batches([batch])
        if empty:
            yield reader.schema.empty_table()
    else:
        yield source.to_arrow()  # type: ignore[attr-defined]


def _from_pandas(frame: Any) -> pa.Table:
    """A DataFrame; Arrow refuses mixed columns, which become text with nothing where there was nothing."""
    columns = []
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        try:
            columns.append(pa.array(column, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns.append(
                pa.array(
                    [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
                )
            )
    return pa.Table.from_arrays(columns, names=[str(name) for name in frame.columns])
