"""Dead letters: listed by reason, mended and read again."""

import json
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from mien.core.errors import MienError
from mien.prepare.reasons import describe
from mien.profiles.local import number
from mien.web.console.guard import admin
from mien.web.look.parts import El, button, card, choice
from mien.web.look.visit import Visit

SHOWN, LOOKED = 50, 500
"""Letters that are listed, and among how many of the newest those of a reason are looked for."""


async def letters(visit: Visit, reason: str) -> None:
    """Those of a reason (empty: all), newest first."""
    with card(visit.say("letters")):
        said = El("p.note.slot", role="status")
        place = El("div.stack")

        async def draw() -> None:
            found = await visit.ask(visit.shop.dead_letters, LOOKED)
            place.clear()
            with place:
                if found["total"]:
                    listed(visit, found, reason, replay)
                else:
                    El("p.note", visit.say("letters_none"))

        async def replay(numbers: list[int] | None = None) -> None:
            if not admin(visit):
                return
            try:
                done = await visit.ask(visit.shop.replay, numbers, by=visit.key_id)
                said.set_text(visit.say("letter_replayed", n=number(done["replayed"]), used=number(done["accepted"])))
            except MienError as error:
                said.set_text(visit.why(error))
            await draw()

        await draw()


def listed(visit: Visit, found: dict[str, Any], reason: str, replay: Any) -> None:
    """The choice of a reason, and a line a letter."""
    chosen = [one for one in found["letters"] if reason in ("", one["reason"])][:SHOWN]
    shown = visit.say("letters_total", n=number(found["total"]), shown=number(len(chosen)))
    with El("div.line.spread"):
        with El("div.line"):
            reasons = [
                (name, f"{describe(name, visit.language)} ({number(n)})") for name, n in found["reasons"].items()
            ]

            def to(name: str) -> None:
                ui.navigate.to(f"/console/system?{urlencode({'reason': name})}" if name else "/console/system")

            choice(visit.say("letter_reason"), [("", visit.say("letter_all")), *reasons], reason, to, shown=True)
            El("span.note", shown)
        button(visit.say("letter_replay"), replay, "small")
    caption = visit.say("letters")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            for key in ("letter_reason", "letter_detail", "letter_source", "letter_holds"):
                El("th", visit.say(key), scope="col")
            El("th", "", aria_hidden=True)
        with El("tbody"):
            for one in chosen:
                line(visit, one, replay)


def line(visit: Visit, one: dict[str, Any], replay: Any) -> None:
    """One letter, with what can be done about it."""
    with El("tr"):
        El("th.nowrap", describe(one["reason"], visit.language), scope="row")
        El("td", visit.why(one["detail"]) if one["detail"] else "–")
        where = one["source"] if one["row"] is None else f"{one['source']}:{one['row']}"
        El("td.small", where)
        with El("td"):
            El("span.letter-raw.mono", one["raw"] or "–", title=one["raw"] or "")
        with El("td.n"), El("div.line"):
            if one["raw"]:
                button(visit.say("letter_mend"), lambda: mend(visit, one, replay), "small")
            button(visit.say("letter_replay_one"), lambda: replay([one["id"]]), "small.quiet")


async def mend(visit: Visit, one: dict[str, Any], replay: Any) -> None:
    """What it holds as text to be changed; saved, it is read again at once."""
    title = visit.say("letter_mend_title", n=one["id"])
    typed = {"text": pretty(one["raw"])}
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="dialog", aria_label=title):
        El("h2", title)
        El("p.note", visit.why(one["detail"]) if one["detail"] else describe(one["reason"], visit.language))
        wrong = El("div.slot", role="alert")

        async def save() -> None:
            wrong.clear()
            if not admin(visit):
                return
            try:
                row = json.loads(typed["text"])
                if not isinstance(row, dict):
                    raise ValueError(type(row).__name__)
                await visit.ask(visit.shop.mend, one["id"], row, by=visit.key_id)
            except (ValueError, MienError) as error:
                text = visit.why(error) if isinstance(error, MienError) else visit.say("letter_not_json", why=error)
                with wrong, El("div.banner.bad"):
                    El("p", text)
                return
            dialog.close()
            await replay([one["id"]])

        with El("label.field"):
            El("span", visit.say("letter_json"))
            El("textarea.input.mono", rows=14, value=typed["text"], spellcheck="false").act(
                "input", lambda text: typed.update(text=text), "e.target.value"
            )
        with El("div.line"):
            button(visit.say("letter_save"), save, "primary")
            button(visit.say("cancel"), dialog.close, "quiet")
    dialog.open()


def pretty(raw: str | None) -> str:
    """JSON over several lines; anything else as it is."""
    try:
        return json.dumps(json.loads(raw or ""), ensure_ascii=False, indent=2)
    except ValueError:
        return raw or ""
