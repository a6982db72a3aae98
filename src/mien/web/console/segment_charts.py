"""What is drawn of segments: a segment beside everyone, RFM, retention, overlap."""

from collections.abc import Sequence

from mien.profiles.local import month, number, percent
from mien.profiles.wording import FACETS
from mien.shop.segment_tables import Comparison, Overlap, Retention, RfmGrid, Share
from mien.web.look.parts import El, drawn, table
from mien.web.look.upset import upset
from mien.web.look.visit import Visit

DEEPEST = 0.42
"""Opacity of the fullest cell, so that text on it can be read."""
TGI_WIDE = 300.0
"""TGI at which a bar is full."""
COHORTS = 14


def facet_label(visit: Visit, name: str) -> str:
    """A facet, trait or lifecycle for people."""
    if name == "lifecycle":
        return visit.say("f_lifecycle")
    known = FACETS[visit.language].get(name, name)
    return known[:1].upper() + known[1:] if name in FACETS[visit.language] else known


def value_label(visit: Visit, row: Share) -> str:
    """A value for people."""
    if row.facet == "lifecycle":
        return visit.stage(row.value)
    return visit.say("band_of", value=row.value) if row.facet == "price_band" else row.value


def versus_table(visit: Visit, found: Comparison) -> None:
    """A row a tag: shares, TGI as a bar from 100, how sure."""
    caption = visit.say("versus")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.table.lines"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th.wide-only", visit.say("facet"), scope="col")
            El("th", visit.say("value"), scope="col")
            for key in ("in_segment", "in_everyone", "tgi"):
                El("th.n", visit.say(key), scope="col")
            El("th.wide-only", "", aria_hidden=True)
            El("th.n", visit.say("sure"), scope="col")
        with El("tbody"):
            for row in found.rows:
                with El("tr"):
                    facet = facet_label(visit, row.facet)
                    El("td.note.nowrap.wide-only", facet)
                    with El("th", scope="row"):
                        El("span", value_label(visit, row))
                        El("span.note.small.narrow-only", facet)
                    El("td.n.nowrap", f"{percent(row.share, 1)} ({number(row.users)})")
                    El("td.n", percent(row.everyone_share, 1))
                    El("td.n", number(row.tgi))
                    with El("td.wide-only.tgi-cell"):
                        drawn(tgi_bar(row.tgi))
                    El("td.n", percent(row.confidence))


def tgi_bar(tgi: float) -> str:
    """A bar to the right of the middle above 100, to the left below."""
    wide = min(abs(tgi - 100.0) / (TGI_WIDE - 100.0 if tgi > 100 else 100.0), 1.0) * 50.0
    place = f"left:50%;width:{wide:.1f}%" if tgi >= 100 else f"left:{50 - wide:.1f}%;width:{wide:.1f}%"
    return (
        f'<span class="tgi" aria-hidden="true"><i class="{"up" if tgi >= 100 else "down"}" style="{place}"></i></span>'
    )


def rfm_grid(visit: Visit, found: RfmGrid) -> None:
    """Five by five: recency down, frequency across, the best on top and to the right."""
    most = max((n for row in found.users for n in row), default=0) or 1
    recency, frequency = visit.say("rfm_recency"), visit.say("rfm_frequency")
    caption = visit.say("rfm")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.heat-table"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            with El("td.heat-corner"):
                El("div", f"{recency} ↓")
                El("div", f"{frequency} →")
            for f in range(1, 6):
                El("th", str(f), scope="col", aria_label=f"{frequency} {f}")
        with El("tbody"):
            for r in range(5, 0, -1):
                with El("tr"):
                    El("th", str(r), scope="row", aria_label=f"{recency} {r}")
                    for f in range(1, 6):
                        n, spend = found.users[r - 1][f - 1], found.spend[r - 1][f - 1]
                        tip = visit.say("rfm_cell", n=number(n), spend=visit.money(spend))
                        El("td", number(n), title=tip).style(shade(n / most))


def retention_table(visit: Visit, found: Retention) -> None:
    """A row a cohort, its share that came back in each later month."""
    cohorts = found.cohorts[-COHORTS:]
    wide = max((len(one.active) for one in cohorts), default=0)
    caption = visit.say("retention")
    with El("div.scroll", tabindex=0, role="region", aria_label=caption), El("table.heat-table"):
        El("caption.hidden", caption)
        with El("thead"), El("tr"):
            El("th.left", visit.say("cohort"), scope="col")
            El("th", visit.say("users"), scope="col")
            for k in range(1, wide):
                El("th", visit.say("month_n", n=k), scope="col")
        with El("tbody"):
            for one in cohorts:
                with El("tr"):
                    El("th.left", period(visit, one.period), scope="row")
                    El("td.n", number(one.users))
                    for k in range(1, wide):
                        if k < len(one.active) and one.users:
                            share = one.active[k] / one.users
                            El("td", percent(share), title=number(one.active[k])).style(shade(share))
                        else:
                            El("td")


def period(visit: Visit, text: str) -> str:
    """ "2026-03" as a month; a week by its Monday."""
    year, _, rest = text.partition("-")
    return month(int(year), int(rest), visit.language) if "-" not in rest else text


def overlap_chart(visit: Visit, found: Overlap, names: Sequence[str]) -> None:
    """The UpSet drawing with its numbers."""
    if not found.intersections:
        El("p.note", visit.say("overlap_none"))
        return
    parts = [(one.segments, one.size) for one in found.intersections]
    with El("div.scroll", tabindex=0, role="region", aria_label=visit.say("overlap")):
        drawn(upset(visit.say("overlap"), {name: found.sizes[name] for name in names}, parts[:24]))
    with El("details"):
        El("summary", visit.say("numbers"))
        rows = [[" + ".join(members), number(n)] for members, n in parts]
        table([visit.say("overlap_in"), visit.say("users")], rows, numbers=(1,), caption=visit.say("overlap"))


def shade(share: float) -> str:
    """The ground of a cell, the fuller the deeper."""
    return f"background: rgb(var(--heat-under) / {DEEPEST * max(0.0, min(1.0, share)):.3f})"
