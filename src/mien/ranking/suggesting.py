"""Suggesting: the candidates of a recommendation, scored."""

import numpy as np

from mien.core.ids import Rows
from mien.core.query import Query
from mien.ranking.blend import Blend
from mien.ranking.candidates import gather
from mien.ranking.person import Person
from mien.ranking.rules import Mask, allowed
from mien.ranking.scoring import finished, scored
from mien.ranking.shelf import Context


def recommended(query: Query, person: Person | None, context: Context, also: int = -1) -> Blend:
    """What this person may want, scored; the item `also` in any case."""
    rows = gather(person, context)
    mask = allowed(query.filters, person, context)
    if query.filters:  # the popular ones may all be filtered out: the most popular of those that are not come in
        rows = np.union1d(rows, _first_allowed(mask, context))
    rows = rows[mask[rows]]
    if also >= 0:
        rows = np.union1d(rows, [also])
    plain = scored(rows.astype(np.int32), person, context, ())
    return finished(plain, context.options.same_category, context)


def _first_allowed(mask: Mask, context: Context) -> Rows:
    by_popularity = context.shelf.by_popularity
    return by_popularity[mask[by_popularity]][: context.options.popular_candidates]
