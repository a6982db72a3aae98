"""The live panel: the shopper's profile beside the page, changing as they act."""

from html import escape
from urllib.parse import urlencode

from nicegui import ui

from mien.core.clock import DAY_US, to_us
from mien.core.item import CATEGORY_SEPARATOR
from mien.core.profile import Profile, Tag
from mien.features.prices import PRICE_BAND
from mien.profiles.local import number, percent
from mien.shop.people import Deed
from mien.web.look.icons import icon
from mien.web.look.parts import El, button, drawn, switch
from mien.web.look.visit import Visit
from mien.web.storefront.shopping import Shopping
from mien.web.storefront.switcher import choose_shopper

TAGS, DEEDS = 8, 6
LOOK_S = 3.0
"""How often it is looked whether something else has changed the profile."""


class Panel:
    """Who shops, and what is known of them; `draw` again whenever something changed."""

    def __init__(self, shopping: Shopping) -> None:
        self.shopping, self.visit = shopping, shopping.visit
        self._shown: dict[tuple[str, str], float] = {}
        self._events = -1
        with El("aside.panel", aria_label=self.visit.say("profile_live"), id="panel") as self.frame:
            with El("div.panel-head"):
                with El("div.stack"):
                    El("h2", self.visit.say("profile_live"))
                    self.name = El("p.note.small", shopping.name)
                close = El(
                    "button.button.quiet.icon-only.panel-close", type="button", aria_label=self.visit.say("close")
                )
                with close.act("click", self.toggle):
                    drawn(icon("close", 18), "span.symbol")
            with El("div.line"):
                button(self.visit.say("change_shopper"), self._choose, "small", symbol="person")
                if not shopping.newcomer and self.visit.may("read"):
                    El("a.button.small", self.visit.say("whole_profile"), href=address(shopping.user_id or "")).on(
                        "click.stop", js_handler="() => {}"
                    )
            switch(self.visit.say("without"), not shopping.personalise, self._plain)
            self.body = drawn("", "div.panel-body")
        with El("button.button.primary.panel-open", type="button", aria_controls="panel").act("click", self.toggle):
            drawn(icon("pulse", 18), "span.symbol")
            El("span", self.visit.say("profile_short"))
        shopping.listeners.append(self.draw)
        self.visit.later(self.frame, self._follow)

    def toggle(self) -> None:
        """On a phone the panel comes up as a sheet, and goes."""
        self.frame.classes(toggle="open")

    async def draw(self) -> None:
        """Read the profile and show it; what grew or came since the last time is marked."""
        self.name.text = self.shopping.name
        profile = await self.shopping.profile()
        if profile is None or not profile.events:
            self.body.content = nothing(self.visit)
            self._shown, self._events = {}, 0
            return
        deeds = await self._deeds()
        tags = strongest(profile.tags)
        first = self._events < 0
        grown = set() if first else {_key(tag) for tag in tags if tag.weight > self._shown.get(_key(tag), 0.0) + 0.0005}
        self.body.content = known(self.visit, profile, tags, grown, deeds)
        self._shown, self._events = {_key(tag): tag.weight for tag in tags}, profile.events

    async def _deeds(self) -> tuple[Deed, ...]:
        person = await self.visit.ask(self.visit.shop.people.person, self.shopping.user_id or "")
        return (await self.visit.ask(person.deeds, "", DEEDS)).deeds

    async def _follow(self) -> None:
        ui.timer(LOOK_S, self._look)

    async def _look(self) -> None:
        user_id = self.shopping.user_id
        if user_id and await self.visit.ask(self.visit.shop.people.events, user_id) != max(self._events, 0):
            await self.draw()

    async def _plain(self, without: bool) -> None:
        self.shopping.prefer(not without)
        await self.visit.client.sub_pages_router.refresh()

    async def _choose(self) -> None:
        await choose_shopper(self.shopping)


def address(user_id: str) -> str:
    """Where the console shows all of somebody."""
    return f"/console/user?{urlencode({'id': user_id})}"


def strongest(tags: tuple[Tag, ...]) -> list[Tag]:
    """The tags that tell most, the weightiest first: the deepest of a path, those liked more than others do it.

    Where nothing is liked more than others do, what there is.
    """
    deep = [tag for tag in tags if not any(_within(other, tag) for other in tags)]
    telling = [tag for tag in deep if tag.lift > 1.0] or deep
    telling.sort(key=lambda tag: (-tag.weight * min(tag.lift, 3.0), tag.value))
    return sorted(telling[:TAGS], key=lambda tag: (-tag.weight, tag.value))


def _within(other: Tag, tag: Tag) -> bool:
    return other.facet == tag.facet and other.value.startswith(tag.value + "/")


def _key(tag: Tag) -> tuple[str, str]:
    return tag.facet, tag.value


def nothing(visit: Visit) -> str:
    """What stands there while nobody is known."""
    return (
        f'<div class="state">{icon("pulse", 28)}<p class="state-title">{escape(visit.say("nothing_known"))}</p>'
        f'<p class="note">{escape(visit.say("nothing_known_more"))}</p></div>'
    )


def known(visit: Visit, profile: Profile, tags: list[Tag], grown: set[tuple[str, str]], deeds: tuple[Deed, ...]) -> str:
    """What is known, as markup; every text of strangers is escaped."""
    parts = [f'<p class="panel-summary">{escape(profile.summary)}</p>', facts(visit, profile)]
    if tags:
        most = max(tag.weight for tag in tags)
        rows = "".join(tag_row(visit, tag, most, _key(tag) in grown) for tag in tags)
        parts.append(f'<h3>{escape(visit.say("tags"))}</h3><ul class="panel-tags">{rows}</ul>')
    else:
        parts.append(f'<p class="note">{escape(visit.say("no_tags_yet"))}</p>')
    if profile.behaviour is not None:
        likely = sorted(profile.behaviour.next_action.items(), key=lambda pair: -pair[1])[:3]
        told = " · ".join(f"{visit.say('act_' + action)} {percent(chance)}" for action, chance in likely)
        parts.append(f"<h3>{escape(visit.say('next_likely'))}</h3><p>{escape(told)}</p>")
    parts.append(f'<h3>{escape(visit.say("latest"))}</h3><ol class="panel-deeds">')
    parts += [deed_row(visit, deed, to_us(profile.as_of)) for deed in deeds]
    return "".join(parts) + "</ol>"


def facts(visit: Visit, profile: Profile) -> str:
    """Stage of life, events and money in a line of figures."""
    pairs = [(visit.say("events"), number(profile.events))]
    if profile.activity is not None:
        stage = visit.stage(profile.activity.lifecycle)
        pairs.insert(0, (visit.say("lifecycle"), stage))
    if profile.value is not None:
        pairs.append((visit.say("orders"), number(profile.value.orders)))
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="panel-facts">{cells}</dl>'


def tag_row(visit: Visit, tag: Tag, most: float, grown: bool) -> str:
    """A tag with its share as a bar, and how much more it is than everybody's."""
    name = visit.say("band_of", value=tag.value) if tag.facet == PRICE_BAND else last_part(tag)
    facet = visit.say(tag.facet) if tag.facet in ("category", "brand", "colour", "price_band") else tag.facet
    title = escape(f"{facet}: {tag.value}", quote=True)
    return (
        f'<li class="panel-tag{" grown" if grown else ""}" title="{title}"><span class="bar-name">{escape(name)}</span>'
        f'<span class="bar-value">{percent(tag.weight)}</span>'
        f'<span class="bar-track" aria-hidden="true"><i style="width:{100 * tag.weight / most:.1f}%"></i></span>'
        f'<span class="note small">{escape(facet)} · {number(tag.lift, int(tag.lift < 10))}×</span></li>'
    )


def last_part(tag: Tag) -> str:
    """A value; of a path its last part."""
    return tag.value.rpartition(CATEGORY_SEPARATOR)[2] if tag.facet == "category" else tag.value


def deed_row(visit: Visit, deed: Deed, now_us: int) -> str:
    """One thing done, and when."""
    what = deed.title or deed.query or deed.item_id or ""
    fresh = now_us - to_us(deed.at) < DAY_US
    when = visit.moment(deed.at).rpartition(" ")[2] if fresh else visit.day(deed.at)
    return (
        f'<li><span class="chip">{escape(visit.say("act_" + deed.action))}</span>'
        f'<span class="deed-what">{escape(what)}</span><span class="note small nowrap">{escape(when)}</span></li>'
    )
