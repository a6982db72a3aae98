"""What the command line shows people: a profile, an answer with its reasons, the honest table, the quality report.

Every function takes plain values and a rich console; none asks a clock or a store. Text of strangers is never read
as markup.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mien import translation
from mien.core.profile import Profile, Tag
from mien.core.query import Answer, Reason
from mien.report.wording import Language, action_name, facet_name, intent_name, say

if TYPE_CHECKING:
    from mien.prepare.report import QualityReport

BAR = 16
"""Characters of the longest bar."""


def print_quality(console: Console, report: "QualityReport", language: Language = "en") -> None:
    """The five lines of a quality report."""
    for line in report.lines(language):
        head, mark, rest = line.partition("：" if language == "zh" else ": ")
        console.print(f"[bold]{escape(head)}[/]{mark}{escape(rest)}", highlight=False)


def print_profile(console: Console, profile: Profile, language: Language = "en", *, tags: int = 8) -> None:
    """A profile on one screen: summary, traits, activity, value and the strongest tags of each facet."""
    console.print(f"[bold]{escape(profile.user_id)}[/]  [dim]{escape(profile.version)}[/]", highlight=False)
    if profile.summary:
        console.print(profile.summary, markup=False, highlight=False)
    for label, text in _facts(profile, language):
        console.print(f"[dim]{label}[/]  {escape(text)}", highlight=False)
    for facet, found in _by_facet(profile.tags).items():
        console.print(_tag_table(facet, found[:tags], language))
    for intent in profile.intent:
        why = f"  [dim]{escape('; '.join(intent.reasons))}[/]" if intent.reasons else ""
        name = intent_name(intent.name, language)
        console.print(f"[bold]{escape(name)}[/]  {intent.probability:.0%}{why}", highlight=False)
    if profile.next_items:
        shown = " · ".join(item.title or item.item_id for item in profile.next_items[:5])
        console.print(f"[dim]{say('next_items', language)}[/]  {escape(shown)}", highlight=False)


def print_training(console: Console, trained: Mapping[str, Any], language: Language = "en") -> None:
    """What was trained: a line a model, with how it went and what must be known of it; then what was left out."""
    for one in trained["models"]:
        found = [*([one["verdict"]] if "verdict" in one else ()), *one["notes"]] or ["fitted"]
        told = [translation.say(note, language) for note in found]
        console.print(f"{one['model']}: {' '.join(told)}", highlight=False, markup=False, soft_wrap=True)
    for note in trained.get("notes", ()):
        console.print(translation.say(note, language), highlight=False, markup=False, soft_wrap=True)


def _facts(profile: Profile, language: Language) -> list[tuple[str, str]]:
    facts = []
    if profile.traits:
        facts.append(("traits", " · ".join(f"{trait.name} {trait.value}" for trait in profile.traits)))
    if profile.activity is not None:
        counts = sorted(((n["all"], action) for action, n in profile.activity.counts.items()), reverse=True)
        acts = " · ".join(f"{action_name(action, language)} {n:,}" for n, action in counts)
        facts.append(("activity", f"{acts} · {say('sessions', language)} {profile.activity.sessions:,}"))
    if profile.value is not None:
        v = profile.value
        paid = f" · {v.spend:,.2f} (⌀ {v.average_order:,.2f})" if v.spend is not None else ""
        rfm = f" · RFM {v.rfm}" if v.rfm else ""
        facts.append(("value", f"{say('orders', language)} {v.orders:,}{paid}{rfm}"))
        if v.expected is not None:
            facts.append(("expected", f"{v.expected.spend:,.2f} / {v.expected.days} {say('days', language)}"))
    if profile.behaviour is not None and profile.behaviour.next_action:
        likely = sorted(profile.behaviour.next_action.items(), key=lambda pair: -pair[1])[:3]
        facts.append(("next", " · ".join(f"{action_name(action, language)} {p:.0%}" for action, p in likely)))
    if profile.segments:
        facts.append(("segments", " · ".join(profile.segments)))
    return [(say(key, language), text) for key, text in facts]


def _by_facet(tags: Iterable[Tag]) -> dict[str, list[Tag]]:
    facets: dict[str, list[Tag]] = {}
    for tag in tags:
        facets.setdefault(tag.facet, []).append(tag)
    return {facet: sorted(found, key=lambda tag: -tag.weight) for facet, found in facets.items()}


def _tag_table(facet: str, tags: list[Tag], language: Language) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(
        escape(facet_name(facet, language)), style="bold", header_style="bold", overflow="fold", min_width=20
    )
    table.add_column("", width=BAR)
    for key in ("weight", "lift", "confidence", "events"):
        table.add_column(say(key, language), justify="right")
    most = max((tag.weight for tag in tags), default=0.0) or 1.0
    for tag in tags:
        bar = "█" * max(1, round(BAR * tag.weight / most))
        table.add_row(
            escape(tag.value),
            f"[cyan]{bar}[/]",
            f"{tag.weight:.1%}",
            f"{tag.lift:.1f}×",
            f"{tag.confidence:.0%}",
            f"{tag.n}",
        )
    return table


def print_answer(console: Console, answer: Answer, title: str, language: Language = "en", *, reasons: int = 3) -> None:
    """An answer as a table: rank, title, score and its weightiest reasons, each with what it adds."""
    shown = say("personal" if answer.personalised else "not_personal", language)
    facts = f"{shown} · {answer.total:,} {say('found', language)} · {answer.took_ms:.0f} ms"
    console.print(f"[bold]{escape(title)}[/]  [dim]{facts}[/]", highlight=False)
    if answer.understood:
        parts = [f"{facet_name(one.facet, language)} {one.value} (“{one.text}”)" for one in answer.understood]
        console.print(f"{say('understood', language)} {' · '.join(parts)}", markup=False, highlight=False)
    for note in answer.notes:
        console.print(note, style="yellow", markup=False, highlight=False)
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("#", justify="right", style="dim")
    table.add_column(say("item", language), overflow="fold", ratio=2)
    table.add_column(say("score", language), justify="right")
    table.add_column(say("reasons", language), overflow="fold", ratio=3)
    for result in answer.results:
        why = _why(result.reasons, reasons, language)
        table.add_row(str(result.rank), escape(result.title or result.item_id), f"{result.score:.3f}", why)
    console.print(table)
    for move in answer.moves:
        console.print(f"{move.rank:>4}  {move.text}", markup=False, highlight=False)
    for absent in answer.absent:
        console.print(absent.text, style="yellow", markup=False, highlight=False)


def _why(reasons: Iterable[Reason], most: int, language: Language) -> str:
    """The weightiest reasons, and the sum of the others, so that what is shown still adds up to the score."""
    given = (reason for reason in reasons if reason.contribution)
    ranked = sorted(given, key=lambda reason: -abs(reason.contribution))
    parts = [f"{escape(reason.text)} [dim]{reason.contribution:+.3f}[/]" for reason in ranked[:most]]
    rest = sum(reason.contribution for reason in ranked[most:])
    if ranked[most:]:
        parts.append(f"{say('other_reasons', language)} [dim]{rest:+.3f}[/]")
    return " · ".join(parts)


MODEL_FIGURES = ("ndcg@10", "recall@10", "coverage@10")
PROFILE_FIGURES = ("auroc", "baseline_auroc", "f1", "baseline_f1")
"""What fits a terminal of 80 columns; the JSON document has all."""


def print_evaluation(console: Console, evaluation: Mapping[str, Any], language: Language = "en") -> None:
    """The honest table: every model beside popularity and repeat purchase, then how true the profile's tags are.

    A figure is its mean with its 95 % interval, the best of a column in bold; of the profile the baseline's mean only.
    """
    models, profile = list(evaluation.get("models", ())), list(evaluation.get("profile", ()))
    if models:
        named = [(str(row["model"]), row) for row in models]
        console.print(_figures(say("model", language), named, MODEL_FIGURES))
    if profile:
        named = [(_facet_label(row, language), _with_plain_baseline(row)) for row in profile]
        console.print(_figures(say("facet", language), named, PROFILE_FIGURES))
    console.print(f"[dim]{say('intervals', language)}[/]", highlight=False)


def _facet_label(row: Mapping[str, Any], language: Language) -> str:
    level = row.get("level") or ""
    return f"{facet_name(str(row['facet']), language)} {level}".strip()


def _with_plain_baseline(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _mean(figure) if name.startswith("baseline") else figure for name, figure in row.items()}


def _figures(head: str, rows: list[tuple[str, Mapping[str, Any]]], names: Iterable[str]) -> Table:
    """One row an entry, a column for each of `names` that any row has."""
    names = [name for name in names if any(_mean(row.get(name)) is not None for _, row in rows)]
    best = {name: max(m for _, row in rows if (m := _mean(row.get(name))) is not None) for name in names}
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column(escape(head), style="bold", overflow="fold")
    for name in names:
        table.add_column(escape(name.replace("_", " ")), justify="right", no_wrap=True)
    for label, row in rows:
        table.add_row(escape(label), *(_figure(row.get(name), best[name] if len(rows) > 1 else None) for name in names))
    return table


def _mean(figure: Any) -> float | None:
    if isinstance(figure, Mapping):
        figure = figure.get("mean")
    return float(figure) if isinstance(figure, (int, float)) and not isinstance(figure, bool) else None


def _figure(figure: Any, best: float | None) -> str:
    mean = _mean(figure)
    if mean is None:
        return "–"
    text = f"[bold]{_short(mean)}[/]" if mean == best else _short(mean)
    if isinstance(figure, Mapping) and figure.get("low") is not None and figure.get("high") is not None:
        text += f" [dim]\\[{_short(figure['low'])}, {_short(figure['high'])}][/]"
    return text


def _short(number: float) -> str:
    """Shares as in the literature, .227; counts as they are."""
    if abs(number) < 1:
        return f"{number:.3f}".replace("0.", ".", 1)
    return f"{number:,.0f}" if number == int(number) and number != 1 else f"{number:,.3f}"


def print_study(console: Console, document: Mapping[str, Any]) -> None:
    """A study: what it is about, then its rows (`models`) with every figure they have, the best of each in bold."""
    facts = [f"{name} {value}" for name, value in document.items() if isinstance(value, (str, int, float))]
    console.print(" · ".join(facts), markup=False, highlight=False, style="dim")
    rows = [row for row in document.get("models", ()) if isinstance(row, Mapping)]
    groups = ("model", "task", "shop", "target", "label", "slice", "dataset")
    labelled = [(" · ".join(str(row[name]) for name in groups if name in row), row) for row in rows]
    names = dict.fromkeys(
        name for row in rows for name, value in row.items() if name not in groups and _is_figure(value)
    )
    if labelled:
        console.print(_figures("", labelled, names))
    for row in rows:
        for note in (*([row["verdict"]] if "verdict" in row else ()), *row.get("notes", ())):
            console.print(f"{row.get('model', '')}: {note}", markup=False, highlight=False)


def _is_figure(value: Any) -> bool:
    return _mean(value) is not None
