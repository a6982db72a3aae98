"""A learning curve as a page: loss on seen and held-out behaviour, NDCG on held-out, the verdict, the numbers."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from mien.report.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDE
from mien.report.pages import page
from mien.report.wording import Language

if TYPE_CHECKING:
    from mien.models.behaviour.curve import Curve

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "How the behaviour model learnt", "loss": "Loss", "ndcg": "NDCG@10 on held-out behaviour",
        "seen": "seen behaviour", "unseen": "held-out behaviour", "epoch": "epoch", "kept": "kept",
        "numbers": "Numbers", "seconds": "CPU seconds",
    },
    "zh": {
        "title": "行为模型的学习过程", "loss": "损失", "ndcg": "留出行为上的 NDCG@10",
        "seen": "已见行为", "unseen": "留出行为", "epoch": "轮次", "kept": "已保留",
        "numbers": "数值", "seconds": "CPU 秒",
    },
}  # fmt: skip


def curve_page(curve: "Curve", *, title: str, language: Language = "en") -> str:
    """Self-contained HTML: two charts, a sentence, and a table of every number."""
    words = _WORDS[language]
    points = curve.points
    loss: list[tuple[str, str, list[float | None]]] = [(words["seen"], "plain", [point.loss for point in points])]
    if any(point.validation_loss is not None for point in points):
        loss.append((words["unseen"], "warm", [point.validation_loss for point in points]))
    charts = lines(words["loss"], words["epoch"], loss)
    if any(point.ndcg is not None for point in points):
        charts += lines(words["ndcg"], words["epoch"], [(words["unseen"], "good", [point.ndcg for point in points])])
    body = f"{charts}<section>{_table(curve, words)}</section>"
    return page(f"{title} – {words['title']}", curve.words(language), body, language)


def lines(caption: str, axis: str, series: Sequence[tuple[str, str, Sequence[float | None]]]) -> str:
    """A line chart of `(name, kind, values by epoch)`; a gap where a value is None. Nothing for no values."""
    known = [value for _, _, values in series for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1.0
    low, high = low - 0.05 * room, high + 0.05 * room
    n, plot = max(len(values) for _, _, values in series), HEIGHT - BOTTOM - TOP

    def place(k: int, value: float) -> str:
        x = LEFT + (WIDE - LEFT - 12) * (k / max(n - 1, 1))
        return f"{x:.1f},{TOP + plot * (1 - (value - low) / (high - low)):.1f}"

    drawn, legend = [], []
    for name, kind, values in series:
        dots = [place(k, value) for k, value in enumerate(values) if value is not None]
        drawn.append(f'<polyline class="{kind}" points="{" ".join(dots)}"/>')
        drawn += [f'<circle class="{kind}" cx="{d.split(",")[0]}" cy="{d.split(",")[1]}" r="3"/>' for d in dots]
        legend.append(f'<li><i class="{kind}"></i>{escape(name)}</li>')
    marks = "".join(
        f'<line x1="{LEFT}" x2="{WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        for value in (low, (low + high) / 2, high)
        for y in [TOP + plot * (1 - (value - low) / (high - low))]
    )
    labels = "".join(
        f'<text x="{place(k, low).split(",")[0]}" y="{HEIGHT - 6}" text-anchor="middle">{k + 1}</text>'
        for k in range(0, n, max(1, n // 12))
    )
    return (
        f"<section><figure><figcaption>{escape(caption)} · {escape(axis)}</figcaption>"
        f'<svg class="wide curve" viewBox="0 0 {WIDE} {HEIGHT}" role="img" aria-label="{escape(caption, quote=True)}">'
        f'{marks}{"".join(drawn)}{labels}</svg><ul class="legend">{"".join(legend)}</ul></figure></section>'
    )


def _table(curve: "Curve", words: dict[str, str]) -> str:
    heads = (words["epoch"], words["seen"], words["unseen"], "NDCG@10", "Recall@10", words["seconds"])
    head = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in heads)
    rows = ""
    for point in curve.points:
        mark = f" · {words['kept']}" if point.epoch == curve.best else ""
        figures = (point.loss, point.validation_loss, point.ndcg, point.recall)
        cells = "".join(f'<td class="n">{"–" if figure is None else f"{figure:.4f}"}</td>' for figure in figures)
        cells += f'<td class="n">{point.seconds:.0f}</td>'
        rows += f'<tr><th scope="row" class="n">{point.epoch + 1}{mark}</th>{cells}</tr>'
    return (
        f"<table><caption>{escape(words['numbers'])}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
