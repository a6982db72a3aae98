"""The single view of a user: who they are, why, and what it changes; now, or as it was on a day."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.core.clock import end_of_day, load_zone
from mien.core.errors import UsageError
from mien.core.profile import Profile
from mien.shop.people import Person
from mien.web.console import alike, figures, likings, person_acts, person_charts, ranked, timeline
from mien.web.console.users import KINDS
from mien.web.look.icons import icon
from mien.web.look.parts import El, chip, drawn, link
from mien.web.look.visit import Visit

PATH = "/console/user"


@dataclass(frozen=True, slots=True)
class View:
    """What the page is about. `as_of`: None is now. `person`: their events up to then."""

    visit: Visit
    user_id: str
    as_of: datetime | None
    profile: Profile
    person: Person
    first_seen: datetime | None
    now: datetime

    def address(self, day: str = "") -> str:
        """Where the same is shown, now or as of the end of a day."""
        return f"{PATH}?{urlencode({'id': self.user_id} | ({'at': day} if day else {}))}"


async def user(visit: Visit, asked: QueryParams) -> None:
    """All that is known of the user that `id` names, `at` the end of a day."""
    view = await viewed(visit, asked.get("id", ""), asked.get("at", ""))
    ui.page_title(f"{view.user_id} · {visit.say('nav_users')}")
    await visit.ask(visit.shop.note, "profile.read", view.user_id, by=visit.key_id)
    head(view)
    moments(view)
    if not view.profile.events:
        El("p.note", visit.say("nothing_then") if view.as_of else visit.say("nothing_known_user"))
    figures.draw(visit, view.profile)
    with El("div.grid"):
        with El("div.two-thirds.stack.wide"):
            likings.draw(view)
            person_charts.interests(visit, view.person)
            await ranked.draw(view)
        with El("div.third.stack.wide"):
            figures.traits(visit, view.profile)
            person_charts.outlook(visit, view.profile)
            person_charts.rhythm(visit, view.person)
            await figures.consents(visit, view.user_id)
            figures.needs(visit, view.profile)
            alike.draw(visit, view.user_id)
            figures.origin(visit, view.profile)
        timeline.draw(visit, view.person)


async def viewed(visit: Visit, user_id: str, day: str) -> View:
    """What is asked of the shop; `UnknownName` for an id never seen, `UsageError` for a day that is none."""
    as_of = None
    if day:
        as_of = end_of_day(day, visit.zone)
        as_of = None if as_of >= visit.shop.clock() else as_of
    if not user_id:
        raise UsageError(visit.say("no_user_named"))
    ask, shop, language, clear = visit.ask, visit.shop, visit.language, visit.may("admin")
    if as_of is None:
        profile, person = await asyncio.gather(
            ask(shop.profile, user_id, language=language, clear=clear), ask(shop.people.person, user_id)
        )
        newest = profile
    else:  # one after the other: the first opens that moment, the others find it open
        profile = await ask(shop.profile, user_id, as_of, language=language, clear=clear)
        person = await ask(shop.people.person, user_id, as_of)
        newest = await ask(shop.profile, user_id, language=language)
    first = newest.activity.first_seen if newest.activity else None
    return View(visit, user_id, as_of, profile, person, first, newest.as_of)


def head(view: View) -> None:
    """Who it is in a sentence, and what can be done."""
    visit, profile = view.visit, view.profile
    with El("div.page-head"):
        with El("div"):
            with El("p.crumbs"):
                link(visit.say("nav_users"), "/console/users")
                drawn(icon("next", 14), "span.symbol")
                El("span", visit.say("user"))
            with El("div.line"):
                El("h1.mono", view.user_id)
                if profile.activity:
                    chip(visit.stage(profile.activity.lifecycle), KINDS[profile.activity.lifecycle])
                for segment in profile.segments:
                    chip(segment)
        person_acts.draw(visit, view.user_id)
    if profile.summary:
        El("p.summary", profile.summary)


def moments(view: View) -> None:
    """The slider over the days the shop has known them, and the way back to now."""
    visit = view.visit
    if view.first_seen is None:
        return
    zone = load_zone(visit.zone)
    first, last = view.first_seen.astimezone(zone).date(), view.now.astimezone(zone).date()
    days = max(1, (last - first).days)
    shown = (view.as_of or view.now).astimezone(zone).date()

    def go(value: str) -> None:
        day = first + timedelta(days=int(value))
        ui.navigate.to(view.address("" if day >= last else day.isoformat()))

    def tell(value: str) -> None:
        day = datetime.combine(first + timedelta(days=int(value)), datetime.min.time(), zone)
        told.text = visit.day(day)

    with El("section.card.moments", aria_label=visit.say("as_of")):
        El("span.moments-label", visit.say("as_of"))
        El("span.note.small.nowrap", visit.day(view.first_seen))
        slider = El("input.slider", type="range", min=0, max=days, value=(shown - first).days, step=1,
                    aria_label=visit.say("as_of"), aria_valuetext=visit.day(view.as_of or view.now))  # fmt: skip
        slider.on("input", lambda e: tell(str(e.args)), js_handler="(e) => emit(e.target.value)", throttle=0.05)
        slider.act("change", go, "e.target.value")
        El("span.note.small.nowrap", visit.say("today"))
        told = El("strong.moments-day", visit.day(view.as_of) if view.as_of else visit.say("now"))
        if view.as_of is not None:
            link(visit.say("back_to_now"), view.address(), "a.button.small")
