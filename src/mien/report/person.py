"""A person as a page: what is known of them, how sure, and what they are recommended and why. No script, no network."""

from collections.abc import Sequence
from html import escape

from mien.core.profile import Intent, Profile, Tag
from mien.core.query import Answer, Reason
from mien.profiles.local import moment, money, number, percent
from mien.profiles.wording import LIFECYCLES
from mien.report.charts import NARROW, columns
from mien.report.pages import page
from mien.report.wording import Language, action_name, facet_name, intent_name, say

TAGS, DEEDS, REASONS = 8, 6, 3
"""Tags of a facet, next actions, and reasons of a recommendation that are shown."""
WEEKDAYS = (("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), ("周一", "周二", "周三", "周四", "周五", "周六", "周日"))


def profile_page(
    profile: Profile,
    *,
    language: Language = "en",
    currency: str = "USD",
    zone: str = "UTC",
    recommended: Answer | None = None,
) -> str:
    """Self-contained HTML: figures, traits, tags with lift and confidence, habits, outlook, recommendations."""
    body = "\n".join(part for part in profile_parts(profile, language, currency, recommended) if part)
    at = moment(profile.as_of, zone, language)
    foot = f'<p class="note">{escape(say("read_under", language))} {escape(profile.version)} · {escape(at)}</p>'
    return page(profile.user_id, profile.summary, body + foot, language)


def profile_parts(profile: Profile, language: Language, currency: str, recommended: Answer | None = None) -> list[str]:
    """The sections, those without content empty."""
    return [
        tiles(_figures(profile, language, currency)),
        _traits(profile, language),
        _tags(profile.tags, language),
        _habits(profile, language),
        _outlook(profile, language),
        "" if recommended is None else _recommended(recommended, language),
    ]


def tiles(pairs: Sequence[tuple[str, str]]) -> str:
    """Figures with what they are."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in pairs)
    return f'<dl class="tiles">{cells}</dl>' if cells else ""


def _figures(profile: Profile, language: Language, currency: str) -> list[tuple[str, str]]:
    found = [(say("events", language), number(profile.events))]
    if profile.activity is not None:
        life = LIFECYCLES[language].get(profile.activity.lifecycle, profile.activity.lifecycle)
        found += [(say("lifecycle", language), life), (say("visits", language), number(profile.activity.sessions))]
    if profile.value is not None:
        value = profile.value
        found.append((say("orders_n", language), number(value.orders)))
        if value.spend is not None and value.average_order is not None:
            found += [
                (say("spent", language), money(value.spend, currency, language)),
                (say("average", language), money(value.average_order, currency, language)),
            ]
        found += [("RFM", value.rfm)] if value.rfm else []
    return found


def _traits(profile: Profile, language: Language) -> str:
    rows = [
        (one.name, str(one.value), say("declared", language) if one.confidence is None else percent(one.confidence))
        for one in profile.traits
    ]
    heads = (say("trait", language), say("value_of", language), say("confidence", language))
    return section(say("traits", language), grid(heads, rows)) if rows else ""


def _tags(tags: Sequence[Tag], language: Language) -> str:
    facets: dict[str, list[Tag]] = {}
    for tag in tags:
        facets.setdefault(tag.facet, []).append(tag)
    shown = [_facet(name, sorted(found, key=lambda one: -one.weight), language) for name, found in facets.items()]
    return f'<div class="pair">{"".join(shown)}</div>' if shown else ""


def _facet(name: str, tags: Sequence[Tag], language: Language) -> str:
    most = tags[0].weight or 1.0
    rows = "".join(
        f'<tr><th scope="row">{escape(tag.value)}</th><td class="bar" aria-hidden="true">'
        f'<i class="plain" style="width:{100 * tag.weight / most:.1f}%"></i></td>'
        f'<td class="n">{percent(tag.weight, 1)}</td><td class="n">{number(tag.lift, 1)}×</td>'
        f'<td class="n">{percent(tag.confidence)}</td></tr>'
        for tag in tags[:TAGS]
    )
    heads = "".join(
        f'<th scope="col" class="n">{escape(say(key, language))}</th>' for key in ("weight", "lift", "confidence")
    )
    title = escape(facet_name(name, language))
    return (
        f'<section><table class="bars"><caption>{title}</caption><thead><tr><td></td><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></section>"
    )


def _habits(profile: Profile, language: Language) -> str:
    if profile.activity is None:
        return ""
    hours = [(f"{hour}", n) for hour, n in enumerate(profile.activity.hours)]
    days = list(zip(WEEKDAYS[language == "zh"], profile.activity.weekdays, strict=True))
    numbers, events = say("numbers", language), say("events", language)
    charts = [
        columns(say("by_hour", language), (say("hour", language), events), hours, numbers, width=NARROW),
        columns(say("by_weekday", language), (say("day", language), events), days, numbers, width=NARROW),
    ]
    return f'<div class="pair">{"".join(f"<section>{chart}</section>" for chart in charts)}</div>'


def _outlook(profile: Profile, language: Language) -> str:
    parts = []
    if profile.behaviour is not None and profile.behaviour.next_action:
        likely = sorted(profile.behaviour.next_action.items(), key=lambda pair: -pair[1])[:DEEDS]
        rows = [(action_name(action, language), chance, "") for action, chance in likely]
        parts.append(section(say("next", language), chances(rows)))
    if profile.intent:
        parts.append(section(say("intents", language), chances([_intent(one, language) for one in profile.intent])))
    if profile.next_items:
        items = "".join(f"<li>{escape(one.title or one.item_id)}</li>" for one in profile.next_items[:DEEDS])
        parts.append(section(say("next_items", language), f"<ol>{items}</ol>"))
    if profile.segments:
        names = "".join(f"<li>{escape(name)}</li>" for name in profile.segments)
        parts.append(section(say("segments", language), f"<ul>{names}</ul>"))
    return f'<div class="pair">{"".join(parts)}</div>' if parts else ""


def _intent(one: Intent, language: Language) -> tuple[str, float, str]:
    return intent_name(one.name, language), one.probability, "; ".join(one.reasons)


def chances(rows: Sequence[tuple[str, float, str]]) -> str:
    """Names with a probability as a bar from 0 to 1, and a note."""
    drawn = "".join(
        f'<tr><th scope="row">{escape(name)}{f"<br><span class=note>{escape(note)}</span>" if note else ""}</th>'
        f'<td class="bar" aria-hidden="true"><i class="good" style="width:{100 * chance:.1f}%"></i></td>'
        f'<td class="n">{percent(chance)}</td></tr>'
        for name, chance, note in rows
    )
    return f'<table class="bars"><tbody>{drawn}</tbody></table>'


def _recommended(answer: Answer, language: Language) -> str:
    rows = [
        (str(one.rank), one.title or one.item_id, f"{one.score:.3f}", why(one.reasons, language))
        for one in answer.results
    ]
    heads = ("#", say("item", language), say("score", language), say("reasons", language))
    return section(say("recommended", language), grid(heads, rows, numbers=(2,))) if rows else ""


def why(reasons: Sequence[Reason], language: Language) -> str:
    """The weightiest reasons and the sum of the others, so that what is shown adds up to the score."""
    ranked = sorted((one for one in reasons if one.contribution), key=lambda one: -abs(one.contribution))
    parts = [f"{one.text} {one.contribution:+.3f}" for one in ranked[:REASONS]]
    if ranked[REASONS:]:
        rest = sum(one.contribution for one in ranked[REASONS:])
        parts.append(f"{say('other_reasons', language)} {rest:+.3f}")
    return " · ".join(parts)


def section(title: str, inner: str) -> str:
    """A card; `inner` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{inner}</section>"


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A plain table; the first column names the row."""
    right = dict.fromkeys(numbers, ' class="n"')
    head = "".join(f'<th scope="col"{right.get(k, "")}>{escape(name)}</th>' for k, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(
            f'<th scope="row">{escape(cell)}</th>' if k == 0 else f"<td{right.get(k, '')}>{escape(cell)}</td>"
            for k, cell in enumerate(row)
        ) + "</tr>"
        for row in rows
    )  # fmt: skip
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
