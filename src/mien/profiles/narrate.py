"""The summary: a profile in a few sentences, each grounded in a field of it; nothing is said that is not there."""

from mien.core.item import CATEGORY_SEPARATOR
from mien.core.profile import Profile, Tag
from mien.profiles.local import day, money
from mien.profiles.wording import (
    DAY_PARTS,
    LIFECYCLES,
    Language,
    action_name,
    ago,
    count,
    join,
    liking_name,
    number,
    say,
)

TOLD_TAGS = 4
TOLD_NEEDS = 3
SURE = 0.6
"""A liking is told from this confidence on, where there is any that sure."""


def narrate(profile: Profile, language: Language = "en", *, currency: str = "USD", zone: str = "UTC") -> str:
    """The profile as a short paragraph of English or Chinese, money and days as that language writes them.

    `currency`: ISO 4217 code; `zone`: whose days count. Pure: the same profile, the same words.
    """
    activity = profile.activity
    if activity is None:
        return say(language, "nothing")
    sentences = [
        say(
            language,
            "life",
            lifecycle=LIFECYCLES[language][activity.lifecycle],
            first=day(activity.first_seen, zone, language),
            ago=ago(language, (profile.as_of - activity.last_seen).days),
            visits=count(language, activity.sessions, "visit"),
            events=count(language, profile.events, "event"),
        ),
        *_value(profile, language, currency),
        *_likes(profile, language),
        *_needs(profile, language),
        *_habits(profile, language),
    ]
    return (" " if language == "en" else "").join(sentences)


def _value(profile: Profile, language: Language, currency: str) -> list[str]:
    value = profile.value
    if value is None:
        return []
    facts = [say(language, "orders", orders=count(language, value.orders, "order"))]
    if value.spend is not None and value.average_order is not None:
        paid = {
            "spend": money(value.spend, currency, language),
            "average": money(value.average_order, currency, language),
        }
        facts.append(say(language, "spent", **paid))
    if value.gap_days is not None:
        facts.append(say(language, "gap", gap=number(value.gap_days)))
    comma, stop = (", ", ".") if language == "en" else ("，", "。")
    return [comma.join(facts) + stop]


def _likes(profile: Profile, language: Language) -> list[str]:
    told = [_tag(tag, language) for tag in telling_tags(profile)]
    return [say(language, "likes", tags=join(language, told))] if told else []


def telling_tags(profile: Profile) -> list[Tag]:
    """The tags that say most: sure ones above the average, by weight × confidence; of a path the deepest only."""
    sure = [tag for tag in profile.tags if tag.confidence >= SURE and tag.lift > 1.0] or list(profile.tags)
    above = {(tag.facet, path) for tag in sure for path in _above(tag.value)}
    leaves = [tag for tag in sure if (tag.facet, tag.value) not in above]
    leaves.sort(key=lambda tag: (-tag.weight * tag.confidence, tag.facet, tag.value))
    return leaves[:TOLD_TAGS]


def _above(path: str) -> list[str]:
    """The levels above a path: of "Home/Kitchen/Mugs" these are "Home" and "Home/Kitchen"."""
    parts = path.split(CATEGORY_SEPARATOR)
    return [CATEGORY_SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts))]


def _tag(tag: Tag, language: Language) -> str:
    name = liking_name(language, tag.facet, tag.value)
    return say(language, "tag", tag=name, weight=f"{tag.weight:.0%}", lift=number(tag.lift))


def _needs(profile: Profile, language: Language) -> list[str]:
    if profile.needs is None:
        return []
    queries = [f"“{query['query']}”" for query in profile.needs.queries[:TOLD_NEEDS]]
    words = [f"“{topic['word']}”" for topic in profile.needs.review_topics[:TOLD_NEEDS]]
    asks = [say(language, "asks", queries=join(language, queries))] if queries else []
    return asks + ([say(language, "writes", words=join(language, words))] if words else [])


def _habits(profile: Profile, language: Language) -> list[str]:
    sentences = [
        say(language, "when", part=DAY_PARTS[language][str(trait.value)])
        for trait in profile.traits
        if trait.name == "day_part" and trait.source == "inferred"
    ]
    if profile.behaviour is not None and profile.behaviour.next_action:
        action, chance = max(profile.behaviour.next_action.items(), key=lambda pair: pair[1])
        sentences.append(say(language, "next", action=action_name(language, action), chance=f"{chance:.0%}"))
    return sentences
