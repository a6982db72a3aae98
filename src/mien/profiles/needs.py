"""Needs: what a user asked for, and what their reviews speak of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mien.core.clock import DAY_US, from_us
from mien.core.profile import Needs
from mien.core.words import content_words, normalise
from mien.features.state import State, Written
from mien.profiles.options import ProfileOptions


@dataclass(slots=True)
class _Count:
    shown: str
    n: int = 0
    weight: float = 0.0
    last_us: int = 0
    evidence: str = ""


def read_needs(state: State, at_us: int, options: ProfileOptions) -> Needs | None:
    """Queries and words of reviews, the often and lately used first; None where there are neither.

    Both are counted over what the state keeps (the newest 50 and 20), halved every `needs_half_life_days` of age. A
    word counts once a text. Cost: about a millisecond for 20 long reviews, microseconds otherwise.
    """
    half_life_us = options.needs_half_life_days * DAY_US
    queries = _counted(state.queries, _as_query, at_us, half_life_us)
    topics = _counted(state.texts, _as_topics, at_us, half_life_us)
    if not queries and not topics:
        return None
    return Needs(
        queries=tuple(_shown("query", count) for count in queries[: options.queries]),
        review_topics=tuple(_shown("word", count) for count in topics[: options.topics]),
    )


def _as_query(text: str) -> Iterable[tuple[str, str]]:
    shown = normalise(text)
    return [(shown, shown)] if shown else []


def _as_topics(text: str) -> Iterable[tuple[str, str]]:
    return dict(content_words(text)).items()


def _counted(
    written: list[Written], parts: Callable[[str], Iterable[tuple[str, str]]], at_us: int, half_life_us: float
) -> list[_Count]:
    counts: dict[str, _Count] = {}
    for entry in written:
        for term, shown in parts(entry.text):
            count = counts.setdefault(term, _Count(shown))
            count.n += 1
            count.weight += 2.0 ** -((at_us - entry.at_us) / half_life_us)
            count.last_us, count.evidence = entry.at_us, entry.event_id
    return sorted(counts.values(), key=lambda count: (-count.weight, count.shown))


def _shown(kind: str, count: _Count) -> dict[str, Any]:
    return {kind: count.shown, "n": count.n, "last_seen": from_us(count.last_us), "evidence": (count.evidence,)}
