"""Which features are worth keeping, and in what form: a small layer over scikit-learn.

Every choice says why: a `Selection` has the score of each feature and, for each that is dropped, the reason. Choices
are fitted on training users only and applied by name (`matrix.only(selection.names)`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from mien.core.errors import UsageError
from mien.features.transform import filled
from mien.features.vector import FeatureMatrix

Floats = npt.NDArray[np.float64]
Target = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Selection:
    """`names`: kept, best first; `scores`: of every feature looked at; `dropped`: name → reason."""

    names: tuple[str, ...]
    scores: dict[str, float]
    dropped: dict[str, str]


def by_variance(matrix: FeatureMatrix, *, least: float = 1e-12) -> Selection:
    """Keep what differs between users: variance of the known values over their mean square above `least`."""
    known = matrix.values
    size = np.abs(known)
    scale = np.sqrt(_spread(size) + _mean(size) ** 2)
    spread = _spread(known)
    relative = np.divide(spread, scale**2, out=np.zeros_like(spread), where=scale > 0)
    return _ranked(matrix.names, relative, relative > least, "it is the same for all users")


def _mean(values: Floats) -> Floats:
    """Of the known values of each column; 0 where none is known."""
    n = (~np.isnan(values)).sum(axis=0)
    mean: Floats = np.divide(np.nansum(values, axis=0), n, out=np.zeros(values.shape[1]), where=n > 0)
    return mean


def _spread(values: Floats) -> Floats:
    return _mean((values - _mean(values)) ** 2)


def by_information(matrix: FeatureMatrix, target: Target, k: int, *, seed: int = 0) -> Selection:
    """Keep the `k` features with the most mutual information with the target (nats; nearest neighbours estimate).

    `target`: `(n,)` integers are classes, floats a quantity. Source: Kraskov, Stögbauer, Grassberger, 2004, and Ross,
    2014, as scikit-learn has them. Cost: some ms a feature and 1,000 users.
    """
    _check(matrix, target)
    estimate = mutual_info_classif if target.dtype.kind in "iub" else mutual_info_regression
    scores = estimate(filled(matrix).values, target, random_state=seed)
    return _best(matrix.names, scores, k, "others say more about the target")


def by_importance(matrix: FeatureMatrix, target: Target, k: int, *, seed: int = 0, trees: int = 200) -> Selection:
    """Keep the `k` features that extremely randomised trees use most (share of impurity they remove, sums to 1)."""
    _check(matrix, target)
    kind = ExtraTreesClassifier if target.dtype.kind in "iub" else ExtraTreesRegressor
    model = kind(n_estimators=trees, min_samples_leaf=5, random_state=seed)
    scores = model.fit(filled(matrix).values, target).feature_importances_
    return _best(matrix.names, scores, k, "the trees use others more")


def without_redundant(matrix: FeatureMatrix, order: Sequence[str] | None = None, *, limit: float = 0.95) -> Selection:
    """Drop what says the same as a better one: |Spearman correlation| above `limit` with one kept before it.

    `order`: names, best first (of a `Selection`); default: as they stand. Cost: `(features, features)` float64.
    """
    names = list(matrix.names if order is None else order)
    ranks = np.apply_along_axis(_ranks, 0, filled(matrix.only(names)).values)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    alike = np.abs(unit.T @ unit)
    kept: list[int] = []
    dropped: dict[str, str] = {}
    for k, name in enumerate(names):
        same = [other for other in kept if alike[k, other] > limit]
        if same:
            dropped[name] = f"it correlates {alike[k, same[0]]:.3f} with {names[same[0]]}"
        else:
            kept.append(k)
    closest = np.where(np.eye(len(names), dtype=bool), 0.0, alike).max(axis=1, initial=0.0)
    return Selection(tuple(names[k] for k in kept), dict(zip(names, closest.tolist(), strict=True)), dropped)


def _ranks(values: Floats) -> Floats:
    """Ranks from 0 on, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts + 1) / 2)[place]
    return ranks


def _check(matrix: FeatureMatrix, target: Target) -> None:
    if len(target) != len(matrix.users):
        raise UsageError(
            "The target has {n_target} rows, the matrix {n_users}. Give one for each user.",
            n_target=len(target),
            n_users=len(matrix.users),
        )


def _best(names: tuple[str, ...], scores: Floats, k: int, reason: str) -> Selection:
    keep = np.zeros(len(names), dtype=bool)
    keep[np.argsort(-scores, kind="stable")[:k]] = True
    return _ranked(names, scores, keep, reason)


def _ranked(names: tuple[str, ...], scores: Floats, keep: npt.NDArray[np.bool_], reason: str) -> Selection:
    order = np.argsort(-scores, kind="stable").tolist()
    return Selection(
        tuple(names[k] for k in order if keep[k]),
        dict(zip(names, scores.tolist(), strict=True)),
        {names[k]: reason for k in order if not keep[k]},
    )
