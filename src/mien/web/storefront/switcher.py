"""Choosing who shops: a newcomer, or somebody the shop knows."""

from collections.abc import Callable

from nicegui import ui

from mien.profiles.wording import count
from mien.shop.people import Known
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn
from mien.web.storefront.shopping import Shopping

SHOWN = 12


async def choose_shopper(shopping: Shopping) -> None:
    """A dialog to choose in; people the shop knows are offered to who may read profiles only."""
    visit = shopping.visit
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="dialog", aria_label=visit.say("change_shopper")):
        with El("div.sheet-head"):
            with El("div.stack"):
                El("h2", visit.say("change_shopper"))
                El("p.note", visit.say("change_shopper_more"))
            button("", dialog.close, "quiet.icon-only", symbol="close", label=visit.say("close"))

        def become(user_id: str | None) -> None:
            shopping.become(user_id)
            ui.run_javascript("location.reload()")

        button(visit.say("be_new"), lambda: become(None), "primary", symbol="plus")
        if visit.may("read"):
            await known_people(shopping, become)
    dialog.open()


async def known_people(shopping: Shopping, become: Callable[[str | None], None]) -> None:
    """A box to find somebody in, and who is found."""
    visit = shopping.visit

    async def find(text: str) -> None:
        found = await visit.ask(visit.shop.people.find, text, SHOWN, clear=visit.may("admin"))
        shown.clear()
        with shown:
            for one in found.people:
                person(one)
            if not found.people:
                El("p.note", visit.say("users_none", text=text))

    def person(one: Known) -> None:
        with El("button.person", type="button").act("click", lambda: become(one.user_id)):
            drawn(icon("person", 18), "span.symbol")
            El("span.mono", one.user_id)
            El("span.note.small", ", ".join(str(value) for value in list(one.traits.values())[:3]))
            life = "" if one.lifecycle is None else visit.stage(one.lifecycle)
            El("span.note.small.person-life", f"{life} · {count(visit.language, one.events, 'event')}" if life else "")

    with El("label.field"):
        El("span", visit.say("be_known"))
        El("input.input", type="search", placeholder=visit.say("find_known"), maxlength=200).on(
            "input", lambda e: find(str(e.args)), js_handler="(e) => emit(e.target.value)", throttle=0.2
        )
    shown = El("div.people")
    await find("")
