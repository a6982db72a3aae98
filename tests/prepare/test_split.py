"""The split by time: every event in one part, and nothing of a later part in what an earlier one teaches."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.clock import DAY_US, parse_time, to_us
from mien.core.errors import UsageError
from mien.prepare.clean import CleanPolicy, MissingPolicy, OutlierPolicy, fit_judgement
from mien.prepare.scale import fit_scaling
from mien.prepare.split import TimeSplit

LogOf = Callable[[list[dict[str, Any]]], ir.Table]
T_US = to_us(parse_time("2017-12-04"))
SPLIT = TimeSplit.at(T_US, test_days=14, validation_days=7)
times = st.lists(
    st.one_of(
        st.integers(T_US - 20 * DAY_US, T_US + 20 * DAY_US),
        st.sampled_from([T_US - 7 * DAY_US, T_US - 7 * DAY_US - 1, T_US - 1, T_US, T_US + 14 * DAY_US]),
    ),
    max_size=40,
)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(times)
def test_table_and_masks_agree_and_no_event_is_in_two_parts(log_of: LogOf, at_us: list[int]) -> None:
    log, array = log_of([{"at": at} for at in at_us]), np.asarray(at_us, dtype=np.int64)
    masks = SPLIT.masks(array)
    for table, mask in (
        (SPLIT.train(log), masks.train),
        (SPLIT.validation(log), masks.validation),
        (SPLIT.test(log), masks.test),
    ):
        kept = [to_us(at) for at in table.at.to_pyarrow().to_pylist()]
        assert sorted(kept) == sorted(array[mask].tolist())
    total = masks.train.astype(int) + masks.validation + masks.test
    assert (total <= 1).all()
    assert (total[array < T_US + 14 * DAY_US] == 1).all()
    assert SPLIT.before_test(log).count().to_pyarrow().as_py() == int((masks.train | masks.validation).sum())


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(times, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=10))
def test_what_happens_later_teaches_nothing(log_of: LogOf, at_us: list[int], later: list[float]) -> None:
    policy = CleanPolicy(
        missing_value=MissingPolicy("median"),
        outlier_value=OutlierPolicy(min_count=2),
        outlier_quantity=OutlierPolicy(min_count=2),
    )
    before = [
        {"at": T_US - 8 * DAY_US - k, "value": float(k % 7), "quantity": float(k % 3)} for k in range(len(at_us) + 3)
    ]
    after = [{"at": T_US + k, "value": value, "quantity": value} for k, value in enumerate(later)]

    def fitted(rows: list[dict[str, Any]]) -> tuple[Any, Any]:
        log = log_of(rows)
        return fit_judgement(SPLIT.train(log), policy), fit_scaling(log, ["value", "quantity"], SPLIT)

    assert fitted(before + after) == fitted(before)


def test_the_last_days_end_with_the_newest_event() -> None:
    split = TimeSplit.last_days(T_US, test_days=14, validation_days=7)
    masks = split.masks(np.array([T_US, T_US + 1, T_US - 14 * DAY_US, T_US - 14 * DAY_US + 1]))
    assert masks.test.tolist() == [True, False, False, True]


def test_parts_must_follow_each_other() -> None:
    with pytest.raises(UsageError, match="follow each other"):
        TimeSplit(validation_us=5, test_us=4)
