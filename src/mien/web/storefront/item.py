"""One item: what it is, what is like it, what goes with it."""

import asyncio
import json
from urllib.parse import urlencode

from nicegui import background_tasks, ui
from starlette.datastructures import QueryParams

from mien.core.item import CATEGORY_SEPARATOR, Item
from mien.core.query import Answer
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn, link, told
from mien.web.look.pictures import picture
from mien.web.storefront.cards import grid, heading
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked

ROW = 8


async def item(shopping: Shopping, asked: QueryParams) -> None:
    """The item that `id` names; `from` is the impression that brought one here."""
    visit, item_id = shopping.visit, asked.get("id", "")
    known = await visit.ask(visit.shop.item, item_id)
    if known is None:
        told("search", visit.say("no_item"), visit.say("no_item_more"))
        return
    ui.page_title(f"{known.title} · {visit.shop.settings.shop.name}")
    background_tasks.create(shopping.looked_at(known, asked.get("from", "")), name="looked at")
    similar, beside, own = await asyncio.gather(
        visit.ask(visit.shop.similar, known.item_id, ROW, language=visit.language, shown=True),
        ask(shopping, "goes-with", (known.item_id,)),
        ask(shopping, "for-you", ()),
    )
    about(shopping, known, asked.get("from", ""))
    seen = {known.item_id}
    for name, answer, question in (
        ("goes_with", beside, Asked(kind="goes-with", cart=(known.item_id,))),
        ("similar", similar, Asked(kind="similar", cart=(known.item_id,))),
        ("for_you", own, Asked()),
    ):
        if [one for one in answer.results if one.item_id not in seen] and not (name != "for_you" and answer.notes):
            with El("section.offer-row", aria_label=visit.say(f"row_{name}")):
                heading(visit.say(f"row_{name}"))
                await grid(shopping, answer, question, spec="ul.cards.rail")


async def ask(shopping: Shopping, kind: str, cart: tuple[str, ...]) -> Answer:
    """A recommendation beside the item."""
    return await shopping.visit.ask(
        shopping.visit.shop.recommend, k=ROW, kind=kind, cart=cart, **shopping.asks(), shown=True
    )


def about(shopping: Shopping, known: Item, impression_id: str) -> None:
    """Picture, name, price, and the way into the cart."""
    visit = shopping.visit
    with El("article.about"):
        drawn(picture(known), "div.about-picture")
        with El("div.stack.wide"):
            path(shopping, known)
            El("h1", known.title)
            El("p.about-price", visit.money(known.price) if known.price is not None else visit.say("no_price"))
            if known.description:
                El("p", known.description)
            with El("div.line"):
                if known.available:
                    button(
                        visit.say("add"),
                        lambda: shopping.put(known, impression_id=impression_id),
                        "primary",
                        symbol="cart",
                    )
                else:
                    El("span.chip.seal", visit.say("sold_out"))
            facts(shopping, known)


def path(shopping: Shopping, known: Item) -> None:
    """The way through the categories, each step a search."""
    parts = (known.category or "").split(CATEGORY_SEPARATOR) if known.category else []
    with El("nav.crumbs", aria_label=shopping.visit.say("category")):
        for depth, part in enumerate(parts, start=1):
            if depth > 1:
                drawn(icon("next", 14), "span.symbol")
            link(part, f"/search?{urlencode({'category': CATEGORY_SEPARATOR.join(parts[:depth])})}")


def facts(shopping: Shopping, known: Item) -> None:
    """Brand, colour, and what else the shop says of it."""
    visit = shopping.visit
    pairs = [
        (visit.say("brand"), known.brand),
        (visit.say("colour"), known.colour),
        (visit.say("item_id"), known.item_id),
    ]
    try:
        more = json.loads(known.attributes or "{}")
    except ValueError:
        more = {}
    pairs += (
        [(str(name).replace("_", " "), str(value)) for name, value in more.items()] if isinstance(more, dict) else []
    )
    with El("dl.facts"):
        for name, value in pairs:
            if value:
                El("dt", name)
                El("dd", value)
