"""Segments: the saved ones, how they overlap, and everyone by recency, frequency and cohort."""

from collections.abc import Sequence
from urllib.parse import urlencode

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.profiles.local import number, percent
from mien.shop.segment_tables import Retention, RfmGrid
from mien.shop.segments import Segment
from mien.web.console.segment_charts import overlap_chart, retention_table, rfm_grid
from mien.web.console.segment_links import NEW, PATH, segment_address
from mien.web.look.parts import El, card, link, told, waiting
from mien.web.look.visit import Visit

MOST = 8
"""Segments whose overlap can be asked for at once."""


async def segments(visit: Visit, asked: QueryParams) -> None:
    """The saved ones; the overlap of those named by `with`."""
    ui.page_title(visit.say("nav_segments"))
    with El("div.page-head"):
        with El("div"):
            El("h1", visit.say("nav_segments"))
            lead = El("p.note")
        link(visit.say("segment_new"), NEW, "a.button.primary")
    place = El("div.stack.wide")
    with place:
        waiting(visit.say("loading"), 6)
    visit.ready.set()
    everyone = await visit.ask(visit.shop.segments.preview, "events.all >= 0", 0)
    found = await visit.ask(visit.shop.segments.all)
    rfm = await visit.ask(visit.shop.segments.rfm)
    retention = await visit.ask(visit.shop.segments.retention)
    lead.set_text(visit.say("segments_lead", n=number(everyone.of), out=number(everyone.left_out)))
    place.clear()
    with place:
        saved(visit, found, everyone.of)
        if len(found) > 1:
            with card(visit.say("overlap"), visit.say("overlap_more")):
                await overlapping(visit, found, [name for name in asked.getlist("with") if name][:MOST])
        whole(visit, rfm, retention)


def saved(visit: Visit, found: Sequence[Segment], everyone: int) -> None:
    """A line a segment."""
    with El("section.card"):
        if not found:
            told("filter", visit.say("segments_none"), visit.say("segments_none_more"))
            return
        caption = visit.say("nav_segments")
        with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
            El("caption.hidden", caption)
            with El("thead"), El("tr"):
                for key, spec in (("segment_one", "th"), ("segment_size", "th.n"), ("segment_share", "th.n"),
                                  ("segment_rule", "th.wide-only"), ("segment_saved", "th.wide-only")):  # fmt: skip
                    El(spec, visit.say(key), scope="col")
            with El("tbody"):
                for one in found:
                    with El("tr"):
                        with El("th", scope="row"):
                            link(one.name, segment_address(one.name))
                        El("td.n", number(one.size or 0))
                        El("td.n", percent((one.size or 0) / everyone, 1) if everyone else "–")
                        El("td.mono.small.wide-only", one.text)
                        El("td.nowrap.wide-only", visit.moment(one.saved))


async def overlapping(visit: Visit, found: Sequence[Segment], chosen: list[str]) -> None:
    """Which segments are compared, and their overlap."""
    known = [one.name for one in found]
    chosen = [name for name in chosen if name in known] or [one.name for one in found[:3]]

    def address(name: str) -> str:
        names = [one for one in chosen if one != name] if name in chosen else [*chosen, name]
        return f"{PATH}?{urlencode([('with', one) for one in names] or [('with', '')])}"

    with El("div.line", role="group", aria_label=visit.say("overlap")):
        for name in known:
            on = name in chosen
            link(name, address(name), "a.chip.accent" if on else "a.chip", aria_current="true" if on else None)
    if len(chosen) < 2:
        El("p.note", visit.say("overlap_few"))
        return
    overlap_chart(visit, await visit.ask(visit.shop.segments.overlap, chosen), chosen)


def whole(visit: Visit, rfm: RfmGrid, retention: Retention) -> None:
    """RFM and retention, of everyone or of a segment."""
    with El("div.grid"):
        with card(visit.say("rfm"), visit.say("rfm_more", without=number(rfm.without)), spec="section.card.third"):
            rfm_grid(visit, rfm)
        with card(visit.say("retention"), visit.say("retention_more"), spec="section.card.two-thirds"):
            retention_table(visit, retention)
