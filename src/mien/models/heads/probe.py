"""The probe: L2 logistic regression on standardised columns; what a vector knows without any tree's help.

    argmin_(b, w) Σ s_n log(1 + exp(−(2y_n − 1)(b + z_n·w))) + ½ λ ‖w‖²,   z = (g(x) − mean) / deviation,

g(x) = sign(x)·log(1 + |x|) for columns with long tails (counts, money), g(x) = x else; an unknown x is z = 0.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from mien.models.artifact import Arrays

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]
NEWTON_STEPS = 30
"""Far more than the convex loss needs; it stops when no weight moves by more than `STILL`."""
STILL = 1e-6
HALVINGS = 20
"""How often a step that makes the loss worse is halved."""
TAIL = 5.0
"""A column whose largest value lies that many deviations from its mean has a long tail."""
REACH = 6.0
"""Standardised values are held to ±this: one outlier must not decide for all."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """`mean`, `deviation`, `weights (d,) float64`, `tailed (d,) bool`, `bias`: all there is to it."""

    mean: Floats
    deviation: Floats
    tailed: npt.NDArray[np.bool_]
    weights: Floats
    bias: float

    @classmethod
    def fit(cls, values: Numbers, labels: Floats, row_weights: Floats, *, penalty: float) -> Self:
        """From `(n, d)` values (NaN: unknown) and 0/1 labels of both kinds. Cost: some passes of n·d² operations."""
        tailed = _tailed(_drawn_in(values, np.zeros(values.shape[1], dtype=np.bool_)))
        values = _drawn_in(values, tailed)
        mean, deviation = _moments(values)
        scaled = _scaled(values, mean, deviation)
        theta = newton(scaled, labels, row_weights, penalty)
        return cls(mean, deviation, tailed, theta[1:], float(theta[0]))

    def scores(self, values: Numbers) -> Floats:
        """`(n,)` log-odds."""
        return np.asarray(self.standardised(values) @ self.weights + self.bias)

    def contributions(self, values: Numbers) -> Floats:
        """`(n, d + 1)`: weight × standardised value of each column, the bias last; rows sum to the score."""
        parts = self.standardised(values) * self.weights
        return np.column_stack([parts, np.full(len(values), self.bias)])

    def standardised(self, values: Numbers) -> Floats:
        """`(n, d)`: z as above, unknown 0."""
        return _scaled(_drawn_in(values, self.tailed), self.mean, self.deviation)

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays, for an artifact."""
        arrays = {
            "probe_mean": self.mean,
            "probe_deviation": self.deviation,
            "probe_tailed": self.tailed,
            "probe_weights": self.weights,
        }
        return {"bias": self.bias}, arrays

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart."""
        mean, deviation, tailed = (arrays[f"probe_{name}"] for name in ("mean", "deviation", "tailed"))
        return cls(mean, deviation, tailed, arrays["probe_weights"], meta["bias"])


def newton(x: Floats, y: Floats, row_weights: Floats, penalty: float) -> Floats:
    """`(d + 1,)` bias and weights at the minimum, by Newton's steps; the bias is not penalised."""
    design = np.column_stack([np.ones(len(x)), x])
    pull = penalty * np.diag([0.0, *np.ones(x.shape[1])])
    theta = np.zeros(design.shape[1])
    share = float(np.clip(np.average(y, weights=row_weights), 1e-9, 1 - 1e-9))
    theta[0] = np.log(share / (1.0 - share))
    loss = _loss(design, y, row_weights, pull, theta)
    for _ in range(NEWTON_STEPS):
        likely = expit(design @ theta)
        slope = design.T @ (row_weights * (likely - y)) + pull @ theta
        curve = (design.T * (row_weights * likely * (1.0 - likely))) @ design + pull
        # The small ridge keeps the step finite where the labels are perfectly told apart by the bias alone.
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(theta)), slope)
        for _ in range(HALVINGS):  # a whole step may overshoot where one label is rare
            after = _loss(design, y, row_weights, pull, theta - step)
            if after <= loss:
                break
            step /= 2.0
        theta, loss = theta - step, after
        if np.abs(step).max() < STILL:
            break
    return theta


def _loss(design: Floats, y: Floats, row_weights: Floats, pull: Floats, theta: Floats) -> float:
    score = design @ theta
    return float(row_weights @ (np.logaddexp(0.0, score) - y * score) + theta @ pull @ theta / 2.0)


def _tailed(values: Numbers) -> npt.NDArray[np.bool_]:
    mean, deviation = _moments(values)
    far = np.where(np.isnan(values), 0.0, np.abs(values - mean)).max(axis=0, initial=0.0)
    return np.asarray(far > TAIL * deviation)


def _drawn_in(values: Numbers, tailed: npt.NDArray[np.bool_]) -> Floats:
    drawn = np.array(values, dtype=np.float64)
    drawn[np.isinf(drawn)] = np.nan
    drawn[:, tailed] = np.sign(drawn[:, tailed]) * np.log1p(np.abs(drawn[:, tailed]))
    return drawn


def _moments(values: Numbers) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the known values of each column; 0 and 1 where there is nothing to tell."""
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / n
    spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / n)
    return mean, np.where(spread > 1e-12, spread, 1.0)


def _scaled(values: Numbers, mean: Floats, deviation: Floats) -> Floats:
    scaled = np.clip((values - mean) / deviation, -REACH, REACH)
    return np.where(np.isnan(scaled), 0.0, scaled)
