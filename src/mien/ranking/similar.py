"""Similar items: chosen by the same people, and alike in what they are. The same answer for everybody."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.item import Facet
from mien.core.query import Answer, Query
from mien.profiles.wording import liking_name
from mien.ranking.answering import check_k, finish_answer
from mien.ranking.blend import Blend, Term
from mien.ranking.diversify import diversity_term
from mien.ranking.rules import allowed
from mien.ranking.shelf import Context
from mien.ranking.terms import popular_term
from mien.ranking.wording import say

POPULAR_SHARE = 0.1
"""How much of its usual weight popularity has here: enough to order equals."""


def similar(item_id: str, query: Query, context: Context) -> Answer:
    """The items most like one, best first; `query` brings k and filters. `UnknownName` for an item nobody knows."""
    began = context.clock()
    check_k(query)
    shelf, row = context.shelf, context.shelf.row(item_id)
    mask = allowed(query.filters, None, context)
    mask[row] = False
    rows = _candidates(row, context)
    rows = rows[mask[rows]]
    terms = (*_likeness_terms(rows, row, context), _faint(popular_term(rows, context)))
    blend = Blend(rows, terms)
    if context.options.same_category_search and len(rows):
        limit = context.options.same_category_search
        blend = blend.with_term(diversity_term(blend, limit, blend.scores, context))
    results = blend.results(blend.order(shelf.popularity)[: query.k], context)
    return finish_answer(query, context, began, results, len(rows), name=f"similar:{item_id}")


def _candidates(row: int, context: Context) -> Rows:
    """Neighbours, the popular items of the same leaf category, and the most popular of all where these are few."""
    shelf, limit = context.shelf, context.options.popular_candidates
    parts = [shelf.by_popularity[:limit]]
    if shelf.neighbours is not None:
        parts.append(shelf.neighbours.neighbours(row)[0])
    if shelf.leaf[row] >= 0:
        parts.append(shelf.in_leaf(int(shelf.leaf[row]), limit))
    return np.unique(np.concatenate(parts)).astype(np.int32)


def _likeness_terms(rows: Rows, row: int, context: Context) -> Iterator[Term]:
    """`neighbour`: likeness by people against the nearest; `alike`: share of the item's facet values in common."""
    shelf, title = context.shelf, context.shelf.catalogue.title[row]
    likeness = np.zeros(len(shelf.catalogue))
    if shelf.neighbours is not None:
        near, how_much = shelf.neighbours.neighbours(row)
        likeness[near[near < len(likeness)]] = how_much[near < len(likeness)]
    reached = likeness[rows]
    best = reached.max(initial=0.0)
    values = context.options.neighbour * (reached / best if best > 0 else reached)
    yield Term("neighbour", values, lambda _: (say(context.language, "shared_buyers", title=title), ()))
    facets = [facet for facet in shelf.yardstick.facets if facet.codes[row] >= 0]
    common = np.array([facet.codes[rows] == facet.codes[row] for facet in facets]).reshape(len(facets), len(rows))
    share: npt.NDArray[np.float64] = common.mean(axis=0) if facets else np.zeros(len(rows))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        shared = [facet for facet, same in zip(facets, common[:, k].tolist(), strict=True) if same]
        return say(context.language, "alike", title=title, shared=_names(shared, row, context)), ()

    yield Term("alike", context.options.neighbour * share, explain)


def _names(facets: list[Facet], row: int, context: Context) -> str:
    """What two items share; of a path the deepest level only."""
    deepest = {facet.name: facet for facet in facets}
    comma = ", " if context.language == "en" else "、"
    return comma.join(
        liking_name(context.language, name, facet.values[int(facet.codes[row])]) for name, facet in deepest.items()
    )


def _faint(term: Term) -> Term:
    return Term(term.kind, term.values * POPULAR_SHARE, term.explain)
