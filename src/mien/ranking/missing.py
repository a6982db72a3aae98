"""Missing: why an item is not among those shown, all that holds, the plainest first."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mien.core.query import NOT, PRICE, Absent, Query
from mien.profiles.wording import liking_name
from mien.ranking.answering import asker
from mien.ranking.blend import Blend
from mien.ranking.kind import Again
from mien.ranking.limits import written
from mien.ranking.rules import having
from mien.ranking.shelf import Context
from mien.ranking.shopkeeping import holding, rule_text, touched
from mien.ranking.understanding import without_price
from mien.ranking.wording import ordinal, say


@dataclass(frozen=True, slots=True)
class Place:
    """Where the item stands: `rank` among all candidates, `level` the rank if nothing were moved apart.

    `again`: whether what was bought is shown; `sources`: those that do not bring it, None where one does, none where a
    search does not find it.
    """

    row: int
    rank: int
    level: int
    again: Again
    sources: tuple[str, ...] | None


def absences(query: Query, place: Place, blend: Blend, k: int, context: Context) -> Iterator[Absent]:
    """Why the item at `place`, candidate `k` of `blend`, is not among the first `query.k`; nothing where it is."""
    barred = list(_barred(query, place, context))
    yield from barred
    if place.sources or not barred:  # what is barred is not found, and that is no further reason
        yield from _not_brought(place, context)
    if place.rank > query.k:
        yield from _below(query, place, blend, k, context)


def _barred(query: Query, place: Place, context: Context) -> Iterator[Absent]:
    """What keeps it out whatever its score."""
    language, shelf, row = context.language, context.shelf, place.row
    if not shelf.catalogue.available[row]:
        yield Absent("sold_out", say(language, "sold_out"))
    for name, values in _asked_for(query, context).items():
        facet = name.removesuffix(NOT)
        if having(facet, values, context)[row] == name.endswith(NOT):
            facts = {"own": _own(facet, row, context), "asked": " / ".join(values)}
            yield Absent("filter", say(language, "excluded" if facet != name else "filtered", facet=facet, **facts))
    for rule in holding(query, context, "hide"):
        if touched(rule, context)[row]:
            yield Absent("rule", rule_text(rule, context))
    person = asker(query, context)
    if place.again is False and person is not None and row in person.bought.item:
        yield Absent("bought", say(language, "bought_never"))
    if row in shelf.rows_of(query.cart):
        yield Absent("cart", say(language, "in_cart"))


def _asked_for(query: Query, context: Context) -> Mapping[str, tuple[str, ...]]:
    """The filters, and the price limit that was read out of the text."""
    limit = without_price(query, context.search.understand and context.shelf.priced).limit
    return query.filters if limit is None else {**query.filters, PRICE: (limit.written(),)}


def _own(name: str, row: int, context: Context) -> str:
    """The item's own value of a facet, the deepest of a path; or its price."""
    if name == PRICE:
        price = float(context.shelf.catalogue.price[row])
        return "–" if math.isnan(price) else written(price)
    held = [one for one in context.shelf.yardstick.facets if one.name == name and one.codes[row] >= 0]
    if not held:
        return "–"
    return liking_name(context.language, name, held[-1].values[int(held[-1].codes[row])])


def _not_brought(place: Place, context: Context) -> Iterator[Absent]:
    """That no source of candidates brings it, and how near the popular ones came to it."""
    if place.sources is None or not context.shelf.showable[place.row]:
        return
    if not place.sources:
        yield Absent("candidate", say(context.language, "not_found"))
        return
    comma = ", " if context.language == "en" else "、"
    names = comma.join(say(context.language, f"source_{name}") for name in place.sources)
    text = say(context.language, "no_candidate", sources=names)
    if "popular" in place.sources:
        facts = {"rank": context.shelf.popular_rank(place.row), "limit": context.options.popular_candidates}
        text += say(context.language, "nearly_popular", **facts)
    yield Absent("candidate", text)


def _below(query: Query, place: Place, blend: Blend, k: int, context: Context) -> Iterator[Absent]:
    """What moved it down out of those shown, and its place."""
    language = context.language
    for term in blend.terms:
        if term.kind in ("diversity", "cap", "bought") and term.values[k] < 0:
            kind = "bought" if term.kind == "bought" else "moved"
            if kind == "bought" or place.level <= query.k:
                yield Absent(kind, term.explain(k)[0])
    facts = {"place": ordinal(language, place.rank), "total": len(blend.rows), "k": query.k}
    yield Absent("place", say(language, "below", **facts))
