"""Charts over ECharts, in the colours of the page and with their numbers in a table for whoever cannot see them.

Drawn as SVG, whose colours are the style sheet's own, so that light and dark need no second drawing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from mien.web.look.parts import El, table
from mien.web.look.visit import Visit

INK, INK_2, LINE, SURFACE = "var(--ink)", "var(--ink-2)", "var(--line)", "var(--surface)"
COLOURS = tuple(f"var(--c{k})" for k in range(1, 9))
"""Colours of series, in order; each can be told from its neighbours in both modes."""
FAMILY = (
    'Roboto, "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", '
    '"Noto Sans SC", sans-serif'
)
"""The fonts of `look.css` by name: texts are measured on a canvas, which knows nothing of what it would inherit."""
FONT = {"color": INK_2, "fontSize": 12, "fontFamily": FAMILY}


def chart(
    visit: Visit,
    caption: str,
    options: Mapping[str, Any],
    *,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    height: int = 260,
    on_point: Callable[[Any], Any] | None = None,
) -> ui.echart:
    """A drawing by ECharts' `options`, laid over the house's own, and its numbers as a table (`heads`, `rows`).

    `on_point`: is handed the event of a click on a point. Axes name their unit (`axis`).
    """
    with El("figure.chart-frame"):
        El("figcaption.hidden", caption)
        drawing = ui.echart({**_base(options), **options}, on_point_click=on_point, renderer="svg")
        drawing.classes("chart").style(f"height:{height}px").props(f'role="img" aria-label="{_plain(caption)}"')
        with El("details"):
            El("summary", visit.say("numbers"))
            table(heads, rows, numbers=range(1, len(heads)), caption=caption)
    return drawing


def axis(name: str = "", *, values: Sequence[str] | None = None, **more: Any) -> dict[str, Any]:
    """An axis: of categories where it has `values`, of numbers else; `name`: what it measures, with its unit."""
    lines = {"lineStyle": {"color": LINE}}
    kind: dict[str, Any] = {"type": "value"} if values is None else {"type": "category", "data": list(values)}
    return {
        **kind,
        "name": name,
        "nameTextStyle": {**FONT, "align": "left" if values is None else "right"},
        "axisLabel": {**FONT, "hideOverlap": True},
        "axisLine": {**lines, "show": values is not None},
        "axisTick": {"show": False},
        "splitLine": {**lines, "show": values is None},
        **more,
    }


def series(kind: str, name: str, data: Sequence[float | None], at: int = 0, **more: Any) -> dict[str, Any]:
    """One series in the `at`-th colour: bar, line or area (a line with its area filled)."""
    colour = COLOURS[at % len(COLOURS)]
    made: dict[str, Any] = {"name": name, "data": list(data), "itemStyle": {"color": colour}, "color": colour}
    if kind == "bar":
        made |= {"type": "bar", "barMaxWidth": 28}
        made["itemStyle"] = {"color": colour, "borderRadius": [2, 2, 0, 0]}
    else:
        made |= {"type": "line", "showSymbol": False, "lineStyle": {"width": 2, "color": colour}}
        if kind == "area":
            made["areaStyle"] = {"opacity": 0.22, "color": colour}
    return made | more


def _base(options: Mapping[str, Any]) -> dict[str, Any]:
    """The house's own; a legend only where there are several series, and room for it over the axis' name."""
    several = len(options.get("series", ())) > 1
    tip = {"backgroundColor": SURFACE, "borderColor": LINE, "textStyle": {"color": INK, "fontSize": 12}, "padding": 10}
    return {
        "animation": False,
        "textStyle": {"fontFamily": FAMILY},
        "color": list(COLOURS),
        "grid": {"left": 8, "right": 12, "top": 62 if several else 36, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True, "appendToBody": False, **tip},
        "legend": {"show": several, "type": "scroll", "top": 0, "left": 0, "icon": "roundRect", "itemWidth": 10,
                   "itemGap": 18, "itemHeight": 10, "textStyle": FONT, "pageTextStyle": FONT},
    }  # fmt: skip


def _plain(text: str) -> str:
    """A text that may stand in a quoted property."""
    return text.replace("\\", "").replace('"', "”")
