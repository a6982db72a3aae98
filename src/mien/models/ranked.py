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

    Ties go by `fallback (n_items,)`, higher first, then by item row. Cost: one partial sort a row.
    """
    n, n_items = scores.shape
    items = np.full((n, k), -1, dtype=np.int32)
    values = np.full((n, k), -np.inf, dtype=np.float32)
    place = np.empty(n_items, dtype=np.int64)
    place[np.lexsort((np.arange(n_items), -fallback))] = np.arange(n_items)
    for row in range(n):
        chosen = _best_of(scores[row], min(k, n_items), place)
        items[row, : len(chosen)] = chosen
        values[row, : len(chosen)] = scores[row, chosen]
    return Ranked(items, values)


def _best_of(scores: Scores, k: int, place: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The items with the k highest scores, ties by `place`, lower first."""
    if k == 0:
        return np.empty(0, dtype=np.int64)
    some = scores[scores > 0]  # far fewer than all of them for most models
    considered = some if len(some) >= k else scores
    bar = np.partition(considered, len(considered) - k)[len(considered) - k]
    above = np.flatnonzero(scores > bar)
    level = np.flatnonzero(scores == bar)
    missing = k - len(above)
    if len(level) > missing:
        level = level[np.argpartition(place[level], missing - 1)[:missing]]
    chosen = np.concatenate([above, level])
    chosen = chosen[scores[chosen] > -np.inf]
    in_order: npt.NDArray[np.int64] = chosen[np.lexsort((place[chosen], -scores[chosen]))]
    return in_order
