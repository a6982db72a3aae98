"""The pages of the storefront, and what stays while they change: the bar with the search box, and the live panel."""

from collections.abc import Awaitable, Callable

from nicegui import background_tasks, ui
from starlette.datastructures import QueryParams

from mien.web.look import frame
from mien.web.look.frame import Page, Pages, Stage
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.visit import Site, Visit
from mien.web.storefront.box import search_box
from mien.web.storefront.cart import cart
from mien.web.storefront.home import home
from mien.web.storefront.item import item
from mien.web.storefront.panel import Panel
from mien.web.storefront.results import results
from mien.web.storefront.shopping import Shopping

ShopPage = Callable[[Shopping, QueryParams], Awaitable[None]]
PAGES: dict[str, ShopPage] = {"/": home, "/search": results, "/item": item, "/cart": cart}
"""Path → page."""


def add(site: Site) -> None:
    """Serve them."""
    frame.register(site, dict.fromkeys(PAGES, _nothing), shell)


async def _nothing(visit: Visit, _: QueryParams) -> None:
    """Stands for a page until the shopper is known."""


def shell(visit: Visit, _: Pages) -> None:
    """What stays while pages change."""
    shopping = Shopping.of(visit)
    with frame.header(visit, "/"):
        search_box(visit)
        with El("a.button.quiet.cart-link", href="/cart"):
            drawn(icon("cart"), "span.symbol")
            badge = El("span.badge")
        frame.switches(visit, across=("console", "/console", "person"))
    with El("div.store"):
        with El("div.store-main", id="main"):
            Stage(visit, {path: _of(page, shopping) for path, page in PAGES.items()})
        panel = Panel(shopping)

    async def count() -> None:
        pieces = sum(shopping.cart.values())
        badge.text = str(pieces) if pieces else ""
        badge.put("aria_label", visit.say("cart_n", n=pieces))

    async def begin() -> None:
        await panel.draw()
        await shopping.load()
        await count()

    shopping.listeners.append(count)
    background_tasks.create(begin(), name="what is known of the shopper")


def _of(page: ShopPage, shopping: Shopping) -> Page:
    """A page of this shopper's."""

    async def show(_: Visit, asked: QueryParams) -> None:
        ui.page_title(shopping.visit.shop.settings.shop.name)
        await page(shopping, asked)

    return show
