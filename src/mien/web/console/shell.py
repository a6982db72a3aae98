"""What stays while pages of the console change: the shop's name, the sections, the switches."""

from urllib.parse import urlsplit

from mien.core.caller import LOCAL, Scope
from mien.web.look import frame
from mien.web.look.frame import Pages, Stage
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.visit import Visit
from mien.web.sessions import LOGOUT

HOME = "/console"
NEEDS: Scope = "read"
"""What the console is looked at with; what it changes needs an admin key."""
SECTIONS = (
    (HOME, "nav_overview"),
    ("/console/users", "nav_users"),
    ("/console/tags", "nav_tags"),
    ("/console/segments", "nav_segments"),
    ("/console/quality", "nav_quality"),
    ("/console/system", "nav_system"),
)
"""Path and name of what the bar on top leads to, in its order."""


def shell(visit: Visit, pages: Pages) -> None:
    """The frame of the console."""
    with frame.header(visit, HOME):
        tabs(visit)
        frame.switches(visit, across=("store", "/", "cart"))
    with El("div.page", id="main"):
        whose(visit)
        Stage(visit, pages, NEEDS)


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


def whose(visit: Visit) -> None:
    """By which right one looks: without keys whoever reaches this machine; else by a key, and one can sign out."""
    caller = visit.caller
    if caller == LOCAL:
        with El("div.banner", role="note"):
            drawn(icon("info", 18), "span.symbol")
            El("p", visit.say("no_keys"))
    elif caller is not None:
        with El("form.whose.line.spread", method="post", action=LOGOUT):
            El("span.note.small", visit.say(f"signed_in_{caller.scope}", name=caller.name))
            with El("button.button.quiet.small", type="submit"):
                drawn(icon("exit", 16), "span.symbol")
                El("span", visit.say("sign_out"))
