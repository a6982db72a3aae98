"""Measures of quality, vectorised: ranked lists, probabilities, and how sure a mean of them is.

A ranked list is a row of `hits (n, k)`: the gain of the item at each place, 0 for a miss (1 for a hit where gains are
binary). `relevant (n,)` counts what there was to find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.errors import UsageError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.number]
Bools = npt.NDArray[np.bool_]


def hit_matrix(
    items: npt.NDArray[np.integer], users: npt.NDArray[np.integer], truth: npt.NDArray[np.integer]
) -> Floats:
    """`(n, k)`: 1 where `items[row]` holds something of that row's truth.

    `users`, `truth`: one entry a relevant item, the row it belongs to and the item. Item −1 (nothing shown) is a miss.
    """
    width = int(max(items.max(initial=0), truth.max(initial=0))) + 1
    wanted = np.unique(users.astype(np.int64) * width + truth)
    shown = np.arange(len(items))[:, None] * width + items
    return (np.isin(shown, wanted) & (items >= 0)).astype(np.float64)


def recall_at(hits: Floats, relevant: Numbers, k: int = 10) -> Floats:
    """`(n,)`: what of the relevant was among the first k, over all of it; NaN where nothing was relevant."""
    return _ratio((hits[:, :k] > 0).sum(axis=1), relevant)


def precision_at(hits: Floats, k: int = 10) -> Floats:
    """`(n,)`: share of the first k that was relevant; a list shorter than k counts as filled up with misses."""
    return np.asarray((hits[:, :k] > 0).sum(axis=1) / k)


def f1_at(hits: Floats, relevant: Numbers, k: int = 10) -> Floats:
    """`(n,)`: harmonic mean of precision and recall at k; 0 without a hit."""
    found = (hits[:, :k] > 0).sum(axis=1)
    return _ratio(2.0 * found, relevant + k)


def ndcg_at(hits: Floats, relevant: Numbers, k: int = 10) -> Floats:
    """`(n,)`, binary gains: Σ hit/log₂(place + 1), over that of a list which begins with all that is relevant."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    got = hits[:, :k] @ discount[: hits.shape[1]]
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k).astype(np.int64)]
    return _ratio(got, ideal)


def graded_ndcg_at(gains: Floats, all_gains: Floats, k: int = 10) -> Floats:
    """`(n,)`, graded: Σ gain/log₂(place + 1) over that of the best order.

    `gains (n, ≥k)` in the order shown, `all_gains (n, m)` of everything there was, any order; gains as given (pass
    2^grade − 1 for the exponential form).
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    got, best = gains[:, :k], -np.sort(-all_gains, axis=1)[:, :k]
    return _ratio(got @ discount[: got.shape[1]], best @ discount[: best.shape[1]])


def mrr_at(hits: Floats, k: int = 10) -> Floats:
    """`(n,)`: 1 over the place of the first hit among the first k, 0 without one."""
    found = hits[:, :k] > 0
    return np.where(found.any(axis=1), 1.0 / (found.argmax(axis=1) + 1), 0.0)


def rank_of(scores: Numbers, target: npt.NDArray[np.integer], *, pessimistic: bool = True) -> npt.NDArray[np.int64]:
    """`(n,)` place (from 1) of item `target[row]` in `scores (n, m)`.

    Ties: pessimistic, all equals stand before it; otherwise in the middle of them, rounded down.
    """
    own = np.take_along_axis(scores, target[:, None], axis=1)
    above = (scores > own).sum(axis=1)
    equal = (scores == own).sum(axis=1) - 1
    return np.asarray(above + (equal if pessimistic else equal // 2) + 1, dtype=np.int64)


def coverage(items: npt.NDArray[np.integer], n_items: int) -> float:
    """Share of the items on sale that were shown to anybody."""
    return len(np.unique(items[items >= 0])) / n_items if n_items else 0.0


def novelty(items: npt.NDArray[np.integer], counts: Numbers) -> float:
    """Mean surprise of what was shown, in bits: −log₂((count + 1) / (N + items)), count: acts on it before."""
    shown = items[items >= 0]
    if not len(shown):
        return 0.0
    share = (counts[shown] + 1.0) / (counts.sum() + len(counts))
    return float(-np.log2(share).mean())


def mean_ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 1 on, equals sharing the mean of theirs. Cost: one sort."""
    ordered = np.sort(values)
    below, upto = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((below + upto + 1) / 2.0)


def auroc(scores: Numbers, labels: Bools) -> Floats:
    """`(columns,)`: probability that a positive row outscores a negative one, a tie counting half; NaN where a column
    has only one kind. `scores`, `labels`: `(n, columns)`. The macro AUROC is its `nanmean`. Cost: a sort a column.
    """
    positives = labels.sum(axis=0).astype(np.float64)
    negatives = len(labels) - positives
    ranks = np.apply_along_axis(mean_ranks, 0, np.asarray(scores, dtype=np.float64))
    wins = (ranks * labels).sum(axis=0) - positives * (positives + 1) / 2
    return _ratio(wins, positives * negatives)


def brier(probabilities: Floats, labels: Bools) -> float:
    """Mean squared distance of the probability to what happened: 0 is perfect, 0.25 what saying 0.5 earns."""
    return float(np.mean((probabilities - labels) ** 2))


def ece(probabilities: Floats, labels: Bools, bins: int = 10) -> float:
    """Expected calibration error: mean |said − happened| over `bins` of equal width, weighed by their size."""
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    said = np.bincount(place, weights=probabilities, minlength=bins)
    happened = np.bincount(place, weights=labels.astype(np.float64), minlength=bins)
    return float(np.abs(said - happened).sum() / len(probabilities)) if len(probabilities) else 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """JSON-ready, 6 digits; None where there was nothing to measure."""
        numbers = {"mean": self.mean, "low": self.low, "high": self.high}
        return {name: None if np.isnan(x) else round(x, 6) for name, x in numbers.items()}


def bootstrap_mean(values: Numbers, *, seed: int = 0, rounds: int = 1000) -> Interval:
    """The mean over users and the 2.5 and 97.5 percentiles of means over users drawn again; NaN entries stay out."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Interval(np.nan, np.nan, np.nan)
    means = np.concatenate([known[draw].mean(axis=1) for draw in draws(len(known), seed, rounds)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(known.mean()), float(low), float(high))


def paired_difference(ours: Numbers, theirs: Numbers, *, seed: int = 0, rounds: int = 1000) -> Interval:
    """Mean of ours − theirs over the same users, with its interval: a claim counts when `low` is above 0."""
    if len(ours) != len(theirs):
        raise UsageError(
            "A paired difference needs the same users: {n_ours} values against {n_theirs}.",
            n_ours=len(ours),
            n_theirs=len(theirs),
        )
    return bootstrap_mean(np.asarray(ours, dtype=np.float64) - theirs, seed=seed, rounds=rounds)


def draws(n: int, seed: int, rounds: int) -> Iterator[npt.NDArray[np.int64]]:
    """`rounds` samples of n rows with replacement, in blocks that stay small; the same for equal seeds."""
    random = np.random.default_rng(seed)
    step = max(1, 2_000_000 // max(n, 1))
    return (random.integers(0, n, (min(step, rounds - start), n)) for start in range(0, rounds, step))


def _ratio(above: Numbers, below: Numbers) -> Floats:
    """`above / below`, NaN where there is nothing below."""
    below = np.asarray(below, dtype=np.float64)
    result: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result
