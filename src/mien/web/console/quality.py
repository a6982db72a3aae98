"""Search quality: what people look for, what finds nothing, what is opened where; and two answers side by side."""

from collections.abc import Sequence
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.profiles.local import number, percent
from mien.shop.quality import QueryQuality, Searches
from mien.web.console.comparing import Comparing
from mien.web.look.charts import axis, chart, series
from mien.web.look.parts import El, card, link, stat, told, waiting
from mien.web.look.visit import Visit

PATH = "/console/quality"
WINDOWS = (7, 28, 91)
SHOWN = 20


async def quality(visit: Visit, asked: QueryParams) -> None:
    """The searches of some `days`, and the comparison of a query `q`."""
    ui.page_title(visit.say("nav_quality"))
    days = next((n for n in WINDOWS if str(n) == asked.get("days")), 7)
    with El("div.page-head"):
        with El("div"):
            El("h1", visit.say("nav_quality"))
            El("p.note", visit.say("quality_lead", n=days))
        with El("nav.choices", aria_label=visit.say("window")):
            for n in WINDOWS:
                target = f"{PATH}?{urlencode({'days': n})}"
                link(visit.say("days_n", n=n), target, aria_current="true" if n == days else None)
    place = El("div.stack.wide")
    with place:
        waiting(visit.say("loading"), 6)
    visit.ready.set()
    found = await visit.ask(visit.shop.quality.searches, float(days), SHOWN)
    place.clear()
    with place:
        if found.searches:
            draw(visit, found)
        else:
            with El("section.card"):
                told("search", visit.say("searches_none"), visit.say("searches_none_more"))
        with card(visit.say("side_by_side"), visit.say("side_by_side_more")):
            await Comparing(visit, asked.get("q", "") or (found.queries[0].query if found.queries else "")).draw()


def draw(visit: Visit, found: Searches) -> None:
    """Figures, queries and places."""
    with El("div.stats"):
        stat(visit.say("searches"), number(found.searches))
        for key, n in (
            ("searches_empty", found.empty),
            ("searches_clicked", found.clicked),
            ("searches_bought", found.bought),
        ):
            stat(visit.say(key), percent(n / found.searches, 1), number(n))
        stat(visit.say("impressions_dropped"), number(found.dropped), visit.say("impressions_dropped_more"))
    with El("div.grid.even"):
        with card(visit.say("top_queries"), spec="section.card.two-thirds"):
            queries(visit, found.queries, "top_queries")
        with card(visit.say("empty_queries"), visit.say("empty_queries_more"), spec="section.card.third"):
            if found.empty_queries:
                empty(visit, found.empty_queries)
            else:
                El("p.note", visit.say("empty_none"))
        if found.places:
            with card(visit.say("by_place"), visit.say("by_place_more"), spec="section.card"):
                places(visit, found)


def empty(visit: Visit, found: Sequence[QueryQuality]) -> None:
    """A line a query that found nothing."""
    caption = visit.say("empty_queries")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th", visit.say("q_query"), scope="col")
            El("th.n", visit.say("searches_empty"), scope="col")
        with El("tbody"):
            for one in found:
                with El("tr"):
                    named(one)
                    El("td.n", number(one.empty))


def named(one: QueryQuality) -> None:
    """The query, with a link to look at its answers."""
    with El("th", scope="row"):
        link(one.query or "–", f"{PATH}?{urlencode({'q': one.query})}")


def queries(visit: Visit, found: Sequence[QueryQuality], title: str) -> None:
    """A line a query, with a link to look at its answers."""
    caption = visit.say(title)
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th", visit.say("q_query"), scope="col")
            for key in ("searches", "q_click_rate", "q_purchase_rate", "q_place"):
                El("th.n", visit.say(key), scope="col")
        with El("tbody"):
            for one in found:
                with El("tr"):
                    named(one)
                    El("td.n", number(one.searches))
                    El("td.n", percent(one.click_rate))
                    El("td.n", percent(one.purchase_rate))
                    El("td.n", "–" if one.place is None else number(one.place, 1))


def places(visit: Visit, found: Searches) -> None:
    """The share opened at each place."""
    names = [str(one.place) for one in found.places]
    shares = [round(100 * one.clicked / one.shown, 2) if one.shown else 0.0 for one in found.places]
    options = {
        "xAxis": axis(visit.say("place"), values=names, nameLocation="middle", nameGap=28),
        "yAxis": axis(visit.say("place_rate")),
        "series": [series("bar", visit.say("by_place"), shares, 2)],
        "grid": {"left": 8, "right": 12, "top": 36, "bottom": 24, "containLabel": True},
    }
    heads = [visit.say("place"), visit.say("place_shown"), visit.say("searches_clicked"), visit.say("searches_bought")]
    rows = [[str(one.place), number(one.shown), number(one.clicked), number(one.bought)] for one in found.places]
    chart(visit, visit.say("by_place"), options, heads=heads, rows=rows, height=240)
