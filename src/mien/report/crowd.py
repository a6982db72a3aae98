"""A segment as a page: how many, what tells them apart, by recency and frequency, and whether they come back."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mien.profiles.local import money, number, percent
from mien.profiles.wording import LIFECYCLES
from mien.report.pages import page
from mien.report.person import section, tiles
from mien.report.wording import Language, facet_name, say

DEEPEST = 55
"""Percent of colour in the fullest cell, so that text on it can be read."""
COHORTS = 14


def segment_page(
    name: str, told: Mapping[str, Any], *, language: Language = "en", currency: str = "USD", lead: str = ""
) -> str:
    """Self-contained HTML. `told`: `versus`, `rfm`, `retention` as `/v1/segments` tells them, and `text`, the rule."""
    versus, rfm, retention = told["versus"], told["rfm"], told["retention"]
    size, of = versus["size"], versus["of"]
    share = percent(size / of, 1) if of else "–"
    spend = sum(map(sum, rfm["spend"]))
    figures = [
        (say("size", language), number(size)), (say("of_everyone", language), share),
        (say("spent", language), money(spend, currency, language)),
    ]  # fmt: skip
    parts = [
        tiles(figures),
        f"<section><h2>{escape(say('rule', language))}</h2><code>{escape(told['text'])}</code></section>",
    ]
    if versus["rows"]:
        parts.append(section(say("apart", language), _apart(versus["rows"], language)))
    if size:
        parts.append(
            f'<div class="pair">{section(say("rfm", language), rfm_table(rfm["users"], language))}'
            f"{section(say('comes_back', language), cohort_table(retention['cohorts'], language))}</div>"
        )
    return page(name, lead, "\n".join(parts), language)


def _apart(rows: Sequence[Mapping[str, Any]], language: Language) -> str:
    heads = "".join(
        f'<th scope="col"{" class=n" if k > 1 else ""}>{escape(say(key, language))}</th>'
        for k, key in enumerate(("facet_of", "value_of", "share_in", "share_of_all", "tgi", "confidence"))
    )
    body = "".join(
        f'<tr><td>{escape(_facet(row["facet"], language))}</td><th scope="row">{escape(_value(row, language))}</th>'
        f'<td class="n">{percent(row["share"], 1)}</td><td class="n">{percent(row["everyone_share"], 1)}</td>'
        f'<td class="n">{number(row["tgi"])}</td><td class="n">{percent(row["confidence"])}</td></tr>'
        for row in rows
    )
    note = f'<p class="note">{escape(say("tgi_is", language))}</p>'
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{note}"


def _facet(name: str, language: Language) -> str:
    return say("lifecycle", language) if name == "lifecycle" else facet_name(name, language)


def _value(row: Mapping[str, Any], language: Language) -> str:
    value = str(row["value"])
    return LIFECYCLES[language].get(value, value) if row["facet"] == "lifecycle" else value


def rfm_table(users: Sequence[Sequence[int]], language: Language) -> str:
    """Five by five, recency down and frequency across, the best on top and to the right."""
    most = max((n for row in users for n in row), default=0) or 1
    head = "".join(f'<th scope="col" class="n">{f}</th>' for f in range(1, 6))
    body = "".join(
        f'<tr><th scope="row">{r}</th>{"".join(_cell(number(n), n / most) for n in users[r - 1])}</tr>'
        for r in range(5, 0, -1)
    )
    corner = f"{say('recency', language)} ↓ {say('frequency', language)} →"
    heads = f'<tr><td class="note">{escape(corner)}</td>{head}</tr>'
    return f'<table class="heat"><thead>{heads}</thead><tbody>{body}</tbody></table>'


def cohort_table(cohorts: Sequence[Mapping[str, Any]], language: Language) -> str:
    """A row a cohort, the share that did anything in each later period."""
    shown = cohorts[-COHORTS:]
    wide = max((len(one["active"]) for one in shown), default=1)
    head = "".join(f'<th scope="col" class="n">+{k}</th>' for k in range(1, wide))
    rows = []
    for one in shown:
        shares = [n / one["users"] if one["users"] else 0.0 for n in one["active"][1:]]
        cells = "".join(_cell(percent(share), share) for share in shares)
        rows.append(
            f'<tr><th scope="row">{escape(one["period"])}</th><td class="n">{number(one["users"])}</td>{cells}</tr>'
        )
    cohort, users = (escape(say(key, language)) for key in ("cohort", "users_n"))
    heads = f'<tr><th scope="col">{cohort}</th><th scope="col" class="n">{users}</th>{head}</tr>'
    body = "".join(rows)
    return f'<div class="wide-scroll"><table class="heat"><thead>{heads}</thead><tbody>{body}</tbody></table></div>'


def _cell(text: str, share: float) -> str:
    deep = DEEPEST * max(0.0, min(1.0, share))
    return f'<td class="n" style="background:color-mix(in srgb,var(--good) {deep:.0f}%,transparent)">{text}</td>'
