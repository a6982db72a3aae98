"""Charts of a person: interests over time, hours and weekdays, what they may do next."""

from html import escape

from mien.core.item import CATEGORY_SEPARATOR
from mien.core.profile import Profile
from mien.profiles.local import month, number, percent
from mien.report.wording import intent_name
from mien.shop.people import Interests, Person
from mien.web.look.bars import Bar, ranking
from mien.web.look.charts import axis, chart, series
from mien.web.look.parts import El, card, drawn
from mien.web.look.visit import Visit

FACETS = ("category", "brand", "colour")


def interests(visit: Visit, person: Person) -> None:
    """The shares of what they chose, month by month."""
    found = person.interests()
    with card(visit.say("interests"), visit.say("interests_note")):
        if len(found.months) < 2 or not found.values:
            El("p.note", visit.say("interests_none"))
            return
        with El("div.chart-place") as place:
            visit.later(place, lambda: _monthly(visit, found))


async def _monthly(visit: Visit, found: Interests) -> None:
    """Stacked columns, a month each, the rest on top in pale."""
    months = [month(year, one, visit.language) for year, one in found.months]
    names = [value.rpartition(CATEGORY_SEPARATOR)[2] for value in found.values]
    whole = [max(0.0, 1.0 - sum(shares[k] for shares in found.shares)) for k in range(len(months))]
    chosen = [any(shares[k] for shares in found.shares) for k in range(len(months))]
    rest = [share if any_ else 0.0 for share, any_ in zip(whole, chosen, strict=True)]
    lines = [
        series("bar", name, [round(100 * one, 1) for one in shares], at, stack="all")
        for at, (name, shares) in enumerate(zip(names, found.shares, strict=True))
    ]
    pale = "var(--line-2)"
    lines.append(
        series(
            "bar", visit.say("others"), [round(100 * one, 1) for one in rest], stack="all", color=pale,
            itemStyle={"color": pale},
        )
    )  # fmt: skip
    for one in lines:
        one["barMaxWidth"], one["itemStyle"]["borderRadius"] = 44, 0
    chart(
        visit,
        visit.say("interests"),
        {"series": lines, "xAxis": axis(values=months), "yAxis": axis(visit.say("share_percent"), max=100)},
        heads=[visit.say("month"), *names],
        rows=[[name, *(percent(shares[k]) for shares in found.shares)] for k, name in enumerate(months)],
        height=300,
    )  # fmt: skip


def rhythm(visit: Visit, person: Person) -> None:
    """Events by weekday and hour: the darker, the more."""
    counts = person.rhythm()
    most = max(max(row) for row in counts)
    with card(visit.say("rhythm"), visit.say("rhythm_note", zone=visit.zone)):
        if not most:
            El("p.note", visit.say("rhythm_none"))
            return
        drawn(heat(visit, counts, most), "div.scroll")


def heat(visit: Visit, counts: tuple[tuple[int, ...], ...], most: int) -> str:
    """A grid of 7 × 24, as a table for readers."""
    hours = "".join(f'<th scope="col" class="heat-hour">{hour if hour % 6 == 0 else ""}</th>' for hour in range(24))
    lines = []
    for weekday, row in enumerate(counts):
        day = escape(visit.say(f"day_{weekday}"))
        cells = "".join(_cell(f"{day} {hour}:00", n, n / most) for hour, n in enumerate(row))
        lines.append(f'<tr><th scope="row">{day}</th>{cells}</tr>')
    caption, body = escape(visit.say("rhythm")), "".join(lines)
    head = f"<thead><tr><td></td>{hours}</tr></thead>"
    return f'<table class="heat"><caption class="hidden">{caption}</caption>{head}<tbody>{body}</tbody></table>'


def _cell(name: str, n: int, share: float) -> str:
    """One hour of a weekday; what is seldom can still be seen."""
    colour = f' style="background:rgb(var(--heat) / {0.12 + 0.88 * share:.2f})"' if n else ""
    return f'<td title="{name} · {number(n)}"{colour}><span class="hidden">{n}</span></td>'


def outlook(visit: Visit, profile: Profile) -> None:
    """What they are likely to do: next actions, intents with their reasons, next items."""
    behaviour = profile.behaviour
    with card(visit.say("outlook"), visit.say("outlook_note")):
        if behaviour is not None and behaviour.next_action:
            El("h3", visit.say("next_action"))
            likely = sorted(behaviour.next_action.items(), key=lambda pair: -pair[1])[:6]
            bars = [Bar(visit.say(f"act_{action}"), chance, percent(chance, 1)) for action, chance in likely]
            drawn(ranking(visit.say("next_action"), bars))
        for intent in profile.intent:
            with El("div.intent"):
                bar = Bar(intent_name(intent.name, visit.language), intent.probability, percent(intent.probability))
                drawn(ranking("", [bar]).replace("width:100.00%", f"width:{100 * intent.probability:.1f}%"))
                for reason in intent.reasons:
                    El("p.note.small", reason)
        if profile.next_items:
            El("h3", visit.say("next_items"))
            with El("ol.next-items"):
                for one in profile.next_items[:6]:
                    with El("li"):
                        El("span", one.title or one.item_id)
                        El("span.note.small", percent(one.score, 1))
        if not profile.intent:
            El("p.note.small", visit.say("no_intents"))
