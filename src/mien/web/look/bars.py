"""Bars drawn as plain HTML: rankings, and the summands of a score. Pure text to text; every name is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mien.core.query import Reason
from mien.profiles.local import number, percent


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `share` 0 … 1 of the longest possible, `value` as it is written, `note` in small print beside."""

    name: str
    share: float
    value: str
    note: str = ""
    kind: str = ""


def ranking(caption: str, bars: Sequence[Bar]) -> str:
    """A list of bars under each other, relative to their longest; read out as a list."""
    most = max((bar.share for bar in bars), default=0.0) or 1.0
    rows = "".join(
        f'<li class="bar-row"><span class="bar-name">{escape(bar.name)}</span>'
        f'<span class="bar-track" aria-hidden="true"><i class="{escape(bar.kind, quote=True)}" '
        f'style="width:{max(0.0, min(100.0, 100 * bar.share / most)):.2f}%"></i></span>'
        f'<span class="bar-value">{escape(bar.value)}</span>'
        + (f'<span class="bar-note">{escape(bar.note)}</span>' if bar.note else "")
        + "</li>"
        for bar in bars
    )
    return f'<ul class="bars" aria-label="{escape(caption, quote=True)}">{rows}</ul>'


def strip(caption: str, parts: Sequence[tuple[str, str, int]]) -> str:
    """One bar made of parts `(name, kind, count)`, with a legend that says the counts; parts of 0 are left out."""
    shown = [part for part in parts if part[2]]
    total = sum(n for _, _, n in shown) or 1
    bar = "".join(f'<i class="{escape(kind, quote=True)}" style="flex-grow:{n}"></i>' for _, kind, n in shown)
    legend = "".join(
        f'<li><i class="{escape(kind, quote=True)}"></i>{escape(name)} <b>{number(n)}</b> '
        f"<span>{percent(n / total, 1)}</span></li>"
        for name, kind, n in shown
    )
    return (
        f'<div class="strip-frame"><div class="strip" aria-hidden="true">{bar}</div>'
        f'<ul class="strip-legend" aria-label="{escape(caption, quote=True)}">{legend}</ul></div>'
    )


@dataclass(frozen=True, slots=True)
class Span:
    """A mean with its interval. `value`: as it is written."""

    name: str
    mean: float
    low: float
    high: float
    value: str
    kind: str = ""


def spans(caption: str, rows: Sequence[Span]) -> str:
    """Bars of means from 0 on one scale, each with the whisker of its interval."""
    most = max((max(one.high, one.mean) for one in rows), default=0.0) or 1.0

    def at(value: float) -> str:
        return f"{max(0.0, min(100.0, 100 * value / most)):.2f}%"

    drawn = "".join(
        f'<li class="bar-row"><span class="bar-name">{escape(one.name)}</span>'
        f'<span class="bar-track span" aria-hidden="true"><i class="{escape(one.kind, quote=True)}" '
        f'style="width:{at(one.mean)}"></i><b style="left:{at(one.low)};width:{at(one.high - one.low)}"></b></span>'
        f'<span class="bar-value">{escape(one.value)}</span></li>'
        for one in rows
    )
    return f'<ul class="bars spans" aria-label="{escape(caption, quote=True)}">{drawn}</ul>'


def summands(caption: str, reasons: Sequence[Reason], score: float, words: tuple[str, str]) -> str:
    """The reasons of a score as bars on one scale, each beginning where the one before it ended.

    What adds goes right, what takes away goes left, and the last line is their sum. `words`: what base and score are
    called.
    """
    steps, at = [], 0.0
    for reason in reasons:
        steps.append((reason, at, at + reason.contribution))
        at += reason.contribution
    low = min([0.0, score, *(min(a, b) for _, a, b in steps)])
    high = max([0.0, score, *(max(a, b) for _, a, b in steps)])
    scale = 100.0 / ((high - low) or 1.0)

    def bar(start: float, end: float, kind: str) -> str:
        left, wide = (min(start, end) - low) * scale, abs(end - start) * scale
        place = f"left:{left:.2f}%;width:{wide:.2f}%"
        return f'<span class="sum-track" aria-hidden="true"><i class="{kind}" style="{place}"></i></span>'

    rows = "".join(
        f'<li class="sum-row"><span class="sum-text">{escape(words[0] if one.kind == "base" else one.text)}</span>'
        f"{bar(start, end, 'down' if one.contribution < 0 else 'up')}"
        f'<span class="sum-value">{signed(one.contribution)}</span></li>'
        for one, start, end in steps
    )
    total = (
        f'<li class="sum-row sum-total"><span class="sum-text">{escape(words[1])}</span>{bar(0.0, score, "total")}'
        f'<span class="sum-value">{number(score, 3)}</span></li>'
    )
    return f'<ol class="sums" aria-label="{escape(caption, quote=True)}">{rows}{total}</ol>'


def signed(value: float) -> str:
    """ "+0.250", "−0.031", "0.000"."""
    text = number(value, 3)
    return f"+{text}" if value > 0 and float(text) else text
