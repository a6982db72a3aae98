"""Figures of a person: activity and value, traits, consents, needs, and where all of it comes from."""

from mien.core.consent import PURPOSES
from mien.core.errors import MienError
from mien.core.profile import Profile
from mien.profiles.local import number, percent
from mien.web.look.icons import icon
from mien.web.look.parts import El, card, chip, drawn, stat
from mien.web.look.visit import Visit

RFM = ("recency", "frequency", "money")
GOOD, FAIR = 4, 3
"""Quintiles from which a part of RFM counts as good, and as fair."""


def draw(visit: Visit, profile: Profile) -> None:
    """The line of figures on top."""
    activity, value = profile.activity, profile.value
    with El("div.stats"):
        stat(visit.say("events"), number(profile.events))
        if activity is not None:
            stat(visit.say("sessions"), number(activity.sessions))
            stat(
                visit.say("last_seen"),
                visit.day(activity.last_seen),
                visit.say("since", day=visit.day(activity.first_seen)),
            )
        if value is not None:
            rhythm = visit.say("every_days", days=number(value.gap_days, 1)) if value.gap_days is not None else ""
            stat(visit.say("orders"), number(value.orders), rhythm)
            if value.spend is not None and value.average_order is not None:
                each = visit.say("per_order", money=visit.money(value.average_order))
                stat(visit.say("spend"), visit.money(value.spend), each)
            if value.expected is not None:
                days = visit.say("within_days", days=value.expected.days)
                stat(visit.say("expected"), visit.money(value.expected.spend), days)
            if value.rfm:
                rfm(visit, value.rfm)


def rfm(visit: Visit, score: str) -> None:
    """Recency, frequency and money as quintiles, 5 best."""
    with El("div.stat"):
        El("span.stat-label", "RFM")
        with El("span.rfm"):
            for name, part in zip(RFM, score.split("-"), strict=True):
                kind = "good" if int(part) >= GOOD else "fair" if int(part) >= FAIR else "poor"
                El(f"span.rfm-part.{kind}", part, title=f"{visit.say(name)} {part} / 5",
                   aria_label=visit.say("quintile", what=visit.say(name), part=part), role="img")  # fmt: skip
        El("span.note", visit.say("rfm_note"))


def traits(visit: Visit, profile: Profile) -> None:
    """What they declared, and what was inferred with its confidence."""
    with card(visit.say("traits"), visit.say("traits_note")):
        if not profile.traits:
            El("p.note", visit.say("no_traits"))
            return
        with El("dl.facts"):
            for trait in profile.traits:
                El("dt", trait.name)
                with El("dd"):
                    El("span", str(trait.value))
                    if trait.confidence is not None:
                        chip(f"{visit.say('inferred')} {percent(trait.confidence)}", "warm")


async def consents(visit: Visit, user_id: str) -> None:
    """What they let be done, and when they said so."""
    try:
        told = await visit.ask(visit.shop.consents, user_id)
    except MienError:
        return
    with card(visit.say("consents"), visit.say("consents_note")), El("ul.consents"):
        for purpose in (*PURPOSES, *(one for one in told["consent"] if one not in PURPOSES)):
            said, allowed = told["consent"].get(purpose), told["allowed"].get(purpose, told["consent"].get(purpose))
            with El("li"):
                drawn(icon("check" if allowed else "close", 16), f"span.symbol.{'yes' if allowed else 'no'}")
                El("span", visit.say(f"purpose_{purpose}") if purpose in PURPOSES else purpose)
                answer = "said_nothing" if said is None else "said_yes" if said else "said_no"
                El("span.note.small", visit.say(answer))


def needs(visit: Visit, profile: Profile) -> None:
    """What they searched for and wrote about."""
    found = profile.needs
    if found is None or not (found.queries or found.review_topics or found.sentiment is not None):
        return
    with card(visit.say("needs")):
        for name, entries, key in (("queries", found.queries, "query"), ("topics", found.review_topics, "word")):
            if entries:
                El("h3", visit.say(name))
                with El("div.traits"):
                    for one in entries:
                        text = next((str(one[k]) for k in (key, "topic", "text") if k in one), "")
                        chip(f"{text} · {number(float(one['n']))}" if "n" in one else text)
        if found.sentiment is not None:
            El("p.note", visit.say("sentiment", value=number(found.sentiment, 2)))


def origin(visit: Visit, profile: Profile) -> None:
    """Under which version all of this was read, and which ids are this person."""
    with card(visit.say("origin")), El("dl.facts.small"):
        El("dt", visit.say("as_of"))
        El("dd", visit.moment(profile.as_of))
        El("dt", visit.say("version"))
        El("dd.mono", profile.version)
        if profile.embedding is not None:
            El("dt", visit.say("vector"))
            El("dd", f"{profile.embedding.model} · {profile.embedding.dim}")
        if profile.identity is not None:
            El("dt", visit.say("ids"))
            El("dd.mono", ", ".join(profile.identity.user_ids))
