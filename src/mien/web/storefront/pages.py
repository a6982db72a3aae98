"""The pages of the storefront."""

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.web.look import frame
from mien.web.look.frame import Page, Pages, Stage
from mien.web.look.parts import El
from mien.web.look.visit import Site, Visit


def add(site: Site) -> None:
    """Serve them."""
    frame.register(site, PAGES, shell)


def shell(visit: Visit, pages: Pages) -> None:
    """What stays while pages change."""
    with frame.header(visit, "/"):
        El("span", "search")
        frame.switches(visit, across=("console", "/console", "person"))
    with El("div.page", id="main"):
        Stage(visit, pages)


async def home(visit: Visit, _: QueryParams) -> None:
    """What the shop offers."""
    ui.page_title(visit.shop.settings.shop.name)
    answer = await visit.ask(visit.shop.recommend, None, 12)
    for one in answer.results:
        El("p", one.title)


PAGES: dict[str, Page] = {"/": home}
"""Path → page."""
