"""Every table expression of this room compiles for the engines that take over where one machine is outgrown."""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import pytest
from ibis.backends.sql.compilers import BigQueryCompiler, ClickHouseCompiler, DuckDBCompiler, PySparkCompiler
from ibis.config import Config

from mien.core.clock import parse_time, to_us
from mien.core.tables import LOG
from mien.prepare.clean import Bound, CleanPolicy, Fill, Judgement, MissingPolicy, OutlierPolicy, judge
from mien.prepare.refunds import pair_refunds
from mien.prepare.repeats import exact_repeats
from mien.prepare.scale import Scale, Scaling
from mien.prepare.sessions import with_sessions
from mien.prepare.split import TimeSplit


class SparkOptions(Config):
    """What Ibis registers when it connects to Spark; here nothing is connected."""

    treat_nan_as_null: bool = False


ENGINES = {
    "duckdb": DuckDBCompiler,
    "pyspark": PySparkCompiler,
    "clickhouse": ClickHouseCompiler,
    "bigquery": BigQueryCompiler,
}
T_US = to_us(parse_time("2017-12-04"))
FITTED = Judgement(
    bounds=(Bound("quantity", "purchase", None, 170.426, 100), Bound("value", "purchase", 0.1, 99.5, 100)),
    fills=(Fill("value", "purchase", 2.5), Fill("value", "purchase", 3.5, item=7)),
    bot_users=(3, 4),
)
DROPPING = Judgement(
    CleanPolicy(
        repeats="drop",
        outlier_value=OutlierPolicy(action="drop"),
        outlier_quantity=OutlierPolicy(action="flag"),
        missing_value=MissingPolicy("drop"),
        missing_quantity=MissingPolicy("linear"),
    ),
    bounds=FITTED.bounds,
)
SPLIT = TimeSplit.at(T_US, test_days=14)
EXPRESSIONS: dict[str, Callable[[ir.Table], ir.Table]] = {
    "judge": lambda log: judge(log, Judgement()),
    "judge, fitted": lambda log: judge(log, FITTED, now_us=T_US),
    "judge, dropping and filling over time": lambda log: judge(log, DROPPING),
    "pair_refunds": lambda log: pair_refunds(judge(log, FITTED)),
    "exact_repeats": exact_repeats,
    "with_sessions": with_sessions,
    "train": SPLIT.train,
    "validation": SPLIT.validation,
    "test": SPLIT.test,
    "scaling": Scaling((Scale("value", 1.0, 2.0),)).table,
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_it_compiles(name: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ibis.options, "pyspark", SparkOptions())
    log = ibis.table(ibis.Schema.from_pyarrow(LOG), name="log")
    sql = ENGINES[engine]().to_sqlglot(EXPRESSIONS[name](log)).sql(ENGINES[engine].dialect)
    assert "SELECT" in sql
    assert "log" in sql
