"""The facets beside results: each value with how many it would leave, and a range of prices."""

from collections.abc import Mapping
from html import escape

from nicegui import ui

from mien.core.item import CATEGORY_SEPARATOR
from mien.core.query import PRICE
from mien.features.prices import PRICE_BAND
from mien.profiles.local import number
from mien.web.look.parts import El, button, drawn
from mien.web.look.visit import Visit
from mien.web.storefront.asked import Search

SHOWN = 8
CATEGORY = "category"
CHOSEN = ' aria-current="true"'


def facets(visit: Visit, search: Search, counts: Mapping[str, Mapping[str, int]]) -> None:
    """One group a facet; on a narrow screen they fold away."""
    fold = El("div.facets-fold")
    button(visit.say("filters"), lambda: fold.classes(toggle="open"), "facets-open", symbol="filter")
    fold.move(target_index=-1)
    with fold:
        for facet, values in counts.items():
            shown = children(values, search.filters.get(CATEGORY, ())) if facet == CATEGORY else dict(values)
            if shown:
                group(visit, search, facet, shown)
        price_range(visit, search)


def children(values: Mapping[str, int], chosen: tuple[str, ...]) -> dict[str, int]:
    """Of a path's values those one step below what is chosen; the topmost ones where nothing is."""
    above = {one.count(CATEGORY_SEPARATOR) + 1 for one in chosen}
    depth = max(above, default=0)

    def fits(value: str) -> bool:
        below = not chosen or any(value.startswith(one + CATEGORY_SEPARATOR) for one in chosen)
        return value.count(CATEGORY_SEPARATOR) == depth and below

    return {value: n for value, n in values.items() if fits(value) or value in chosen}


def group(visit: Visit, search: Search, facet: str, values: Mapping[str, int]) -> None:
    """The values of one facet, most frequent first; bands of price in their own order."""
    name = visit.say(facet) if facet in (CATEGORY, "brand", "colour", PRICE_BAND) else facet
    ordered = sorted(values.items(), key=lambda pair: pair[0] if facet == PRICE_BAND else (-pair[1], pair[0]))
    with El("section.facet", aria_label=name):
        El("h2.facet-name", name)
        drawn("".join(entry(visit, search, facet, *one) for one in ordered[:SHOWN]), "ul")
        if len(ordered) > SHOWN:
            with El("details"):
                El("summary", visit.say("more_n", n=len(ordered) - SHOWN))
                drawn("".join(entry(visit, search, facet, *one) for one in ordered[SHOWN:]), "ul")


def entry(visit: Visit, search: Search, facet: str, value: str, n: int) -> str:
    """One value as markup: a link that takes it in, or leaves it out again. Every text of strangers is escaped."""
    held = value in search.filters.get(facet, ())
    target = escape(search.toggled(facet, value).address(), quote=True)
    return (
        f'<li><a class="facet-value" href="{target}"{CHOSEN if held else ""}>'
        f'<span class="tick{" on" if held else ""}" aria-hidden="true"></span>'
        f'<span class="facet-text">{escape(value_name(visit, facet, value))}</span>'
        f'<span class="note small">{number(n)}</span></a></li>'
    )


def value_name(visit: Visit, facet: str, value: str) -> str:
    """A value for people: the last part of a path, a band as "2 of 5", a range with the money it is in."""
    if facet == PRICE_BAND:
        return visit.say("band_of", value=value)
    if facet.rstrip("!") == PRICE:
        low, _, high = value.partition("..")
        return range_name(visit, low, high) if _is_range(low, high) else value
    return value.rpartition(CATEGORY_SEPARATOR)[2] if facet == CATEGORY else value


def range_name(visit: Visit, low: str, high: str) -> str:
    """A range of prices; an empty end is open."""
    ends = [visit.money(float(end)) if end else "" for end in (low, high)]
    if all(ends):
        return " – ".join(ends)
    return visit.say("price_up_to", price=ends[1]) if ends[1] else visit.say("price_from", price=ends[0] or "…")


def _is_range(low: str, high: str) -> bool:
    return all(not end or end.replace(".", "", 1).isdigit() for end in (low, high))


def price_range(visit: Visit, search: Search) -> None:
    """From and to; an empty end is open."""
    low, _, high = search.filters.get(PRICE, ("..",))[0].partition("..")
    ends = "[e.target.elements.low.value, e.target.elements.high.value]"
    with El("section.facet", aria_label=visit.say("price")):
        El("h2.facet-name", visit.say("price"))
        with El("form.price-range").act(
            "submit.prevent", lambda given: ui.navigate.to(search.priced(*map(str, given)).address()), ends
        ):
            for name, value, label in (("low", low, "from_price"), ("high", high, "to_price")):
                El("input.input", name=name, value=value, inputmode="decimal", aria_label=visit.say(label),
                   placeholder=visit.say(label), size=5, maxlength=10)  # fmt: skip
            El("button.button.small", visit.say("apply"), type="submit")
