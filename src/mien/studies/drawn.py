"""How sure a macro AUROC is: the same users drawn again for every model, so that differences are paired."""

import numpy as np
import numpy.typing as npt

from mien.studies.metrics import Interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def drawn_again(n: int, *, seed: int, rounds: int) -> npt.NDArray[np.float32]:
    """`(rounds, n)`: how often each of n users is drawn, with replacement, in each round."""
    random = np.random.default_rng(seed)
    return np.stack([np.bincount(random.integers(0, n, n), minlength=n) for _ in range(rounds)]).astype(np.float32)


def macro_aurocs(scores: npt.NDArray[np.floating], labels: Bools, draws: npt.NDArray[np.float32]) -> Floats:
    """`(rounds,)`: the macro AUROC of `(n, columns)` scores in each round of draws; a tie counts half.

    A column without both kinds in a round is left out of that round's mean. Cost: rounds · n · columns.
    """
    columns = [_column(scores[:, k], labels[:, k], draws) for k in range(labels.shape[1])]
    told = np.array(columns)
    known = ~np.isnan(told)
    return np.asarray(np.where(known, told, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def interval(mean: float, rounds: Floats) -> Interval:
    """The mean with the 2.5 and 97.5 percentiles of the rounds."""
    low, high = np.percentile(rounds, [2.5, 97.5])
    return Interval(mean, float(low), float(high))


def _column(score: npt.NDArray[np.floating], label: Bools, draws: npt.NDArray[np.float32]) -> Floats:
    order = np.argsort(score, kind="stable")
    ordered, positive, times = score[order], label[order], draws[:, order]
    no = np.zeros((len(draws), len(order) + 1))
    np.cumsum(times * ~positive, axis=1, out=no[:, 1:])
    mine = ordered[positive]
    below, upto = np.searchsorted(ordered, mine, "left"), np.searchsorted(ordered, mine, "right")
    drawn = times[:, positive]
    wins = (drawn * (no[:, below] + no[:, upto])).sum(axis=1) / 2.0
    pairs = drawn.sum(axis=1) * no[:, -1]
    result: Floats = np.divide(wins, pairs, out=np.full(len(draws), np.nan), where=pairs > 0)
    return result
