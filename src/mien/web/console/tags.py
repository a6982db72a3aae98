"""Tags: of each facet who has one, how telling and how fresh they are, and how well they foretell."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.profiles.census import DAYS, LIFTS, FacetCensus
from mien.profiles.local import number, percent
from mien.profiles.wording import FACETS
from mien.shop.standing import FacetTags, Tags
from mien.web.console.segment_links import segment_link
from mien.web.look.bars import Bar, Span, ranking, spans
from mien.web.look.charts import axis, chart, series
from mien.web.look.parts import El, card, drawn, link, told, waiting
from mien.web.look.visit import Visit

PATH = "/console/tags"
SHOWN = 20
"""Tags that are listed of a facet."""


async def tags(visit: Visit, asked: QueryParams) -> None:
    """Every facet in a line, and the one that is chosen by `facet` and `level`."""
    ui.page_title(visit.say("nav_tags"))
    with El("div.page-head"), El("div"):
        El("h1", visit.say("nav_tags"))
        lead = El("p.note")
    place = El("div.stack.wide")
    with place:
        waiting(visit.say("counting"), 6)
    visit.ready.set()
    found = await visit.ask(visit.shop.tags)
    lead.set_text(visit.say("tags_lead", at=visit.moment(found.as_of)))
    place.clear()
    with place:
        draw(visit, found, asked)


def draw(visit: Visit, found: Tags, asked: QueryParams) -> None:
    """The table, and below it one facet."""
    if not any(one.census.tags for one in found.facets):
        told("info", visit.say("tags_none"), visit.say("tags_none_more"))
        return
    wanted = asked.get("facet", ""), asked.get("level", "")
    chosen = next((one for one in found.facets if (one.census.facet, str(one.census.level)) == wanted), None)
    chosen = chosen or max(found.facets, key=lambda one: one.census.users)
    with card(visit.say("facets"), visit.say("facets_more")):
        overview(visit, found.facets, chosen)
    El("h2.section-title", name(visit, chosen.census))
    with El("div.grid.even"):
        one_facet(visit, chosen)


def name(visit: Visit, one: FacetCensus) -> str:
    """A facet for people, with its level where it is a path."""
    facet = FACETS[visit.language].get(one.facet, one.facet)
    facet = facet[:1].upper() + facet[1:]
    return visit.say("level_of", facet=facet, level=one.level) if one.level else facet


COLUMNS = ("values", "items_covered", "users_covered", "tags_a_user", "median_lift", "sure_share", "last_sign", "auroc")


def overview(visit: Visit, facets: Sequence[FacetTags], chosen: FacetTags) -> None:
    """A line a facet, with a link to look into it."""
    caption = visit.say("facets")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines.snug"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th", visit.say("facet"), scope="col")
            for key in COLUMNS:
                El("th.n", visit.say(key), scope="col")
            El("th.n", visit.say("in_segments"), scope="col")
        with El("tbody"):
            for one in facets:
                with El("tr.chosen" if one is chosen else "tr"):
                    line(visit, one, here=one is chosen)


def line(visit: Visit, one: FacetTags, *, here: bool) -> None:
    """The figures of a facet."""
    c = one.census
    with El("th", scope="row"):
        target = f"{PATH}?{urlencode({'facet': c.facet, 'level': c.level})}"
        link(name(visit, c), target, aria_current="true" if here else None)
    auroc = one.accuracy["auroc"]["mean"] if one.accuracy else None
    cells = (
        number(c.values), percent(c.items), percent(c.users / c.of if c.of else float("nan")),
        number(c.tags / c.users, 1) if c.users else "–", _times(c.median_lift), _share(c.sure),
        "–" if c.median_days is None else number(c.median_days), "–" if auroc is None else number(auroc, 3),
        number(len(one.segments)),
    )  # fmt: skip
    for cell in cells:
        El("td.n", cell)


def one_facet(visit: Visit, one: FacetTags) -> None:
    """What most users have; lifts, freshness, accuracy, segments."""
    with card(visit.say("most_had"), visit.say("most_had_more"), spec="section.card.half"):
        drawn(ranking(visit.say("most_had"), most_had(visit, one.census)))
    with El("div.stack.wide.half"):
        with card(visit.say("lifts"), visit.say("lifts_more")):
            counted(
                visit, "lifts", "lift_axis", [_bin(low, high, "×") for low, high in pairwise(LIFTS)], one.census.lifts
            )
        with card(visit.say("signs"), visit.say("signs_more")):
            counted(visit, "signs", "days_since", [_bin(low, high) for low, high in pairwise(DAYS)], one.census.days)
        n = number(one.accuracy["users"]) if one.accuracy else ""
        lead = visit.say("foretold_more", n=n) if one.accuracy else ""
        with card(visit.say("foretold"), lead):
            foretold(visit, one.accuracy)
        with card(visit.say("used_by")):
            if not one.segments:
                El("p.note", visit.say("used_by_none"))
            with El("div.line"):
                for segment in one.segments:
                    segment_link(segment)


def most_had(visit: Visit, one: FacetCensus) -> list[Bar]:
    """A bar a tag."""
    return [
        Bar(
            tag.value if one.facet != "price_band" else visit.say("band_of", value=tag.value),
            float(tag.users),
            number(tag.users),
            visit.say("tag_note", lift=number(tag.lift, 1), sure=percent(tag.sure), days=number(tag.days)),
        )
        for tag in one.top[:SHOWN]
    ]


def counted(visit: Visit, title: str, unit: str, names: Sequence[str], counts: Sequence[int]) -> None:
    """Tags by bins, as columns."""
    options = {
        "xAxis": axis(visit.say(unit), values=names, nameLocation="middle", nameGap=28),
        "yAxis": axis(visit.say("tags_n")),
        "series": [series("bar", visit.say("tags_n"), [float(n) for n in counts], 0, barMaxWidth=56)],
        "grid": {"left": 8, "right": 12, "top": 36, "bottom": 24, "containLabel": True},
    }
    rows = [[label, number(n)] for label, n in zip(names, counts, strict=True)]
    heads = [visit.say(unit), visit.say("tags_n")]
    chart(visit, visit.say(title), options, heads=heads, rows=rows, height=220)


def foretold(visit: Visit, accuracy: Mapping[str, Any] | None) -> None:
    """AUROC and F1 beside everybody's shares, with intervals."""
    if accuracy is None:
        told("info", visit.say("foretold_none"), visit.say("foretold_none_more"))
        return
    rows = []
    for key, label in (("auroc", visit.say("auroc")), ("f1", visit.say("f1", n=accuracy["top"]))):
        for figure, whose in ((key, "of_tags"), (f"baseline_{key}", "of_everybody")):
            mean, low, high = (accuracy[figure][part] for part in ("mean", "low", "high"))
            text = f"{mean:.3f} [{low:.3f}, {high:.3f}]"
            rows.append(
                Span(
                    visit.say("of", what=label, text=visit.say(whose)), mean, low, high, text,
                    "" if whose == "of_tags" else "pale",
                )
            )  # fmt: skip
    drawn(spans(visit.say("foretold"), rows))


def _bin(low: float, high: float, unit: str = "") -> str:
    if high == float("inf"):
        return f"≥ {low:g}{unit}"
    return f"< {high:g}{unit}" if not low else f"{low:g}–{high:g}{unit}"


def _times(lift: float | None) -> str:
    return "–" if lift is None else f"{number(lift, 1)}×"


def _share(share: float | None) -> str:
    return "–" if share is None else percent(share)
