"""Rules: which items may be shown, and how the matches are spread over the facets."""

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName
from mien.core.ids import Rows
from mien.core.item import Facet
from mien.core.phrase import Phrase
from mien.core.query import NOT, PRICE, Query
from mien.ranking.kind import Again
from mien.ranking.limits import Limit
from mien.ranking.person import Person
from mien.ranking.shelf import Context
from mien.ranking.shopkeeping import hidden

Mask = npt.NDArray[np.bool_]


def allowed(query: Query, person: Person | None, context: Context, bought_again: Again = True) -> Mask:
    """`(n_items,)`, not to be written to: available, of the values asked for, not hidden, and, where nothing is bought
    twice, not bought yet.

    Within a facet any of the values will do, between facets all must hold. `price` takes ranges ("10..50"; an item
    without a price is in none), `brand!` what an item must not be. Raises `UnknownName` for a facet or a value that no
    item has, with the nearest ones, `UsageError` for a range that is none.
    """
    mask = context.shelf.showable
    if context.rules:
        mask = mask & ~hidden(query, context)
    for name, values in query.filters.items():
        held = having(name.removesuffix(NOT), values, context)
        mask = mask & (~held if name.endswith(NOT) else held)
    return without(person.bought.item, mask) if person is not None and bought_again is False else mask


def without(rows: Rows, mask: Mask) -> Mask:
    """The mask without some items."""
    if len(rows):
        mask = mask.copy()
        mask[rows] = False
    return mask


def within(limit: Limit, context: Context) -> Mask:
    """`(n_items,)`: whether the price is known and inside."""
    price = context.shelf.catalogue.price
    return (price >= limit.low) & (price <= limit.high)


def having(name: str, values: tuple[str, ...], context: Context) -> Mask:
    """`(n_items,)`: of any of these values of a facet, or in any of these ranges of the price."""
    mask = np.zeros(len(context.shelf.catalogue), dtype=np.bool_)
    if name == PRICE:
        for value in values:
            mask |= within(Limit.read(value), context)
        return mask
    levels = [facet for facet in context.shelf.yardstick.facets if facet.name == name]
    if not levels:
        raise UnknownName("facet", name, (*context.shelf.yardstick.facet_names, PRICE))
    for value in values:
        found = [(facet, facet.values.index(value)) for facet in levels if value in facet.values]
        if not found:
            raise UnknownName(
                Phrase("value of {name}", name=name), value, [known for facet in levels for known in facet.values]
            )
        for facet, code in found:
            mask |= facet.codes == code
    return mask


def count_facets(rows: Rows, context: Context) -> dict[str, dict[str, int]]:
    """Facet → value → how many of `rows`, most frequent first; the levels of a path in one list.

    Cost: 10 µs a facet, and 10 µs for 1,000 rows.
    """
    counts: dict[str, list[tuple[int, str]]] = {}
    limit = context.options.facet_values
    for facet in context.shelf.yardstick.facets:
        counts.setdefault(facet.name, []).extend(_count(facet, rows, limit))
    return {
        name: {value: n for n, value in sorted(found, key=lambda pair: (-pair[0], pair[1]))[:limit]}
        for name, found in counts.items()
        if found
    }


def _count(facet: Facet, rows: Rows, limit: int) -> list[tuple[int, str]]:
    """The most frequent values, ties by value (their codes are in that order)."""
    codes = facet.codes[rows]
    counts = np.bincount(codes[codes >= 0])
    held = np.flatnonzero(counts)
    first = held[np.argsort(-counts[held], kind="stable")[:limit]]
    return [(n, facet.values[code]) for n, code in zip(counts[first].tolist(), first.tolist(), strict=True)]
