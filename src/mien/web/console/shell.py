"""What stays while pages of the console change: the shop's name, the sections, the switches."""

from urllib.parse import urlsplit

from starlette.responses import Response

from mien.web.look import frame
from mien.web.look.frame import Pages, Stage
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.visit import Visit

HOME = "/console"
SECTIONS = (("/console/users", "nav_users"),)
"""Path and name of what the bar on top leads to, in its order."""


def shell(visit: Visit, pages: Pages) -> Response | None:
    """The frame of the console."""
    with frame.header(visit, HOME):
        tabs(visit)
        frame.switches(visit, across=("store", "/", "cart"))
    with El("div.page", id="main"):
        local_only(visit)
        Stage(visit, pages)
    return None


def tabs(visit: Visit) -> None:
    """The sections; the one that is open is marked, also for readers."""
    made: dict[str, El] = {}
    with El("nav.tabs", aria_label=visit.say("sections")):
        for path, name in SECTIONS:
            made[path] = El("a.tab", visit.say(name), href=path)

    def mark(address: str) -> None:
        here = urlsplit(address).path
        for path, tab in made.items():
            open_ = here == path or (path != HOME and here.startswith(path.removesuffix("s")))
            tab.put("aria_current", "page" if open_ else None)

    router = visit.client.sub_pages_router
    mark(router.current_path)
    router.on_path_changed(mark)


def local_only(visit: Visit) -> None:
    """Without keys whoever reaches this machine is let in; it says so."""
    with El("div.banner", role="note"):
        drawn(icon("info", 18), "span.symbol")
        El("p", visit.say("no_keys"))
