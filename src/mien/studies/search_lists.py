"""Lists of candidates and how good an order of them is; and rankers that are learnt on the lists of other queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.extras import require

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

TREES = {
    "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 60, "max_bin": 63, "feature_fraction": 0.4,
    "lambdarank_truncation_level": 20, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 5.0, "verbose": -1,
    "deterministic": True, "force_row_wise": True,
}  # fmt: skip
"""Of LambdaMART (Burges, 2010) and of the regression, by LightGBM; one set for all files and both tasks."""
ROUNDS = 150
MOST_LEVELS = 31
"""Of labels that LightGBM takes; finer relevances are rounded to as many."""
WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
"""Tried for the meaning in a linear blend."""


@dataclass(frozen=True, eq=False)
class Lists:
    """Candidates of many queries, one query after another. `starts (queries + 1,)`; `rows`, `gains (n,)`;
    `features (n, FEATURES)`.

    `ideal (queries,)`: the discounted gain of the best
    order of all there was to find, `relevant (queries,)`: how many that is.
    """

    starts: Numbers
    rows: npt.NDArray[np.int32]
    gains: Floats
    features: npt.NDArray[np.float32]
    ideal: Floats
    relevant: Numbers

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def query(self) -> Numbers:
        """`(n,)` the list of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def places(self, scores: Floats, seed: int) -> Numbers:
        """`(n,)` place of each candidate in its list, from 0, by falling score; ties at random."""
        draw = np.random.default_rng(seed).random(len(scores))
        order = np.lexsort((draw, -scores, self.query))
        place = np.empty(len(scores), dtype=np.int64)
        place[order] = np.arange(len(scores)) - self.starts[self.query[order]]
        return place

    def ndcg(self, scores: Floats, seed: int, k: int = 10) -> Floats:
        """`(queries,)`, NaN where there is nothing to find. A score of −∞ is not shown."""
        place = self.places(scores, seed)
        shown = (place < k) & np.isfinite(scores)
        worth = np.where(shown, self.gains / np.log2(place + 2.0), 0.0)
        got = np.bincount(self.query, weights=worth, minlength=len(self))
        return _over(got, self.ideal)

    def binary(self) -> "Lists":
        """The same with a gain of 1 for all that is worth anything."""
        ideal = np.array([discounted(np.ones(n)) for n in range(int(self.relevant.max(initial=0)) + 1)])
        gains = (self.gains > 0).astype(np.float64)
        return Lists(self.starts, self.rows, gains, self.features, ideal[self.relevant], self.relevant)

    def recall(self, scores: Floats, seed: int, k: int) -> Floats:
        """`(queries,)`: what was found among the first k of all that was to be found."""
        hit = (self.places(scores, seed) < k) & (self.gains > 0) & np.isfinite(scores)
        got = np.bincount(self.query, weights=hit, minlength=len(self))
        return _over(got, self.relevant)

    def best_of(self, values: npt.NDArray[np.floating]) -> Floats:
        """`(n,)`: the highest value of the list of each candidate."""
        return np.asarray(np.repeat(np.maximum.reduceat(values, self.starts[:-1]), np.diff(self.starts)))

    def least_of(self, values: npt.NDArray[np.floating]) -> Floats:
        return -self.best_of(-values)


def _over(above: npt.NDArray[np.number], below: npt.NDArray[np.number]) -> Floats:
    """`above / below`, NaN where there is nothing below."""
    result: Floats = np.full(len(below), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result


def discounted(gains: npt.NDArray[np.floating], k: int = 10) -> float:
    """Σ gain / log₂(place + 1) of the best order of these gains, first k."""
    best = -np.sort(-np.asarray(gains, dtype=np.float64))[:k]
    return float((best / np.log2(np.arange(2, len(best) + 2))).sum())


def folds_of(n: int, folds: int, seed: int) -> Numbers:
    """`(n,)` the fold of each query: equal sizes, drawn."""
    return np.random.default_rng(seed).permutation(np.arange(n) % folds)


def learned(
    lists: Lists, fold: Numbers, *, seed: int, threads: int, negatives: float = 1.0, ensemble: int = 1
) -> Floats:
    """`(n,)` scores of trees: each list by trees grown on the lists of the other folds.

    LambdaMART, which learns orders, and a regression on the gain, which learns values: the sum of both, each over its
    spread. `negatives`: share of candidates without gain that are learnt from; `ensemble`: pairs of models of other
    seeds, summed. Lists of the fold −1 are only learnt from; lists of a fold take no part in anything that scores it.
    Needs LightGBM (`MissingExtra`).
    """
    steps, level = _levels(lists.gains)
    own = fold[lists.query]
    kept = (lists.gains > 0) | (np.random.default_rng(seed).random(len(own)) < negatives)
    scores = np.full(len(own), np.nan)
    for one in sorted(set(fold.tolist()) - {-1}):
        train, test = np.flatnonzero((own != one) & kept), np.flatnonzero(own == one)
        group = np.unique(lists.query[train], return_counts=True)[1]
        told = {"label_gain": steps.tolist(), "num_threads": threads}
        total = np.zeros(len(test))
        for k in range(ensemble):
            for kind, label in (("lambdarank", level), ("regression", lists.gains)):
                settings = {**TREES, **told, "objective": kind, "seed": seed + 101 * k}
                total += _trained(settings, lists.features, label, train, test, group)
        scores[test] = total
    return scores


def _trained(
    settings: dict[str, Any],
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.number],
    train: Numbers,
    test: Numbers,
    group: Numbers,
) -> Floats:
    """`(len(test),)` what trees grown on `train` say of `test`, in spreads of what they say of it."""
    lightgbm = require("models", "lightgbm")
    data = lightgbm.Dataset(features[train], label=label[train], group=group)
    model = lightgbm.train(settings, data, ROUNDS)
    said = np.asarray(model.predict(features[test], num_threads=settings["num_threads"]), dtype=np.float64)
    return said / max(float(said.std()), 1e-9)


def _levels(gains: Floats) -> tuple[Floats, Numbers]:
    """The different gains, and the place of each among them; more than LightGBM takes are rounded up."""
    steps, level = np.unique(np.round(gains, 6), return_inverse=True)
    if len(steps) <= MOST_LEVELS:
        return steps, level
    edges = np.quantile(steps, np.linspace(0, 1, MOST_LEVELS))
    return edges, np.searchsorted(edges, gains - 1e-9, "left").clip(0, MOST_LEVELS - 1)


def tuned(lists: Lists, fold: Numbers, words: Floats, meaning: Floats, seed: int) -> tuple[Floats, list[float]]:
    """`(n,)` words + w · meaning, w the best of `WEIGHTS` on the lists of the other folds; and the w of each fold."""
    by_weight = np.stack([lists.ndcg(words + weight * meaning, seed) for weight in WEIGHTS])
    scores, chosen = np.full(len(words), np.nan), []
    for one in sorted(set(fold.tolist()) - {-1}):
        weight = WEIGHTS[int(np.nanmean(by_weight[:, fold != one], axis=1).argmax())]
        mine = fold[lists.query] == one
        scores[mine] = (words + weight * meaning)[mine]
        chosen.append(weight)
    return scores, chosen


def joined(parts: Sequence[Lists]) -> Lists:
    """Several as one."""
    sizes = np.concatenate([np.diff(part.starts) for part in parts])
    return Lists(
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.gains for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.ideal for part in parts]),
        np.concatenate([part.relevant for part in parts]),
    )
