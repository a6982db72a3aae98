"""Finding people: by id or by what they declared, in pages."""

from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.profiles.wording import LIFECYCLES
from mien.report.local import number
from mien.shop.people import Known
from mien.web.look.icons import icon
from mien.web.look.parts import El, chip, drawn, link, told
from mien.web.look.visit import Visit

PATH, PAGE = "/console/users", 25
KINDS = {"new": "accent", "active": "accent", "lapsing": "warm", "lost": "seal"}
"""The colour of a stage of life."""
COLUMNS = {
    "user": "th",
    "lifecycle": "th",
    "traits": "th.wide-only",
    "events": "th.n",
    "orders": "th.n.wide-only",
    "last_seen": "th",
}
TRAITS = 4
"""How many declared traits a line shows."""


async def users(visit: Visit, asked: QueryParams) -> None:
    """Who is found by `q`, from place `from` on."""
    ui.page_title(visit.say("nav_users"))
    text, first = asked.get("q", ""), whole(asked.get("from"))
    found = await visit.ask(visit.shop.people.find, text, PAGE, first, clear=visit.may("admin"))
    with El("div.page-head"), El("div"):
        El("h1", visit.say("nav_users"))
        El("p.note", visit.say("users_lead", n=number(found.total)))
    searching(visit, text)
    if not found.people:
        told("search", visit.say("users_none", text=text), visit.say("users_none_more"))
        return
    with El("section.card"):
        listed(visit, found.people)
        pager(visit, text, first, found.total)


def searching(visit: Visit, text: str) -> None:
    """The box one types into; Enter asks."""

    def ask(typed: str) -> None:
        ui.navigate.to(f"{PATH}?{urlencode({'q': typed})}" if typed.strip() else PATH)

    with El("form.find", role="search", action=PATH).act("submit.prevent", ask, "e.target.elements.q.value"):
        drawn(icon("search", 18), "span.find-symbol")
        El("input.input", name="q", type="search", value=text, placeholder=visit.say("users_find"),
           aria_label=visit.say("users_find"), autocomplete="off", maxlength=200)  # fmt: skip
        El("button.button.primary", visit.say("find"), type="submit")


def listed(visit: Visit, people: tuple[Known, ...]) -> None:
    """A line a person."""
    with El("div.scroll", tabindex=0, role="region", aria_label=visit.say("nav_users")), El("table.table.lines"):
        El("caption.hidden", visit.say("nav_users"))
        with El("thead"), El("tr"):
            for head in COLUMNS:
                El(COLUMNS[head], visit.say(head), scope="col")
        with El("tbody"):
            for one in people:
                line(visit, one)


def line(visit: Visit, one: Known) -> None:
    """Somebody, with a link to all that is known of them."""
    with El("tr"):
        with El("th", scope="row"):
            link(one.user_id, address(one.user_id), "a.mono")
        with El("td"):
            if one.lifecycle:
                chip(stage(visit, one.lifecycle), KINDS[one.lifecycle])
        with El("td.wide-only"), El("span.traits"):
            for name, value in list(one.traits.items())[:TRAITS]:
                chip(f"{name}: {value}")
            if len(one.traits) > TRAITS:
                El("span.note.small", f"+{len(one.traits) - TRAITS}")
        El("td.n", number(one.events))
        El("td.n.wide-only", number(one.orders))
        El("td.nowrap", visit.day(one.last_seen) if one.last_seen else "–")


def stage(visit: Visit, lifecycle: str) -> str:
    """A stage of life in a word or two."""
    return LIFECYCLES[visit.language][lifecycle].removesuffix("的用户").removesuffix("用户")


def pager(visit: Visit, text: str, first: int, total: int) -> None:
    """To the pages before and after."""
    if total <= PAGE:
        return

    def to(start: int) -> str:
        return f"{PATH}?{urlencode({'q': text, 'from': start} if text else {'from': start})}"

    with El("nav.line.spread", aria_label=visit.say("pages")):
        last = min(first + PAGE, total)
        El("span.note", visit.say("page_of", first=number(first + 1), last=number(last), total=number(total)))
        with El("div.line"):
            if first:
                link(visit.say("previous"), to(max(0, first - PAGE)), "a.button.small")
            if last < total:
                link(visit.say("next_page"), to(last), "a.button.small")


def whole(text: str | None) -> int:
    """A number of an address; 0 for anything that is none."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def address(user_id: str) -> str:
    """Where all that is known of a user is shown."""
    return f"/console/user?{urlencode({'id': user_id})}"
