"""The cart, and buying what lies in it."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.core.item import Item
from mien.web.look.parts import El, button, drawn, link, told
from mien.web.look.pictures import picture
from mien.web.storefront.cards import address, grid, heading, line
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.why import Asked


async def cart(shopping: Shopping, _: QueryParams) -> None:
    """What lies in the cart, what it costs, and what goes with it."""
    visit = shopping.visit
    ui.page_title(f"{visit.say('cart')} · {visit.shop.settings.shop.name}")
    await shopping.load()
    El("h1", visit.say("cart"))
    place = El("div.stack.wide")
    with place:
        await show(shopping, place)


async def show(shopping: Shopping, place: El) -> None:
    """The cart as it is now."""
    visit = shopping.visit
    items = await visit.ask(lambda: [visit.shop.item(one) for one in shopping.cart])
    known = [one for one in items if one is not None]

    async def again() -> None:
        place.clear()
        with place:
            await show(shopping, place)

    async def buy() -> None:
        total = await shopping.buy(known)
        if total is None:
            return
        place.clear()
        with place:
            told("check", visit.say("bought"), visit.say("bought_more", total=visit.money(total)))
            link(visit.say("on"), "/", "a.button.primary.centre")

    if not known:
        told("cart", visit.say("cart_empty"), visit.say("cart_empty_more"))
        return
    with El("section.card"), El("ul.cart-lines"):
        for one in known:
            entry(shopping, one, again)
    with El("div.cart-total"):
        El("span", visit.say("total"))
        El("strong", visit.money(sum((one.price or 0.0) * shopping.cart[one.item_id] for one in known)))
        button(visit.say("buy"), buy, "primary")
    asked = Asked(kind="goes-with", cart=tuple(one.item_id for one in known))
    answer = await visit.ask(
        visit.shop.recommend, k=10, kind=asked.kind, cart=asked.cart, **shopping.asks(), shown=True
    )
    if answer.results and not answer.notes:
        with El("section.offer-row", aria_label=visit.say("row_goes_with")):
            heading(visit.say("row_goes_with"))
            await grid(shopping, answer, asked, spec="ul.cards.rail")


def entry(shopping: Shopping, one: Item, again: Callable[[], Awaitable[None]]) -> None:
    """One line: the item, its pieces, what they cost."""
    visit, pieces = shopping.visit, shopping.cart[one.item_id]

    async def change(by: int) -> None:
        await shopping.put(one, by)
        await again()

    with El("li.cart-line"):
        drawn(picture(one, 64), "span.cart-picture")
        with El("div.stack.cart-what"):
            link(one.title, address(one.item_id), "a.item-title")
            El("p.note.small", line(one))
        with El("div.cart-pieces"):
            button("", lambda: change(-1), "small.icon-only", symbol="minus" if pieces > 1 else "trash",
                   label=visit.say("less_of", title=one.title))  # fmt: skip
            El("span.n", str(pieces))
            button("", lambda: change(1), "small.icon-only", symbol="plus", label=visit.say("more_of", title=one.title))
        El("span.item-price.n", visit.money((one.price or 0.0) * pieces))
