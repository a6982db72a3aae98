"""Tags as a ranked chart: share, lift over everybody, confidence; and why each is there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from mien.core.item import CATEGORY_SEPARATOR
from mien.core.profile import Tag
from mien.features.prices import PRICE_BAND
from mien.profiles.local import number, percent
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, card, drawn, waiting
from mien.web.look.visit import Visit

if TYPE_CHECKING:
    from mien.web.console.user import View

SHOWN = 12
RISING, FALLING = 1.25, 0.8
"""Trends from which a tag counts as rising, and below which as falling."""


def draw(view: "View") -> None:
    """The tags of each facet behind a tab of their own; of a path each level is one."""
    visit, tags = view.visit, view.profile.tags
    groups = grouped(tags)
    with card(visit.say("tags"), visit.say("tags_note")):
        if not groups:
            El("p.note", visit.say("no_tags"))
            return
        first = next(iter(groups))
        with El("div.segmented", role="group", aria_label=visit.say("facet")):
            tabs = {key: El("button", group_name(visit, key), type="button") for key in groups}
        place = El("div")

        def show(key: tuple[str, int]) -> None:
            for other, tab in tabs.items():
                tab.put("aria_pressed", "true" if other == key else "false")
            place.clear()
            with place:
                rows(view, groups[key])

        for key, tab in tabs.items():
            tab.act("click", lambda key=key: show(key))
        deepest = max((key for key in groups if key[0] == first[0]), key=lambda key: (min(len(groups[key]), 5), key[1]))
        show(deepest)


def grouped(tags: Sequence[Tag]) -> dict[tuple[str, int], list[Tag]]:
    """Facet and level of its path → tags, the weightiest first."""
    groups: dict[tuple[str, int], list[Tag]] = {}
    for tag in tags:
        level = tag.value.count(CATEGORY_SEPARATOR) + 1 if tag.facet == "category" else 0
        groups.setdefault((tag.facet, level), []).append(tag)
    return {key: sorted(found, key=lambda tag: -tag.weight) for key, found in sorted(groups.items(), key=_order)}


def _order(pair: tuple[tuple[str, int], list[Tag]]) -> tuple[int, str, int]:
    facet, level = pair[0]
    known = ("category", "brand", "colour", PRICE_BAND)
    return (known.index(facet) if facet in known else len(known), facet, level)


def group_name(visit: Visit, key: tuple[str, int]) -> str:
    """A facet for people; a level of a path by its number."""
    facet, level = key
    name = visit.say(facet) if facet in ("category", "brand", "colour", PRICE_BAND) else facet
    return f"{name} {level}" if level else name


def rows(view: "View", tags: Sequence[Tag]) -> None:
    """One bar a tag; the notch is where everybody's share ends."""
    visit = view.visit
    most = max(max(tag.weight, tag.weight / tag.lift if tag.lift else 0.0) for tag in tags)
    with El("ul.likings"):
        for tag in tags[:SHOWN]:
            row(view, tag, most)
    if len(tags) > SHOWN:
        with El("details"):
            El("summary", visit.say("more_n", n=len(tags) - SHOWN))
            with El("ul.likings"):
                for tag in tags[SHOWN:]:
                    row(view, tag, most)


def row(view: "View", tag: Tag, most: float) -> None:
    """A tag: its bar, its figures, and a button that says why."""
    visit = view.visit
    name = visit.say("band_of", value=tag.value) if tag.facet == PRICE_BAND else tag.value
    everybody = tag.weight / tag.lift if tag.lift else 0.0
    trend = "rising" if tag.trend >= RISING else "falling" if tag.trend <= FALLING else ""
    with El("li.liking"):
        with El("button.liking-name", type="button", title=visit.say("why")).act("click", lambda: why(view, tag)):
            El("span", name.replace(CATEGORY_SEPARATOR, " / ") if tag.facet == "category" else name)
        bar = f'<i class="{"" if tag.lift >= 1 else "pale"}" style="width:{100 * tag.weight / most:.1f}%"></i>'
        notch = f'<b class="notch" style="left:{100 * everybody / most:.1f}%"></b>'
        drawn(f'<span class="bar-track">{bar}</span>{notch}', "span.liking-bar").props("aria-hidden=true")
        El("span.n.liking-share", percent(tag.weight, 1))
        El("span.n.liking-lift", f"{number(tag.lift, int(tag.lift < 100))}×", title=visit.say("lift"))
        El("span.n.note", percent(tag.confidence), title=visit.say("confidence"))
        El("span.n.note.wide-only", visit.say("events_n", n=number(tag.n)))
        El(f"span.note.wide-only.trend{'.' + trend if trend else ''}", visit.say(trend) if trend else "")


async def why(view: "View", tag: Tag) -> None:
    """A dialog: the tag in words, and the goods and acts it rests on."""
    visit = view.visit
    with visit.client, ui.dialog() as dialog, El("div.sheet", role="dialog", aria_label=visit.say("why")):
        with El("div.sheet-head"):
            El("h2", visit.say("why_tag", tag=tag.value))
            button("", dialog.close, "quiet.icon-only", symbol="close", label=visit.say("close"))
        place = El("div.stack.wide")
        with place:
            waiting(visit.say("loading"))
    dialog.open()
    found = await visit.ask(
        visit.shop.people.explain_tag, view.user_id, tag.facet, tag.value, view.as_of, language=visit.language
    )
    place.clear()
    with place:
        El("p", found.reading)
        El("h3", visit.say("evidence"))
        with El("ul.evidence"):
            for one in found.witnesses[:20]:
                with El("li"):
                    drawn(icon("check", 16), "span.symbol")
                    El(
                        "span",
                        f"{visit.say('act_' + one.action)} · {one.title or one.item_id}"
                        + (f" × {one.n}" if one.n > 1 else ""),
                    )
                    El("span.note.small.nowrap", f"{percent(one.share)} · {visit.day(one.last_seen)}")
        El("p.note.small.mono", f"{visit.say('version')} {tag.version}")
