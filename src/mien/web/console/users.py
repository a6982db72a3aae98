"""Finding people: by id, by what they declared, by a rule over tags and all else, or by a segment; in pages."""

import re
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.core.errors import MienError
from mien.profiles.local import number
from mien.shop.people import Known
from mien.web.look.icons import icon
from mien.web.look.parts import El, chip, choice, drawn, link, told
from mien.web.look.visit import Visit

PATH, PAGE = "/console/users", 25
RULE = re.compile(r"[=<>\[(]|\b(and|or|not|in)\b")
"""What a text holds that may be a rule."""
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
    """Who is found by `q` or is in a `segment`, from place `from` on."""
    ui.page_title(visit.say("nav_users"))
    text, segment, first = asked.get("q", "").strip(), asked.get("segment", ""), whole(asked.get("from"))
    total, people, wrong = await found(visit, text, segment, first)
    with El("div.page-head"), El("div"):
        El("h1", visit.say("nav_users"))
        El("p.note", visit.say("users_lead", n=number(total)))
    with El("div.line"):
        searching(visit, text)
        await of_segment(visit, segment)
    if not people:
        told("search", visit.say("users_none", text=text or segment), wrong or visit.say("users_none_more"))
        return
    with El("section.card"):
        listed(visit, people)
        pager(visit, text, segment, first, total)


async def found(visit: Visit, text: str, segment: str, first: int) -> tuple[int, tuple[Known, ...], str]:
    """How many are found, a page of them, and what was wrong with the question; a rule is a question, too."""
    shop = visit.shop
    if not segment:
        plain = await visit.ask(shop.people.find, text, PAGE, first, clear=visit.may("admin"))
        if plain.total or not RULE.search(text):
            return plain.total, plain.people, ""
    try:
        rule = None if segment else await visit.ask(shop.segments.rule, text)
        members = await visit.ask(shop.segments.members, rule or segment, PAGE, first)
    except MienError as error:
        return 0, (), visit.why(error)
    people = await visit.ask(shop.people.named, [one.user_id for one in members.members], clear=visit.may("admin"))
    return members.total, people, ""


async def of_segment(visit: Visit, chosen: str) -> None:
    """The saved segments, to choose one."""
    saved = await visit.ask(lambda: [one.name for one in visit.shop.segments.all()])
    if saved:
        options = [("", visit.say("any_segment")), *((name, name) for name in saved)]
        choice(
            visit.say("segment"), options, chosen,
            lambda name: ui.navigate.to(f"{PATH}?{urlencode({'segment': name})}" if name else PATH),
        )  # fmt: skip


def searching(visit: Visit, text: str) -> None:
    """The box one types into; Enter asks."""

    def ask(typed: str) -> None:
        ui.navigate.to(f"{PATH}?{urlencode({'q': typed})}" if typed.strip() else PATH)

    with El("form.find", role="search", action=PATH).act("submit.prevent", ask, "e.target.elements.q.value"):
        drawn(icon("search", 18), "span.find-symbol")
        El("input.input", name="q", type="search", value=text, placeholder=visit.say("users_find"),
           aria_label=visit.say("users_find"), autocomplete="off", maxlength=500)  # fmt: skip
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
                chip(visit.stage(one.lifecycle), KINDS[one.lifecycle])
        with El("td.wide-only"), El("span.traits"):
            for name, value in list(one.traits.items())[:TRAITS]:
                chip(f"{name}: {value}")
            if len(one.traits) > TRAITS:
                El("span.note.small", f"+{len(one.traits) - TRAITS}")
        El("td.n", number(one.events))
        El("td.n.wide-only", number(one.orders))
        El("td.nowrap", visit.day(one.last_seen) if one.last_seen else "–")


def pager(visit: Visit, text: str, segment: str, first: int, total: int) -> None:
    """To the pages before and after."""
    if total <= PAGE:
        return

    def to(start: int) -> str:
        asked = ({"q": text} if text else {}) | ({"segment": segment} if segment else {})
        return f"{PATH}?{urlencode(asked | {'from': start})}"

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
