"""Ranked items, and the choice of the k best with ties broken the same way every time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranked:
    """The best items of each user: `items (n, k) int32`, best first, −1 where none is left; `scores (n, k) float32`,
    −inf there."""

    items: Rows
    scores: Scores

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def stack(cls, parts: Sequence["Ranked"], k: int) -> "Ranked":
        """The users of all parts, in their order."""
        if not parts:
            return cls(np.empty((0, k), np.int32), np.empty((0, k), np.float32))
        return cls(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))


def best(scores: Scores, k: int, fallback: npt.NDArray[np.float64]) -> Ranked:
    """The k highest of each row of `scores (n, n_items)`; −inf is never chosen.

    Ties go by `fallback (n_items,)`, higher first, then by item row. Cost: two passes over each row, and a sort of the
    few that are left.
    """
    n, n_items = scores.shape
    items = np.full((n, k), -1, dtype=np.int32)
    values = np.full((n, k), -np.inf, dtype=np.float32)
    place = np.empty(n_items, dtype=np.int64)
    place[np.lexsort((np.arange(n_items), -fallback))] = np.arange(n_items)
    wanted = min(k, n_items)
    if wanted:
        bounds = _lower_bounds(scores, wanted)
        for row in range(n):
            chosen = _best_of(scores[row], wanted, bounds[row], place)
            items[row, : len(chosen)] = chosen
            values[row, : len(chosen)] = scores[row, chosen]
    return Ranked(items, values)


def _lower_bounds(scores: Scores, k: int, groups: int = 64) -> Scores:
    """`(n,)`: at least k scores of each row are not below it: the k-th highest of the maxima of disjoint groups."""
    width = scores.shape[1] // groups
    if width < k:
        return np.full(len(scores), -np.inf, dtype=np.float32)
    maxima = scores[:, : width * groups].reshape(len(scores), groups, width).max(axis=1)
    bounds: Scores = np.partition(maxima, width - k, axis=1)[:, width - k]
    return bounds


def _best_of(scores: Scores, k: int, bound: np.float32, place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The items with the k highest scores, ties by `place`, lower first; none of them is below `bound`."""
    near = np.flatnonzero(scores >= bound)
    bar = np.partition(scores[near], len(near) - k)[len(near) - k]
    above, level = near[scores[near] > bar], near[scores[near] == bar]
    missing = k - len(above)
    if len(level) > missing:
        level = level[np.argpartition(place[level], missing - 1)[:missing]]
    chosen = np.concatenate([above, level])
    chosen = chosen[scores[chosen] > -np.inf]
    in_order: npt.NDArray[np.int64] = chosen[np.lexsort((place[chosen], -scores[chosen]))]
    return in_order
