"""Items on cards: a picture, what it is, its price, the way into the cart, and why it stands where it stands."""

from collections.abc import Sequence
from urllib.parse import urlencode

from mien.core.item import CATEGORY_SEPARATOR, Item
from mien.core.query import Answer, Result
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn, link
from mien.web.look.pictures import picture
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked, why


async def items_of(shopping: Shopping, results: Sequence[Result]) -> list[Item | None]:
    """What is known of the items of an answer, in its order."""
    shop = shopping.visit.shop
    return await shopping.visit.ask(lambda: [shop.item(one.item_id) for one in results])


async def grid(shopping: Shopping, answer: Answer, asked: Asked, *, spec: str = "ul.cards") -> None:
    """The results of an answer as cards."""
    items = await items_of(shopping, answer.results)
    with El(spec):
        for result, item in zip(answer.results, items, strict=True):
            if item is not None:
                with El("li"):
                    card(shopping, result, item, answer.impression_id, asked)


def card(shopping: Shopping, result: Result, item: Item, impression_id: str, asked: Asked) -> None:
    """One result."""
    visit = shopping.visit
    target = address(item.item_id, impression_id)
    with El("article.item"):
        with El("a.item-picture", href=target, tabindex=-1, aria_hidden=True):
            drawn(picture(item), "span")
        with El("div.item-body"):
            link(result.title, target, "a.item-title")
            El("p.note.small.item-line", line(item))
            with El("div.item-foot"):
                El("span.item-price", visit.money(item.price) if item.price is not None else "–")
                with El("span.item-acts"):
                    El("button.button.quiet.small", visit.say("why"), type="button",
                       aria_label=visit.say("why_of", title=result.title)).act(
                        "click", lambda: why(shopping, result, asked))  # fmt: skip
                    button(
                        "", lambda: shopping.put(item, impression_id=impression_id), "small.icon-only", symbol="plus",
                        label=visit.say("add_of", title=result.title),
                    )  # fmt: skip


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
