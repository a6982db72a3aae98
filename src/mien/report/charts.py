"""Charts as text: bars in a table and columns in an SVG, without a script and without the network.

A chart never stands alone: bars are rows of a real table, and columns have their table folded up beneath them, so
that a screen reader, a printer and a search find every number. Colours come from the page's style.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape

WIDE, NARROW = 720, 400
HEIGHT, LEFT, BOTTOM, TOP = 200, 48, 24, 10
"""Sizes of a drawing in its own units; the page scales it to the room there is."""


def bar_table(caption: str, heads: tuple[str, str], counts: Mapping[str, int], *, kind: str = "plain") -> str:
    """A table of counts, most frequent first, each with a bar relative to the largest. Nothing for no counts.

    `kind`: plain, good, warm or bad: the colour of the bars.
    """
    if not counts:
        return ""
    most = max(counts.values()) or 1
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="n">{n:,}</td>'
        f'<td class="bar" aria-hidden="true"><i class="{kind}" style="width:{100 * n / most:.2f}%"></i></td></tr>'
        for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    head = f'<tr><th scope="col">{escape(heads[0])}</th><th scope="col" class="n">{escape(heads[1])}</th><td></td></tr>'
    return f'<table class="bars"><caption>{escape(caption)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>'


def shares(label: str, parts: Sequence[tuple[str, str, int]]) -> str:
    """One bar made of parts `(name, kind, count)` with a legend that says the counts; parts of 0 are left out."""
    total = sum(n for _, _, n in parts)
    shown = [(name, kind, n) for name, kind, n in parts if n]
    if not total:
        return ""
    strip = "".join(f'<i class="{kind}" style="flex-grow:{n}"></i>' for _, kind, n in shown)
    legend = "".join(
        f'<li><i class="{kind}"></i>{escape(name)} <b>{n:,}</b> <span>{_percent(n, total)}</span></li>'
        for name, kind, n in shown
    )
    return (
        f'<div class="shares" role="group" aria-label="{escape(label, quote=True)}">'
        f'<div class="strip" aria-hidden="true">{strip}</div><ul class="legend">{legend}</ul></div>'
    )


def columns(
    caption: str, heads: tuple[str, str], pairs: Sequence[tuple[str, int]], table_label: str, *, width: int = WIDE
) -> str:
    """A column chart of `(label, count)` in order, with its numbers in a table beneath. Nothing for no pairs."""
    if not pairs:
        return ""
    top = _round_up(max(n for _, n in pairs))
    plot, step = HEIGHT - BOTTOM - TOP, (width - LEFT) / len(pairs)
    gap = min(2.0, step * 0.2)
    marks = []
    for k, (label, n) in enumerate(pairs):
        tall = plot * n / top
        place = f'x="{LEFT + k * step + gap / 2:.1f}" y="{TOP + plot - tall:.1f}"'
        size = f'width="{step - gap:.1f}" height="{tall:.1f}"'
        marks.append(f'<rect {place} {size} rx="1"><title>{escape(label)}: {n:,}</title></rect>')
    wide = ' class="wide"' if width == WIDE else ""
    rows = "".join(f'<tr><th scope="row">{escape(label)}</th><td class="n">{n:,}</td></tr>' for label, n in pairs)
    head = f'<tr><th scope="col">{escape(heads[0])}</th><th scope="col" class="n">{escape(heads[1])}</th></tr>'
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<svg{wide} viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{escape(caption, quote=True)}">'
        f"{_grid(top, plot, width)}{''.join(marks)}{_labels([label for label, _ in pairs], step, width)}</svg>"
        f"<details><summary>{escape(table_label)}</summary><table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        "</details></figure>"
    )


def _labels(names: Sequence[str], step: float, width: int) -> str:
    """At most eight names under the columns; every second one gives way on a narrow screen."""
    every = max(1, -(-len(names) // 8))
    marks = []
    for nth, k in enumerate(range(0, len(names), every)):
        x = LEFT + (k + 0.5) * step
        if x < width - 20:
            second = ' class="second"' if nth % 2 else ""
            marks.append(f'<text{second} x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(names[k])}</text>')
    return "".join(marks)


def by_period(days: Mapping[str, int]) -> tuple[str, list[tuple[str, int]]]:
    """Counts per ISO date as `(unit, pairs)` that fit a chart: per day, per week (its Monday) or per month.

    Days without an event count 0, so that a gap in the data is seen.
    """
    if not days:
        return "day", []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    span = (last - first).days + 1
    unit = "day" if span <= 120 else "week" if span <= 1100 else "month"
    totals: dict[str, int] = {}
    for k in range(span):
        day = first + timedelta(days=k)
        name = _period(day, unit)
        totals[name] = totals.get(name, 0) + days.get(day.isoformat(), 0)
    return unit, list(totals.items())


def _period(day: date, unit: str) -> str:
    if unit == "month":
        return day.isoformat()[:7]
    return (day - timedelta(days=day.weekday()) if unit == "week" else day).isoformat()


def _grid(top: int, plot: int, width: int) -> str:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = TOP + plot * (1 - part)
        lines.append(
            f'<line x1="{LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(top * part)}</text>'
        )
    return "".join(lines)


def _round_up(most: int) -> int:
    """The next of 2, 4, 6, 8, 10, 20, 40, … so that the middle of the axis is a round number."""
    size = 1
    while 10 * size < most:
        size *= 10
    return next(size * part for part in (2, 4, 6, 8, 10) if size * part >= most)


def _short(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


def _percent(n: int, total: int) -> str:
    share = 100 * n / total
    return f"{share:.1f} %" if share >= 0.1 else "< 0.1 %"
