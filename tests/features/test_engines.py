"""One definition, many engines: every expression compiles for four of them, and Spark folds the same states."""

import warnings
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import numpy as np
import pyarrow.parquet as pq
import pytest
from feature_events import START_US, folded, log_table, some_events, tabled

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.item import Facet
from mien.core.tables import JUDGED_LOG
from mien.features.assemble import states
from mien.features.codec import decode
from mien.features.engine import connect, micros, read_parquet
from mien.features.state import FoldSettings
from mien.features.tables import fold_tables
from mien.features.totals import gather, total_tables
from mien.features.user_tables import preference_table, user_tables
from mien.features.vector import user_features
from mien.testing.state_checks import differences

DIALECTS = ("duckdb", "pyspark", "clickhouse", "bigquery")
RULES = FoldSettings(zone="Europe/London")
COLOUR = Facet("colour", 0, ("red", "blue"), np.array([0, 1, -1] * 14, dtype=np.int32))
SPAN = (START_US, START_US + 400 * DAY_US)


@pytest.fixture
def spark_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ibis loads its options for Spark with the package; the compiler asks for one of them without it."""
    if ibis.options.pyspark is None:
        monkeypatch.setattr(type(ibis.options), "pyspark", SimpleNamespace(treat_nan_as_null=False))


def all_expressions(dialect: str) -> Iterator[tuple[str, Any]]:
    judged = ibis.table(ibis.schema(JUDGED_LOG), name="judged")
    parts = fold_tables(judged, RULES, span=SPAN, dialect=dialect)
    users = user_tables(judged, RULES, SPAN[1], span=SPAN, dialect=dialect)
    for tables in (parts, users):
        yield from ((f"{type(tables).__name__}.{f.name}", getattr(tables, f.name)) for f in fields(tables))
    yield from total_tables(judged, RULES, dialect=dialect).items()
    yield "preference", preference_table(parts.tallies, COLOUR, RULES, SPAN[1])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_expression_compiles(dialect: str, spark_options: None) -> None:
    compiled = {name: ibis.to_sql(expression, dialect=dialect) for name, expression in all_expressions(dialect)}
    assert len(compiled) == 21
    assert all(sql.lstrip().upper().startswith(("SELECT", "WITH")) for sql in compiled.values())


def test_an_unknown_engine_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="duckdb, spark"):
        connect("polars")
    with pytest.raises(UsageError, match="not known to run on sqlite"):
        micros(ibis.table({"at": "timestamp('UTC')"}, name="t").at, "sqlite")


def test_long_histories_agree_on_duckdb() -> None:
    events = some_events()
    ours, theirs = tabled(events, RULES), folded(events, RULES)
    assert [line for user in theirs for line in differences(ours[user], theirs[user])] == []
    assert all(state.prefix.last is not None for state in theirs.values())


@pytest.mark.service
def test_spark_folds_the_same_states(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="needs the extra spark: pip install 'mien[spark]'")
    events = some_events(600, 4)
    pq.write_table(log_table(events), tmp_path / "log.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Spark's own
        con = connect("spark", threads=2, memory="1GB")
        table = read_parquet(con, [tmp_path / "log.parquet"])
        ours = {int(user): decode(data) for user, data in states([table], RULES)}
        totals, matrix = gather(table, RULES), user_features(table, RULES, SPAN[1], facets=[COLOUR])
        con.disconnect()
    theirs = folded(events, RULES)
    assert [line for user in theirs for line in differences(ours[user], theirs[user])] == []
    local = read_parquet(connect(threads=2, memory="1GB"), [tmp_path / "log.parquet"])
    expected = gather(local, RULES)
    for name in expected.items.__slots__:
        np.testing.assert_allclose(getattr(totals.items, name), getattr(expected.items, name), rtol=1e-9)
    assert (totals.transitions == expected.transitions).all()
    np.testing.assert_allclose(sorted(totals.buyers.tolist()), sorted(expected.buyers.tolist()), rtol=1e-9)
    same = user_features(local, RULES, SPAN[1], facets=[COLOUR])
    assert matrix.names == same.names
    np.testing.assert_allclose(matrix.values, same.values, rtol=1e-9, atol=1e-12)
