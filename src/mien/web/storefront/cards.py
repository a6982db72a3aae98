"""Items on cards: a picture, what it is, its price, the way into the cart, and why it stands where it stands."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

from nicegui.events import GenericEventArguments

from mien.core.item import CATEGORY_SEPARATOR, Item
from mien.core.query import Answer, Result
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.pictures import picture
from mien.web.look.visit import Visit
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked, why

PRESSED = """(e) => {
  const one = e.target.closest("button[data-act]");
  if (one) emit([one.dataset.act, one.dataset.place]);
}"""
"""What a press on a button of a card tells."""


async def items_of(shopping: Shopping, results: Sequence[Result]) -> list[Item | None]:
    """What is known of the items of an answer, in its order."""
    shop = shopping.visit.shop
    return await shopping.visit.ask(lambda: [shop.item(one.item_id) for one in results])


async def grid(shopping: Shopping, answer: Answer, asked: Asked, *, spec: str = "ul.cards") -> None:
    """The results of an answer as cards: one piece of markup, since an element a part costs the server more than all
    the asking; its buttons say which card they are of.
    """
    items = await items_of(shopping, answer.results)
    shown = [(result, item) for result, item in zip(answer.results, items, strict=True) if item is not None]
    cards = [card(shopping.visit, k, *one, answer.impression_id) for k, one in enumerate(shown)]

    async def act(given: GenericEventArguments) -> None:
        what, place = given.args
        result, item = shown[int(place)]
        if what == "why":
            await why(shopping, result, asked)
        else:
            await shopping.put(item, impression_id=answer.impression_id)

    drawn("".join(cards), spec).on("click", act, js_handler=PRESSED)


def card(visit: Visit, place: int, result: Result, item: Item, impression_id: str) -> str:
    """One result as markup; every text of strangers is escaped."""
    target = escape(address(item.item_id, impression_id), quote=True)
    why_of, add_of = (escape(visit.say(key, title=result.title), quote=True) for key in ("why_of", "add_of"))
    price = visit.money(item.price) if item.price is not None else "–"
    return (
        f'<li><article class="item"><a class="item-picture" href="{target}" tabindex="-1" aria-hidden="true">'
        f'<span>{picture(item)}</span></a><div class="item-body"><a class="item-title" href="{target}">'
        f'{escape(result.title)}</a><p class="note small item-line">{escape(line(item))}</p><div class="item-foot">'
        f'<span class="item-price">{escape(price)}</span><span class="item-acts">'
        f'<button class="button quiet small" type="button" data-act="why" data-place="{place}" aria-label="{why_of}">'
        f"{escape(visit.say('why'))}</button>"
        f'<button class="button small icon-only" type="button" data-act="add" data-place="{place}" '
        f'aria-label="{add_of}"><span class="symbol">{icon("plus", 16)}</span></button></span></div>'
        "</div></article></li>"
    )


def line(item: Item) -> str:
    """Brand and the last part of the category."""
    parts = [item.brand, (item.category or "").rpartition(CATEGORY_SEPARATOR)[2]]
    return " · ".join(part for part in parts if part and part != item.title)


def address(item_id: str, impression_id: str = "") -> str:
    """Where an item is shown; the impression tells what brought one there."""
    return f"/item?{urlencode({'id': item_id} | ({'from': impression_id} if impression_id else {}))}"


def heading(title: str, note: str = "", symbol: str = "") -> None:
    """Over a row of cards."""
    with El("div.row-head"):
        if symbol:
            drawn(icon(symbol), "span.symbol")
        El("h2", title)
        if note:
            El("p.note", note)
