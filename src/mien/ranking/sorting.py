"""Sorting and paging: which of the scored items are shown, in which order."""

import numpy as np
import numpy.typing as npt

from mien.core.query import SORTS, Query, Result
from mien.ranking.blend import Blend
from mien.ranking.lexical import Tier
from mien.ranking.shelf import Context

Floats = npt.NDArray[np.float64]


def page(query: Query, blend: Blend, context: Context, tiers: npt.NDArray[np.int8] | None = None) -> tuple[Result, ...]:
    """The results from `query.offset` on, `query.k` of them, in the order asked for.

    By relevance that is the score. By anything else items with all that was searched for still come first (`tiers`),
    since the cheapest of all is rarely what was looked for; what is unknown of an item puts it last, ties are broken
    by score. Scores and reasons are those of relevance whatever the order.
    """
    if not query.k:
        return ()
    if query.sort == SORTS[0]:
        order = blend.order(context.shelf.place, query.offset + query.k)
    else:
        lower = np.zeros(len(blend.rows)) if tiers is None else np.maximum(Tier.ALL_WORDS - tiers.astype(np.int64), 0)
        key = _keys(query.sort, context)[blend.rows]
        order = np.lexsort((blend.rows, -blend.scores, key, lower))
    return blend.results(order[query.offset : query.offset + query.k], context, first_rank=query.offset + 1)


def _keys(sort: str, context: Context) -> Floats:
    """`(n_items,)` ascending: what is shown first is lowest."""
    shelf = context.shelf
    if sort == "newest":  # of one time, what became known last
        return -(np.argsort(np.argsort(shelf.catalogue.since_us, kind="stable"))).astype(np.float64)
    by = {
        "price_up": shelf.catalogue.price,
        "price_down": -shelf.catalogue.price,
        "popular": -shelf.popularity,
        "rating": -shelf.rating,
    }[sort]
    return np.where(np.isnan(by), np.inf, by)
