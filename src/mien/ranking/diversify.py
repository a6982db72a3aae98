"""Diversity: not everything from one shelf."""

import numpy as np
import numpy.typing as npt

from mien.ranking.blend import Blend, Term
from mien.ranking.shelf import Context
from mien.ranking.wording import say

MARGIN = 0.01
"""Keeps the best item held back below the worst that is not."""


def diversity_term(blend: Blend, limit: int, span: npt.NDArray[np.float64], context: Context) -> Term:
    """Below the first `limit` of a leaf category, its further items move below all that is not held back.

    `span (n,)`: scores without tiers; their spread is what an item moves down by, so the order within a category
    and the tiers stay as they are, and a shop of one category loses nothing. Items without a category are free.
    """
    shelf = context.shelf
    leaves = shelf.leaf[blend.rows]
    place = _place_in_group(leaves, blend.order(shelf.popularity))
    held_back = (leaves >= 0) & (place >= limit)
    step = float(span.max() - span.min()) + MARGIN if len(span) else 0.0

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        category = shelf.catalogue.category[int(blend.rows[k])]
        return say(context.language, "diversity", n=int(place[k]), category=category), ()

    return Term("diversity", np.where(held_back, -step, 0.0), explain)


def _place_in_group(groups: npt.NDArray[np.int32], order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many of the same group come before each position, in `order`."""
    by_group = order[np.argsort(groups[order], kind="stable")]
    sorted_groups = groups[by_group]
    starts = np.searchsorted(sorted_groups, sorted_groups)
    place = np.empty(len(groups), dtype=np.int64)
    place[by_group] = np.arange(len(groups)) - starts
    return place
