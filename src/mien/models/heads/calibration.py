"""Calibration: from a score to a probability that can be believed, learnt on rows that the score has not seen.

Platt: p = σ(a·s + b), two numbers, by the maximum likelihood with Platt's smoothed targets. Isotonic: the
non-decreasing step function of least squares (pool adjacent violators), read with straight lines between the middles
of its steps; a thousandth of Platt's answer keeps apart what a step would call equal, so that ranks stay.

Sources: Platt, Probabilistic Outputs for Support Vector Machines, 1999; Zadrozny and Elkan, KDD 2002.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import expit

from mien.models.artifact import Arrays
from mien.models.heads.probe import newton

Floats = npt.NDArray[np.float64]
Way = Literal["auto", "platt", "isotonic"]
ISOTONIC_LEAST = 1000
"""Fewest rows of the rarer kind from which `auto` takes isotonic: with fewer, its steps follow chance."""
KEPT_APART = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """`slope`, `offset`: Platt's a and b. `steps`: `(2, m)` score and probability of each isotonic step, m 0: none."""

    slope: float
    offset: float
    steps: Floats

    @classmethod
    def fit(cls, scores: Floats, labels: Floats, row_weights: Floats, way: Way = "auto") -> Self:
        """From scores (log-odds) of rows not learnt from, with 0/1 labels of both kinds."""
        positives, negatives = float(labels.sum()), float((1 - labels).sum())
        target = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        # A score that says nothing keeps slope 0 by the slight pull; one that misleads must not turn ranks around.
        offset, slope = newton(scores[:, None], target, row_weights, 1e-6)
        if slope <= 0:
            share = float(np.average(target, weights=row_weights))
            slope, offset = 1e-6, float(np.log(share / (1 - share)))
        rare = min(positives, negatives)
        stepped = way == "isotonic" or (way == "auto" and rare >= ISOTONIC_LEAST)
        steps = _isotonic(scores, labels, row_weights) if stepped else np.empty((2, 0))
        return cls(float(slope), float(offset), steps)

    def probabilities(self, scores: Floats) -> Floats:
        """`(n,)` in (0, 1), rising with the score."""
        smooth: Floats = expit(self.slope * scores + self.offset)
        if not self.steps.shape[1]:
            return smooth
        return np.asarray((1 - KEPT_APART) * np.interp(scores, self.steps[0], self.steps[1]) + KEPT_APART * smooth)

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays, for an artifact."""
        return {"slope": self.slope, "offset": self.offset}, {"calibration_steps": self.steps}

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart."""
        return cls(meta["slope"], meta["offset"], arrays["calibration_steps"])


def _isotonic(scores: Floats, labels: Floats, row_weights: Floats) -> Floats:
    """`(2, m)`: the weighted mean score and the probability of each step."""
    order = np.argsort(scores, kind="stable")
    score, weight = scores[order], np.maximum(row_weights[order], 1e-12)
    starts = isotonic_regression(labels[order].astype(np.float64), weights=weight).blocks[:-1].astype(np.int64)
    total = np.add.reduceat(weight, starts)
    middle = np.add.reduceat(weight * score, starts) / total
    level = np.add.reduceat(weight * labels[order], starts) / total
    return np.stack([middle, level])
