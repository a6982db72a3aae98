"""How good the recommendations were measured to be, on the newest run and over the runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from mien.core.clock import parse_time
from mien.profiles.local import number
from mien.studies.evaluate import HUMBLE
from mien.web.look.bars import Span, spans
from mien.web.look.charts import axis, chart, series
from mien.web.look.parts import El, card, drawn, told
from mien.web.look.visit import Visit

FIGURE = "ndcg@10"
DRAWN = 8
"""Models whose trend is drawn: as many as there are colours."""


def measured(visit: Visit, runs: Sequence[Mapping[str, Any]]) -> None:
    """Two cards: the newest run, and the trend."""
    if not runs:
        with card(visit.say("models_quality"), spec="section.card"):
            told("info", visit.say("models_none"), visit.say("models_none_more"))
        return
    newest = runs[-1]
    split = newest["evaluation"]["split"]
    lead = visit.say(
        "models_quality_more",
        at=visit.moment(parse_time(newest["at"])),
        split=visit.day(parse_time(split["at"])),
        n=number(split["users"]),
    )
    with card(visit.say("models_quality"), lead, spec="section.card.half"):
        newest_run(visit, newest)
    with card(visit.say("trend"), spec="section.card.half"):
        trend(visit, runs)


def newest_run(visit: Visit, run: Mapping[str, Any]) -> None:
    """Each model's mean with its interval, best first; baselines in a quieter colour."""
    rows = [(str(row["model"]), row[FIGURE]) for row in run["evaluation"]["models"] if FIGURE in row]
    rows.sort(key=lambda pair: -pair[1]["mean"])
    bars = [
        Span(name, figure["mean"], figure["low"], figure["high"],
             f"{_short(figure['mean'])} [{_short(figure['low'])}, {_short(figure['high'])}]",
             "pale" if name in HUMBLE else "")
        for name, figure in rows
    ]  # fmt: skip
    drawn(spans(visit.say("models_quality"), bars))


def trend(visit: Visit, runs: Sequence[Mapping[str, Any]]) -> None:
    """The mean of each model, run after run."""
    if len(runs) < 2:
        El("p.note", visit.say("trend_one"))
        return
    found = [{row["model"]: row[FIGURE]["mean"] for row in run["evaluation"]["models"]} for run in runs]
    names = sorted(found[-1], key=lambda name: -found[-1][name])[:DRAWN]
    labels = [visit.moment(parse_time(run["at"])) for run in runs]
    drawn_lines = [
        series("line", name, [one.get(name) for one in found], k, showSymbol=True) for k, name in enumerate(names)
    ]
    options = {"xAxis": axis(values=labels), "yAxis": axis("NDCG@10", scale=True), "series": drawn_lines}
    rows = [
        [label, *("–" if one.get(name) is None else _short(one[name]) for name in names)]
        for label, one in zip(labels, found, strict=True)
    ]
    chart(visit, visit.say("trend"), options, heads=[visit.say("run"), *names], rows=rows, height=280)


def _short(value: float) -> str:
    return f"{value:.3f}"
