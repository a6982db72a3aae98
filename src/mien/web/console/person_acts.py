"""What can be done with a person: shop as them, hand out everything kept, forget them."""

import json

from nicegui import ui

from mien.profiles.local import number
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn, told
from mien.web.look.visit import Visit
from mien.web.storefront.shopping import SHOPPER


def draw(visit: Visit, user_id: str) -> None:
    """The buttons; what changes or hands out personal data needs an admin key."""
    with El("div.line"):
        button(visit.say("shop_as"), lambda: shop_as(visit, user_id), symbol="cart")
        if visit.may("admin"):
            button(visit.say("export"), lambda: export(visit, user_id), symbol="download")
            button(visit.say("erase"), lambda: ask_erase(visit, user_id), "danger", symbol="trash")


def shop_as(visit: Visit, user_id: str) -> None:
    """Go to the storefront as this person."""
    visit.keep(SHOPPER, user_id)
    ui.run_javascript("location.assign('/')")


async def export(visit: Visit, user_id: str) -> None:
    """Everything kept about them, as a file."""
    if not visit.may("admin"):
        return
    found = await visit.ask(visit.shop.export, user_id, by=visit.key_id)
    ui.download.content(
        json.dumps(found, ensure_ascii=False, indent=2).encode(), f"{_file(user_id)}.json", "application/json"
    )


def _file(user_id: str) -> str:
    """A name of a file that an id may stand in."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in user_id)[:80] or "user"


async def ask_erase(visit: Visit, user_id: str) -> None:
    """Ask once more, by having the id typed; then forget them."""
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="alertdialog", aria_label=visit.say("erase")):
        place = El("div.stack.wide")
        with place:
            El("h2", visit.say("erase_sure", user=user_id))
            with El("div.banner.bad"):
                drawn(icon("warn", 18), "span.symbol")
                El("p", visit.say("erase_more"))

            async def erase() -> None:
                if not visit.may("admin"):
                    return
                report = await visit.ask(visit.shop.erase, user_id, by=visit.key_id)
                place.clear()
                with place:
                    told("check", visit.say("erased"), visit.say("erased_more", n=number(report["events"])))
                    button(visit.say("to_users"), lambda: ui.navigate.to("/console/users"), "primary")

            def typed(text: str) -> None:
                sure.put("disabled", text.strip() != user_id)

            with El("label.field"):
                El("span", visit.say("type_id", user=user_id))
                El("input.input.mono", type="text", autocomplete="off").on(
                    "input", lambda e: typed(str(e.args)), js_handler="(e) => emit(e.target.value)"
                )
            with El("div.line"):
                sure = button(visit.say("erase"), erase, "danger", disabled=True)
                button(visit.say("cancel"), dialog.close, "quiet")
    dialog.open()
