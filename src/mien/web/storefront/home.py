"""The first page: what the shop offers to this shopper, in rows of their own kinds."""

import asyncio
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from mien.core.query import Answer
from mien.web.look.parts import El, link
from mien.web.storefront.cards import grid, heading
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked

ROWS = (("for-you", 12), ("buy-again", 8), ("trending", 8), ("new-arrivals", 8))
"""Kinds of recommendation, and how many of each."""
OWN = ("buy-again",)
"""Kinds that need somebody who is known."""
SHELVES = 12


async def home(shopping: Shopping, _: QueryParams) -> None:
    """Rows of recommendations."""
    visit = shopping.visit
    kinds = [(kind, k) for kind, k in ROWS if kind not in OWN or (shopping.personalise and shopping.user_id)]
    answers = await asyncio.gather(*(ask(shopping, kind, k) for kind, k in kinds))
    El("h1.hidden", visit.shop.settings.shop.name)
    await shelves(shopping)
    shown: set[str] = set()
    for (kind, _k), answer in zip(kinds, answers, strict=True):
        fresh = [one for one in answer.results if one.item_id not in shown]
        if not answer.results or (answer.notes if kind in OWN else not fresh):
            continue  # what is bought regularly has its row, though it be among what is for you
        shown |= {one.item_id for one in fresh}
        key = kind.replace("-", "_")
        with El("section.offer-row", aria_label=visit.say(f"row_{key}")):
            heading(visit.say(f"row_{key}"), visit.say(f"row_{key}_{'own' if answer.personalised else 'any'}"))
            await grid(shopping, answer, Asked(kind=kind), spec="ul.cards.rail" + (".two" if kind == "for-you" else ""))


async def ask(shopping: Shopping, kind: str, k: int) -> Answer:
    """A recommendation of a kind."""
    return await shopping.visit.ask(shopping.visit.shop.recommend, k=k, kind=kind, **shopping.asks(), shown=True)


async def shelves(shopping: Shopping) -> None:
    """The categories with the most goods, as ways in."""
    visit = shopping.visit
    found = await visit.ask(visit.shop.shelves, SHELVES)
    if not found:
        return
    with El("nav.shelves", aria_label=visit.say("categories")):
        for name in found:
            link(name, f"/search?{urlencode({'category': name})}", "a.chip")
