"""Rules: which items may be shown, and how the matches are spread over the facets."""

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName
from mien.core.ids import Rows
from mien.core.item import Facet
from mien.core.query import Query
from mien.ranking.kind import Again
from mien.ranking.person import Person
from mien.ranking.shelf import Context
from mien.ranking.shopkeeping import hidden

Mask = npt.NDArray[np.bool_]


def allowed(query: Query, person: Person | None, context: Context, bought_again: Again = True) -> Mask:
    """`(n_items,)`: available, of the values asked for, not hidden, and, where nothing is bought twice, not bought yet.

    Within a facet any of the values will do, between facets all must hold. Raises `UnknownName` for a facet or a
    value that no item has, with the nearest ones.
    """
    mask = context.shelf.showable.copy()
    if context.rules:
        mask &= ~hidden(query, context)
    for name, values in query.filters.items():
        mask &= having(name, values, context)
    if person is not None and bought_again is False:
        mask[person.bought.item] = False
    return mask


def having(name: str, values: tuple[str, ...], context: Context) -> Mask:
    """`(n_items,)`: of any of these values of a facet."""
    levels = [facet for facet in context.shelf.yardstick.facets if facet.name == name]
    if not levels:
        raise UnknownName("facet", name, context.shelf.yardstick.facet_names)
    mask = np.zeros(len(context.shelf.catalogue), dtype=np.bool_)
    for value in values:
        found = [(facet, facet.values.index(value)) for facet in levels if value in facet.values]
        if not found:
            raise UnknownName(f"value of {name}", value, [known for facet in levels for known in facet.values])
        for facet, code in found:
            mask |= facet.codes == code
    return mask


def count_facets(rows: Rows, context: Context) -> dict[str, dict[str, int]]:
    """Facet → value → how many of `rows`, most frequent first; the levels of a path in one list. Cost: ~1 ms."""
    counts: dict[str, list[tuple[int, str]]] = {}
    for facet in context.shelf.yardstick.facets:
        counts.setdefault(facet.name, []).extend(_count(facet, rows))
    limit = context.options.facet_values
    return {
        name: {value: n for n, value in sorted(found, key=lambda pair: (-pair[0], pair[1]))[:limit]}
        for name, found in counts.items()
        if found
    }


def _count(facet: Facet, rows: Rows) -> list[tuple[int, str]]:
    codes = facet.codes[rows]
    value, n = np.unique(codes[codes >= 0], return_counts=True)
    return [(int(count), facet.values[int(code)]) for code, count in zip(value, n, strict=True)]
