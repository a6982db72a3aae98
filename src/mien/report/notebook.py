"""What profiles and answers look like in a notebook: the report's own sections, in a frame of their own."""

from functools import partial
from html import escape

from mien.core.profile import Profile
from mien.core.query import Answer
from mien.core.showing import show_by
from mien.report.person import grid, profile_parts, why
from mien.report.wording import Language, say

STYLE = """<style>
.mien{--plain:#3d6b8f;--good:#3f7d6b;--soft:#6a6f78;--line:#d9d6cf;max-width:60rem;
font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif}
.mien h3{margin:0 0 .2em;font-size:1.2em}.mien h2,.mien caption,.mien figcaption{font-size:1em;font-weight:600;
text-align:left;margin:.8em 0 .3em;padding:0}
.mien p,.mien .note{color:var(--soft);margin:0 0 .6em}
.mien .tiles{display:flex;flex-wrap:wrap;gap:.4em 2em;margin:0}.mien dt{color:var(--soft);font-size:.85em}
.mien dd{margin:0;font-size:1.2em;font-weight:600}
.mien .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:0 2em}
.mien table{border-collapse:collapse;width:100%;margin:0}.mien tr{background:none!important}
.mien th,.mien td{text-align:left!important;padding:.15em .6em .15em 0!important;font-weight:400;border:0}
.mien thead th{color:var(--soft);font-size:.85em}.mien .n{text-align:right!important;font-variant-numeric:tabular-nums}
.mien .bar{width:40%}.mien .bar i{display:block;height:.65em;border-radius:.2em;min-width:2px;background:var(--plain)}
.mien .bar i.good{background:var(--good)}.mien svg{width:100%;height:auto}.mien svg rect{fill:var(--plain)}
.mien svg line{stroke:var(--line)}.mien svg text{fill:var(--soft);font-size:11px}.mien details{display:none}
</style>"""


def install(language: Language, currency: str) -> None:
    """Profiles and answers show themselves from now on, in this language and money."""
    show_by(Profile, partial(profile_card, language=language, currency=currency))
    show_by(Answer, partial(answer_card, language=language))


def profile_card(profile: Profile, *, language: Language = "en", currency: str = "USD") -> str:
    """A profile as HTML for a cell."""
    head = f"<h3>{escape(profile.user_id)}</h3><p>{escape(profile.summary)}</p>"
    return f'{STYLE}<div class="mien">{head}{"".join(profile_parts(profile, language, currency))}</div>'


def answer_card(answer: Answer, *, language: Language = "en") -> str:
    """An answer as HTML for a cell: what was found, and why."""
    rows = [
        (str(one.rank), one.title or one.item_id, f"{one.score:.3f}", why(one.reasons, language))
        for one in answer.results
    ]
    shown = say("personal" if answer.personalised else "not_personal", language)
    head = f"<p>{escape(shown)} · {answer.total:,} {escape(say('found', language))}</p>"
    heads = ("#", say("item", language), say("score", language), say("reasons", language))
    return f'{STYLE}<div class="mien">{head}{grid(heads, rows, numbers=(2,))}</div>'
