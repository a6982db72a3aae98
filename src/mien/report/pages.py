"""Pages: one self-contained HTML file each, light and dark, in English or Chinese. No script, no network."""

from html import escape

from mien.prepare.reasons import describe
from mien.prepare.report import QualityReport
from mien.report.charts import NARROW, bar_table, by_period, columns, shares
from mien.report.wording import Language, action_name, say

STYLE = """
:root{color-scheme:light dark;--paper:#faf9f6;--card:#fff;--ink:#23272f;--soft:#6a6f78;--line:#e4e1da;
--plain:#3d6b8f;--good:#3f7d6b;--warm:#c58a2c;--bad:#b2503f;--dim:#a9adb3}
@media(prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1d2025;--ink:#e7e6e2;--soft:#9a9fa8;--line:#30343b;
--plain:#7fb0d6;--good:#74bda6;--warm:#e0ad57;--bad:#e0806d;--dim:#5d636c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Noto Sans CJK SC","Microsoft YaHei",
sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;font-weight:650;text-wrap:balance}
.lead{color:var(--soft);margin:0 0 2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:0 0 1.5rem;padding:0}
.tiles div,section{background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.tiles div{padding:.8rem 1rem}
.tiles dt{color:var(--soft);font-size:.85rem}
.tiles dd{margin:0;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
section{padding:1.1rem 1.25rem 1.25rem;margin:0 0 1rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:0 1rem}
h2,caption,figcaption{font-size:1rem;font-weight:600;text-align:start;margin:0 0 .6rem}
caption{margin:0;padding:0 0 .3rem}
.strip{display:flex;gap:2px;height:1.1rem;border-radius:.3rem;overflow:hidden}
.strip i{min-width:2px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;padding:0;margin:.7rem 0 0;font-size:.9rem}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:.2rem;margin-inline-end:.45rem}
.legend span,.note{color:var(--soft)}.note{font-size:.85rem;margin:.7rem 0 0}
i.plain{background:var(--plain)}i.good{background:var(--good)}i.warm{background:var(--warm)}
i.bad{background:var(--bad)}i.dim{background:var(--dim)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{font-weight:400;text-align:start;padding:.22rem .6rem .22rem 0}
thead th{color:var(--soft);font-size:.8rem;border-bottom:1px solid var(--line)}
thead td{border-bottom:1px solid var(--line)}
.n{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{width:45%;padding-inline-start:.8rem}
.bar i{display:block;height:.7rem;border-radius:.2rem;min-width:2px}
th.n{padding-inline-end:0}
figure{margin:0}svg{display:block;width:100%;height:auto;overflow:visible}
svg polyline{fill:none;stroke-width:2}.curve .plain{stroke:var(--plain)}.curve .warm{stroke:var(--warm)}
.curve .good{stroke:var(--good)}
.curve circle{fill:var(--card);stroke-width:2}svg rect{fill:var(--plain)}
svg line{stroke:var(--line)}svg text{fill:var(--soft);font-size:11px}
td{padding:.22rem .6rem .22rem 0;vertical-align:top}.n{padding-inline-start:.6rem}
.heat th,.heat td{padding:.25rem .4rem;white-space:nowrap}.wide-scroll{overflow-x:auto}
code{font-size:.9rem;overflow-wrap:anywhere}
ol,ul{margin:0;padding-inline-start:1.2rem;font-size:.9rem}.tiles+section{margin-top:0}
details{font-size:.9rem;margin-top:.5rem}summary{color:var(--soft);cursor:pointer;width:max-content}
details table{max-width:22rem;margin-top:.4rem}
@media(max-width:40rem){svg.wide text{font-size:18px}svg.wide .second{display:none}}
@media print{section,.tiles div{break-inside:avoid}}
"""


def page(title: str, lead: str, body: str, language: Language) -> str:
    """A whole document around `body` (HTML); `title` and `lead` are plain text."""
    lang = "zh-Hans" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<header><h1>{escape(title)}</h1>"
        f'<p class="lead">{escape(lead)}</p></header>\n{body}\n</main>\n</body>\n</html>\n'
    )


def quality_page(report: QualityReport, *, title: str | None = None, language: Language = "en") -> str:
    """The quality report as a page. The report is checked first: a page never shows counts that do not add up."""
    report.check()
    sections = [_tiles(report, language), _destinations(report, language), _over_time(report, language)]
    sections += [_habits(report, language), _reasons(report, language)]
    sections.append(f'<p class="note">{escape(say("adds_up", language))}</p>')
    body = "\n".join(section for section in sections if section)
    return page(title or say("quality", language), say("quality_lead", language), body, language)


def _tiles(report: QualityReport, language: Language) -> str:
    a, j = report.arrivals, report.judged
    tiles = [("came_in", f"{a.read:,}")] if a else [("events", f"{j.events:,}")]
    tiles += [("kept", f"{j.kept:,}"), ("changed", f"{j.changed:,}"), ("dropped", f"{sum(j.dropped.values()):,}")]
    tiles.append(("flagged", f"{j.flagged:,}"))
    cells = "".join(f"<div><dt>{escape(say(key, language))}</dt><dd>{text}</dd></div>" for key, text in tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _destinations(report: QualityReport, language: Language) -> str:
    a, j = report.arrivals, report.judged
    parts = [
        (say("untouched", language), "good", j.untouched),
        (say("changed", language), "warm", j.changed),
        (say("dropped", language), "bad", sum(j.dropped.values())),
    ]
    if a is not None:
        parts.append((say("gone", language), "dim", sum(report.gone.values())))
        parts.append((say("known", language), "dim", a.duplicates + a.conflicts + a.erased + a.no_consent))
        parts.append((say("rejected", language), "plain", sum(a.rejected.values())))
    label = say("where_rows_went", language)
    strip = shares(label, parts)
    notes = f'<p class="note">{escape(" · ".join(_also(report, language)))}</p>' if _also(report, language) else ""
    return f"<section><h2>{escape(label)}</h2>{strip}{notes}</section>" if strip else ""


def _also(report: QualityReport, language: Language) -> list[str]:
    notes = []
    if report.refunds is not None and report.refunds.paired + report.refunds.unpaired:
        total = report.refunds.paired + report.refunds.unpaired
        notes.append(f"{say('refunds', language)}: {report.refunds.paired:,} {say('of', language)} {total:,}")
    if report.repeats is not None:
        notes.append(f"{say('repeats', language)}: {report.repeats:,}")
    return notes


def _over_time(report: QualityReport, language: Language) -> str:
    unit, pairs = by_period(report.judged.days)
    heads = (say(unit, language), say("events", language))
    chart = columns(say(f"per_{unit}", language), heads, pairs, say("numbers", language))
    return f"<section>{chart}</section>" if chart else ""


def _habits(report: QualityReport, language: Language) -> str:
    j = report.judged
    if not j.kept:
        return ""
    actions = {action_name(action, language): n for action, n in j.actions.items()}
    table = bar_table(say("per_action", language), (say("action", language), say("events", language)), actions)
    hours = [(f"{hour}", n) for hour, n in enumerate(j.hours)]
    heads = (say("hour", language), say("events", language))
    chart = columns(say("per_hour", language), heads, hours, say("numbers", language), width=NARROW)
    return f'<div class="pair"><section>{table}</section><section>{chart}</section></div>'


def _reasons(report: QualityReport, language: Language) -> str:
    j = report.judged
    rejected = report.arrivals.rejected if report.arrivals else {}
    groups = [("why_rejected", "plain", rejected), ("why_dropped", "bad", j.dropped)]
    groups += [("why_changed", "warm", j.repairs), ("why_flagged", "dim", j.flags)]
    heads = (say("reason", language), say("events", language))
    cards = []
    for key, kind, counts in groups:
        if not counts:
            continue
        words = {describe(word, language): n for word, n in counts.items()}
        several = sum(counts.values()) > {"why_changed": j.changed, "why_flagged": j.flagged}.get(
            key, sum(counts.values())
        )
        note = f'<p class="note">{escape(say("several", language))}</p>' if several else ""
        cards.append(f"<section>{bar_table(say(key, language), heads, words, kind=kind)}{note}</section>")
    return f'<div class="pair">{"".join(cards)}</div>' if cards else ""
