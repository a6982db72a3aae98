"""Scaling, by hand: fitted before the validation window, the same on tables and arrays."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import numpy as np

from mien.core.clock import DAY_US, parse_time, to_us
from mien.prepare.scale import Scale, Scaling, fit_scaling
from mien.prepare.split import TimeSplit

LogOf = Callable[[list[dict[str, Any]]], ir.Table]
T_US = to_us(parse_time("2017-12-04"))
SPLIT = TimeSplit.at(T_US, validation_days=1)
ROWS = [
    {"at": T_US - 5 * DAY_US, "value": 2.0, "quantity": 3.0},
    {"at": T_US - 4 * DAY_US, "value": 4.0, "quantity": 3.0},
    {"at": T_US - 3 * DAY_US, "value": None, "quantity": 3.0},
    {"at": T_US - 2 * DAY_US, "value": 6.0, "quantity": 3.0},
    {"at": T_US, "value": 1000.0, "quantity": 5.0},
]


def test_standard_and_minmax_by_hand(log_of: LogOf) -> None:
    standard = fit_scaling(log_of(ROWS), ["value", "quantity"], SPLIT)
    assert standard.scales == (Scale("value", 4.0, (8 / 3) ** 0.5), Scale("quantity", 3.0, 1.0))
    minmax = fit_scaling(log_of(ROWS), ["value"], SPLIT, "minmax")
    assert minmax.scales == (Scale("value", 2.0, 4.0),)


def test_table_and_array_agree_and_missing_stays_missing(log_of: LogOf) -> None:
    scaling = fit_scaling(log_of(ROWS), ["value", "quantity"], SPLIT, "minmax")
    rows = scaling.table(log_of(ROWS)).order_by("at").to_pyarrow().to_pylist()
    assert [row["value"] for row in rows] == [0.0, 0.5, None, 1.0, 249.5]
    array = scaling.array(
        np.array([[np.nan if row["value"] is None else row["value"], row["quantity"]] for row in ROWS])
    )
    np.testing.assert_array_equal(array[:, 0], [0.0, 0.5, np.nan, 1.0, 249.5])
    np.testing.assert_array_equal(array[:, 1], [0.0, 0.0, 0.0, 0.0, 2.0])


def test_a_column_without_numbers_is_left_as_it_is(log_of: LogOf) -> None:
    assert fit_scaling(log_of(ROWS), ["rating"], SPLIT).scales == (Scale("rating", 0.0, 1.0),)


def test_json_there_and_back(log_of: LogOf) -> None:
    scaling = fit_scaling(log_of(ROWS), ["value"], SPLIT)
    assert Scaling.from_dict(scaling.to_dict()) == scaling
