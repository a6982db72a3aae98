"""Robust statistics of histograms, by hand and against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.prepare.policy import OutlierPolicy
from mien.prepare.spread import Histogram, allowed_range, robust_spread

values = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200)


@given(values, st.floats(0.001, 0.999))
def test_a_quantile_is_that_of_the_single_numbers(numbers: list[float], share: float) -> None:
    histogram = Histogram.of(numbers, np.ones(len(numbers)))
    found = histogram.quantile(share)
    assert np.sum(np.asarray(numbers) <= found) >= share * len(numbers) - 1e-6
    assert np.sum(np.asarray(numbers) < found) <= share * len(numbers) + 1e-6
    assert len(histogram) == len(numbers)


def test_spread_where_most_numbers_are_equal() -> None:
    """70 ones, 20 twos and 10 fives: the MAD is 0; of those that differ the median distance is 1."""
    assert robust_spread(Histogram.of([1, 2, 5], [70, 20, 10])) == (1.0, 1.4826)


def test_spread_of_equal_numbers_is_zero_and_bounds_nothing() -> None:
    same = Histogram.of([3.0], [500])
    assert robust_spread(same) == (3.0, 0.0)
    assert allowed_range(same, OutlierPolicy()) == (None, None)


def test_interquartile_ranges_by_hand() -> None:
    """1 … 100 once each: quartiles 25 and 75, so two ranges of 50 beyond them end at −75 and 175."""
    numbers = Histogram.of(np.arange(1, 101), np.ones(100))
    policy = OutlierPolicy(method="iqr", threshold=2.0, scale="linear", side="both")
    assert allowed_range(numbers, policy) == (-75.0, 175.0)


def test_quantiles_by_hand() -> None:
    numbers = Histogram.of(np.arange(1, 101), np.ones(100))
    policy = OutlierPolicy(method="quantile", quantile=0.95, scale="linear", side="both")
    assert allowed_range(numbers, policy) == (5.0, 95.0)


def test_no_method_no_bound() -> None:
    assert allowed_range(Histogram.of(np.arange(1, 101), np.ones(100)), OutlierPolicy(method="none")) == (None, None)


@given(values, st.sampled_from(["robust_z", "iqr", "quantile"]))
def test_the_middle_is_always_allowed(numbers: list[float], method: str) -> None:
    histogram = Histogram.of(numbers, np.ones(len(numbers)))
    low, high = allowed_range(histogram, OutlierPolicy(method=method, side="both", min_count=1))
    middle = histogram.quantile(0.5)
    assert low is None or low <= middle * (1 + 1e-5)
    assert high is None or high >= middle * (1 - 1e-5)


def test_equal_values_are_added_up() -> None:
    histogram = Histogram.of([2.0, 1.0, 2.0], [3, 4, 5])
    assert histogram.values.tolist() == [1.0, 2.0]
    assert histogram.counts.tolist() == [4, 8]
    assert histogram.mode() == 2.0
    assert histogram.quantile(1 / 3) == pytest.approx(1.0)
