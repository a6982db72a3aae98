"""The overview: what happened lately, and how the shop stands."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.core.event import ACTIONS
from mien.features.pulse import Pulse
from mien.prepare.reasons import describe
from mien.profiles.local import beginning, number, percent
from mien.shop.standing import Overview
from mien.web.console.fresh import freshness
from mien.web.console.measured import measured
from mien.web.look.bars import Bar, ranking, strip
from mien.web.look.charts import axis, chart, series
from mien.web.look.parts import El, card, drawn, link, stat, told
from mien.web.look.visit import Visit

PATH = "/console"
WINDOWS = (7, 28, 91)
"""Days that can be looked at; up to 7 are counted by the hour."""


async def overview(visit: Visit, asked: QueryParams) -> None:
    """How the shop stands, with what happened in the last `days`."""
    ui.page_title(visit.say("nav_overview"))
    days = next((n for n in WINDOWS if str(n) == asked.get("days")), 28)
    found = await visit.ask(visit.shop.overview, days)
    runs = await visit.ask(visit.shop.evaluations)
    with El("div.page-head"):
        with El("div"):
            El("h1", visit.say("nav_overview"))
            at, built = visit.moment(found.as_of), visit.moment(found.built_as_of)
            El("p.note", visit.say("overview_lead", at=at, built=built))
        windows(visit, days)
    figures(visit, found)
    with El("div.grid.even"):
        with card(visit.say("events_by"), spec="section.card.two-thirds"):
            happened(visit, found.pulse)
        with card(visit.say("funnel"), visit.say("funnel_more"), spec="section.card.third"):
            funnel(visit, found.pulse)
        with card(visit.say("active_users"), spec="section.card.half"):
            coming(visit, found.pulse)
        with card(visit.say("quality_data"), visit.say("quality_data_more"), spec="section.card.half"):
            quality(visit, found.quality)
        measured(visit, runs)
        freshness(visit, found)


def windows(visit: Visit, days: int) -> None:
    """The choice of a period."""
    with El("nav.choices", aria_label=visit.say("window")):
        for n in WINDOWS:
            link(
                visit.say("days_n", n=n), f"{PATH}?{urlencode({'days': n})}", aria_current="true" if n == days else None
            )


def figures(visit: Visit, found: Overview) -> None:
    """The figures one looks at first."""
    with El("div.stats"):
        stat(visit.say("users"), number(found.users), visit.say("with_profile"))
        for days, users in found.active.items():
            label = visit.say("active_1") if days == 1 else visit.say("active_n", n=days)
            share = percent(users / found.users, 1) if found.users else "–"
            stat(label, number(users), visit.say("share_of_users", share=share))
        pulse = found.pulse
        stat(
            visit.say("events_in", n=pulse.days), number(pulse.events), visit.say("users_in", n=number(pulse.users))
        )  # fmt: skip
        waits = visit.say("unfolded_some" if found.unfolded else "unfolded_none")
        stat(visit.say("unfolded"), number(found.unfolded), waits)
        stat(visit.say("letters"), number(found.dead_letters), visit.say("letters_more"))


def happened(visit: Visit, pulse: Pulse) -> None:
    """Events by hour or day, a colour an action."""
    if not pulse.events:
        told("pulse", visit.say("no_events"), visit.say("no_events_more"))
        return
    actions = [str(action) for action in ACTIONS if str(action) in pulse.counts]
    names = {action: visit.say(f"act_{action}") for action in actions}
    columns = [
        series("bar", names[action], pulse.counts[action], _colour(action), stack="events", barMaxWidth=40,
               itemStyle={"color": series("bar", "", [], _colour(action))["color"]})
        for action in actions
    ]  # fmt: skip
    unit = visit.say(f"per_{pulse.unit}")
    options = {"xAxis": axis(values=short(visit, pulse.starts)), "yAxis": axis(unit), "series": columns}
    rows = [
        [beginning(start, visit.language, year=True), *(number(pulse.counts[action][k]) for action in actions)]
        for k, start in enumerate(pulse.starts)
        if any(pulse.counts[action][k] for action in actions)
    ]
    heads = [visit.say(pulse.unit), *names.values()]
    chart(visit, f"{visit.say('events_by')}, {unit}", options, heads=heads, rows=rows, height=300)


def _colour(action: str) -> int:
    """The place of an action's colour: the three that lead to money are told apart best."""
    order = ("purchase", "refund", "view", "cart", "favourite", "impression", "click", "search")
    return order.index(action) if action in order else 5


def short(visit: Visit, starts: Sequence[str]) -> list[str]:
    """Days or hours as an axis names them."""
    return [beginning(start, visit.language) for start in starts]


def funnel(visit: Visit, pulse: Pulse) -> None:
    """How many came how far."""
    steps = pulse.funnel
    if steps is None:
        told("filter", visit.say("funnel_none"), visit.say("funnel_none_more"))
        return
    bars, before = [], None
    for step, users in steps.items():
        note = visit.say("of_before", share=percent(users / before, 1)) if before else ""
        bars.append(Bar(visit.say(f"act_{step}"), float(users), number(users), note))
        before = users
    drawn(ranking(visit.say("funnel"), bars))


def coming(visit: Visit, pulse: Pulse) -> None:
    """Users who did something, day by day."""
    if not pulse.users:
        told("person", visit.say("no_events"), visit.say("no_events_more"))
        return
    unit = visit.say("users_a_day")
    line = series("area", visit.say("active_users"), pulse.active, 2)
    options = {"xAxis": axis(values=short(visit, pulse.active_days)), "yAxis": axis(unit), "series": [line]}
    rows = [
        [beginning(day, visit.language, year=True), number(n)]
        for day, n in zip(pulse.active_days, pulse.active, strict=True)
    ]
    chart(visit, visit.say("active_users"), options, heads=[visit.say("day"), unit], rows=rows, height=240)


def quality(visit: Visit, report: Mapping[str, Any] | None) -> None:
    """Where the rows went, and why."""
    if report is None:
        told("info", visit.say("quality_none"), visit.say("run_build"))
        return
    judged, arrivals = report["judged"], report.get("arrivals") or {}
    rejected = arrivals.get("rejected", {})
    parts = [
        (visit.say("untouched"), "good", judged["untouched"]),
        (visit.say("changed"), "warm", judged["changed"]),
        (visit.say("dropped"), "bad", sum(judged["dropped"].values())),
        (visit.say("rejected"), "blue", sum(rejected.values())),
    ]
    drawn(strip(visit.say("quality_data"), parts))
    bars = [
        *_why(visit, rejected, "rejected", "blue"), *_why(visit, judged["dropped"], "dropped", "seal"),
        *_why(visit, judged["repairs"], "changed", "warm"),
    ]  # fmt: skip
    if bars:
        drawn(ranking(visit.say("reasons"), bars))
    else:
        El("p.note", visit.say("all_plain"))
    if judged["flagged"]:
        El("p.note", visit.say("flagged_n", n=number(judged["flagged"])))


def _why(visit: Visit, counts: Mapping[str, int], fate: str, kind: str) -> Sequence[Bar]:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    told_ = [(describe(word, visit.language), n) for word, n in ranked]
    return [
        Bar(visit.say("of", what=visit.say(fate), text=words), float(n), number(n), kind=kind) for words, n in told_
    ]
