"""Keys: made, shown once, and revoked."""

from nicegui import ui

from mien.core.caller import SCOPES
from mien.core.clock import from_us, to_us
from mien.core.errors import MienError, UsageError
from mien.stores.keys import Key
from mien.web.console.guard import admin
from mien.web.look.parts import El, button, card, chip
from mien.web.look.visit import Visit


async def keys(visit: Visit) -> None:
    """The keys there are, and a form to make one."""
    with card(visit.say("keys"), visit.say("keys_more")):
        place, once = El("div.stack"), El("div.slot", role="status")

        async def draw() -> None:
            found = await visit.ask(visit.shop.keys.list)
            place.clear()
            with place:
                if found:
                    key_table(visit, found, draw)
                else:
                    El("p.note", visit.say("keys_none"))

        await draw()
        form(visit, once, draw)


def key_table(visit: Visit, found: list[Key], draw: object) -> None:
    """A line a key; those that hold can be revoked."""
    caption = visit.say("keys")
    holding = [one for one in found if one.revoked_us is None]
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            for key in ("key_name", "key_scope", "key_source", "key_made", "key_state"):
                El("th", visit.say(key), scope="col")
            El("th", "", aria_hidden=True)
        with El("tbody"):
            for one in found:
                with El("tr"):
                    El("th", one.name, scope="row")
                    El("td", one.scope)
                    El("td", one.source)
                    El("td.nowrap", visit.moment(from_us(one.made_us)))
                    with El("td"):
                        chip(visit.say("key_holds" if one.revoked_us is None else "key_revoked"),
                             "accent" if one.revoked_us is None else "seal")  # fmt: skip
                    with El("td.n"):
                        if one.revoked_us is None:
                            button(
                                visit.say("key_revoke"), lambda one=one: ask_revoke(visit, one, holding, draw), "small"
                            )


async def ask_revoke(visit: Visit, key: Key, holding: list[Key], draw: object) -> None:
    """Revoke it once that is confirmed; never the last one that can sign in."""
    last = _signs_in(key) and sum(map(_signs_in, holding)) == 1
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="alertdialog", aria_label=visit.say("key_revoke")):

        async def revoke() -> None:
            if not admin(visit):
                return

            def done() -> None:
                visit.shop.keys.revoke(key.key_id, to_us(visit.shop.clock()))
                visit.shop.note("key.revoke", by=visit.key_id, key_id=key.key_id)

            await visit.ask(done)
            dialog.close()
            await draw()  # type: ignore[operator]

        El("h2", visit.say("key_revoke_sure", name=key.name))
        El("p.note", visit.say("key_last" if last else "key_revoke_more"))
        with El("div.line"):
            if not last:
                button(visit.say("key_revoke"), revoke, "danger")
            button(visit.say("cancel"), dialog.close, "quiet")
    dialog.open()


def form(visit: Visit, once: El, draw: object) -> None:
    """Name and scope; the key that is made is shown this once."""
    given = {"name": "", "scope": "read" if visit.shop.keys.configured() else "admin"}

    async def make() -> None:
        if not admin(visit):
            return

        def made() -> str:
            text, key = visit.shop.keys.add(given["name"], given["scope"], to_us(visit.shop.clock()))
            visit.shop.note("key.add", by=visit.key_id, key_id=key.key_id, scope=key.scope)
            return text

        once.clear()
        try:
            if given["scope"] != "admin" and not any(_signs_in(one) for one in await visit.ask(visit.shop.keys.list)):
                raise UsageError(visit.say("key_first"))
            text = await visit.ask(made)
        except MienError as error:
            with once, El("div.banner.bad", role="alert"):
                El("p", visit.why(error))
            return
        with once, El("div.once"):
            El("p", visit.say("key_once"))
            El("code", text)
        await draw()  # type: ignore[operator]

    with El("form.line.compare").act("submit.prevent", make):
        with El("label.field"):
            El("span", visit.say("key_name"))
            El("input.input", maxlength=100, required=True, autocomplete="off").act(
                "input", lambda text: given.update(name=text), "e.target.value"
            )
        with El("label.field"):
            El("span", visit.say("key_scope"))
            with El("select").act("change", lambda scope: given.update(scope=scope), "e.target.value"):
                for scope in SCOPES:
                    El("option", scope, value=scope, selected=scope == given["scope"])
        El("button.button.primary", visit.say("key_make"), type="submit")


def _signs_in(key: Key) -> bool:
    """Whether one may change things here by it."""
    return key.scope == "admin" and key.revoked_us is None
