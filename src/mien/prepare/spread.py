"""Robust statistics of a histogram: where the middle of many numbers lies, and how far out is too far."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.prepare.policy import OutlierPolicy

Floats = npt.NDArray[np.float64]

MAD_TO_SIGMA = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distinct `values` `(n,) float64`, ascending, and how often each occurred, `(n,) int64`."""

    values: Floats
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: npt.ArrayLike, counts: npt.ArrayLike) -> "Histogram":
        """A histogram of values in any order; equal values are added up."""
        distinct, place = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
        totals = np.bincount(place, weights=np.asarray(counts, dtype=np.float64), minlength=len(distinct))
        return cls(distinct, totals.astype(np.int64))

    def __len__(self) -> int:
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """The smallest value that at least this share of the numbers does not exceed. Cost: one cumulative sum."""
        upto = np.cumsum(self.counts)
        return float(self.values[min(np.searchsorted(upto, share * upto[-1] - 1e-9), len(upto) - 1)])

    def mode(self) -> float:
        """The most frequent value, the smallest among equals."""
        return float(self.values[np.argmax(self.counts)])

    def only(self, kept: npt.NDArray[np.bool_]) -> "Histogram":
        """The histogram of the values for which `kept` is true."""
        return Histogram(self.values[kept], self.counts[kept])


def robust_spread(numbers: Histogram) -> tuple[float, float]:
    """The median and a robust standard deviation, 0 where all numbers are equal.

    MAD · 1.4826 (Iglewicz and Hoaglin 1993). Where more than half of the numbers are equal (most shoppers buy one
    piece) the MAD is 0 and would call every other number an outlier: it is then taken over those that differ.
    """
    centre = numbers.quantile(0.5)
    distance = Histogram.of(np.abs(numbers.values - centre), numbers.counts)
    spread = distance.quantile(0.5)
    if spread == 0.0:
        differing = distance.only(distance.values > 0)
        spread = differing.quantile(0.5) if len(differing) else 0.0
    return centre, spread * MAD_TO_SIGMA


def allowed_range(numbers: Histogram, policy: OutlierPolicy) -> tuple[float | None, float | None]:
    """The (low, high) that the policy allows; None where there is no such bound, or nothing to fit it on.

    Of 6 significant digits, so that every engine reads the same number from its text.
    """
    if policy.scale == "log":
        numbers = numbers.only(numbers.values > 0)
    if policy.method == "none" or len(numbers) < policy.min_count:
        return None, None
    shown = Histogram(np.log(numbers.values), numbers.counts) if policy.scale == "log" else numbers
    low, high = _range(shown, policy)
    if low == high:
        return None, None
    if policy.scale == "log":
        low, high = float(np.exp(low)), float(np.exp(high))
    return (_exact(low) if policy.side == "both" else None), _exact(high)


def _range(numbers: Histogram, policy: OutlierPolicy) -> tuple[float, float]:
    if policy.method == "quantile":
        return numbers.quantile(1 - policy.quantile), numbers.quantile(policy.quantile)
    if policy.method == "iqr":
        low, high = numbers.quantile(0.25), numbers.quantile(0.75)
        reach = policy.threshold * (high - low)
        return low - reach, high + reach
    centre, spread = robust_spread(numbers)
    return centre - policy.threshold * spread, centre + policy.threshold * spread


def _exact(bound: float) -> float:
    return float(f"{bound:.6g}")
