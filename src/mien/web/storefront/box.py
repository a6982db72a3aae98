"""The search box, which knows what one may be about to type."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

from nicegui import ui

from mien.ranking.completion import Completion
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.visit import Visit

OFFERED = 8
LIST = "offers"


def search_box(visit: Visit) -> None:
    """An input with suggestions under it; Enter searches, arrows and Escape do as everywhere."""

    def search(text: str) -> None:
        close()
        if text.strip():
            ui.navigate.to(f"/search?{urlencode({'q': text.strip()})}")

    newest = [""]

    async def offer(text: str) -> None:
        newest[0] = text
        found = await visit.ask(visit.shop.complete, text, OFFERED) if text.strip() else []
        if newest[0] != text:
            return  # more was typed while this was looked up
        offers.clear()
        with offers:
            for place, one in enumerate(found):
                suggestion(place, one)
        box.put("aria_expanded", bool(found) or "false")
        offers.classes(add="open" if found else "", remove="" if found else "open")

    def suggestion(place: int, one: Completion) -> None:
        with (
            El("li.offer", role="option", id=f"offer-{place}", aria_selected="false")
            .act("mousedown.prevent", lambda: None)
            .act("click", lambda: search(one.text))
        ):
            El("span", one.text)
            El("span.note.small", visit.say(f"offer_{one.kind}"))

    def close() -> None:
        newest[0] = ""
        offers.clear()
        offers.classes(remove="open")
        box.put("aria_expanded", "false")

    router = visit.client.sub_pages_router

    def follow(address: str) -> None:
        ui.run_javascript(f"document.getElementById('q').value = {json.dumps(text_of(address))}")

    router.on_path_changed(follow)
    with El("form.search.wide-row", role="search", action="/search").act(
        "submit.prevent", search, "e.target.elements.q.value"
    ):
        drawn(icon("search", 18), "span.find-symbol")
        box = El("input.input", name="q", id="q", value=text_of(router.current_path), type="search",
                 autocomplete="off", maxlength=500,
                 placeholder=visit.say("search_for"), aria_label=visit.say("search_for"), role="combobox",
                 aria_expanded="false", aria_controls=LIST, aria_autocomplete="list")  # fmt: skip
        box.on("input", lambda e: offer(str(e.args)), js_handler="(e) => emit(e.target.value)", throttle=0.12)
        box.act("dismiss", close).act("blur", close)
        offers = El("ul.offers", id=LIST, role="listbox", aria_label=visit.say("suggestions"))


def text_of(address: str) -> str:
    """What is searched for at an address of the shop."""
    parts = urlsplit(address)
    return parse_qs(parts.query).get("q", [""])[0] if parts.path == "/search" else ""
