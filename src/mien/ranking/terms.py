"""The terms of the blend: what speaks for a candidate, each between 0 and its weight (tiers and pins aside)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTIONS
from mien.core.ids import Rows
from mien.profiles.wording import liking_name
from mien.ranking.blend import Term
from mien.ranking.lexical import Matches, Tier
from mien.ranking.options import PIN_STEP, TIER_STEP
from mien.ranking.person import History, Liking, Person
from mien.ranking.shelf import Context
from mien.ranking.wording import ago, did, say, tier, times

Floats = npt.NDArray[np.float64]
SEEN_HALF = 4.0
"""Decayed action weight (one fresh cart, four fresh views) at which `seen` reaches half of its weight."""


def text_terms(matches: Matches, context: Context) -> Iterator[Term]:
    """`text`: BM25 against the best match; `tier`: a step up for the exact title, down for less than every word."""
    best = matches.scores.max(initial=0.0)
    share = matches.scores / best if best > 0 else matches.scores
    yield Term("text", context.options.text * share, lambda _: (say(context.language, "text"), ()))
    steps = (matches.tiers.astype(np.float64) - Tier.ALL_WORDS) * TIER_STEP
    yield Term("tier", steps, lambda k: (tier(context.language, Tier(int(matches.tiers[k]))), ()))


def popular_term(rows: Rows, context: Context) -> Term:
    """log(1 + count) / log(1 + the highest count)."""
    shelf = context.shelf
    values = context.options.popular * shelf.popularity[rows]
    return Term("popular", values, lambda k: (say(context.language, "popular", rank=shelf.popular_rank(rows[k])), ()))


def personal_terms(rows: Rows, person: Person, context: Context) -> Iterator[Term]:
    """All that comes from who asks: repeat, seen, neighbour, and one `tag` a facet level."""
    options = context.options
    yield _history_term("repeat", rows, person, person.bought, (options.repeat, 1.0), context)
    yield _history_term("seen", rows, person, person.seen, (options.seen, SEEN_HALF), context)
    yield _neighbour_term(rows, person, context)
    facets = max(len(person.likings), 1)
    for liking in person.likings:
        yield _tag_term(rows, person, liking, options.tag / facets, context)


def _history_term(
    kind: str, rows: Rows, person: Person, history: History, shape: tuple[float, float], context: Context
) -> Term:
    """weight · x / (x + half) of the decayed strength x, `shape` = (weight, half): the first time counts most."""
    place = history.at(rows)
    strength = np.zeros(len(rows))
    strength[place >= 0] = history.strength[place[place >= 0]]
    weight, half = shape
    tallies, language = person.tallies, context.language

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        at = int(place[k])
        newest, heaviest = int(history.newest[at]), int(history.heaviest[at])
        facts = {
            "times": times(language, int(history.n[at])),
            "ago": ago(language, int(tallies.last_us[newest]), context.at_us),
            "did": did(language, ACTIONS[tallies.action[heaviest]]),
        }
        return say(language, kind, **facts), (tallies.newest[newest],)

    return Term(kind, weight * strength / (strength + half), explain)


def _neighbour_term(rows: Rows, person: Person, context: Context) -> Term:
    """Σ_j h_j · sim(j, i) over the person's items j, h their shares; against the best candidate, times certainty."""
    near, parts, source = _passed_on(person, context)
    total = np.bincount(near, weights=parts, minlength=len(context.shelf.catalogue))
    reached = total[rows]
    best = reached.max(initial=0.0)
    values: Floats = (
        context.options.neighbour * person.certainty * (reached / best if best > 0 else np.zeros(len(rows)))
    )

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        here = np.flatnonzero(near == rows[k])
        strongest = int(source[here[np.argmax(parts[here])]])
        act = person.newest_act(strongest)
        facts = {
            "title": context.shelf.catalogue.title[strongest],
            "did": did(context.language, ACTIONS[person.tallies.action[act]]),
            "ago": ago(context.language, int(person.tallies.last_us[act]), context.at_us),
        }
        return say(context.language, "neighbour", **facts), (person.tallies.newest[act],)

    return Term("neighbour", values, explain)


def _passed_on(person: Person, context: Context) -> tuple[Rows, Floats, Rows]:
    """What the person's strongest items pass on to their neighbours: item reached, how much, from which item."""
    items, shares = person.interests
    near: list[Rows] = [np.empty(0, dtype=np.int32)]
    parts: list[Floats] = [np.empty(0)]
    source: list[Rows] = [np.empty(0, dtype=np.int32)]
    neighbours = context.shelf.neighbours
    limit = context.options.sources if neighbours is not None else 0
    for item, share in zip(items[:limit], shares[:limit], strict=True):
        reached, likeness = neighbours.neighbours(int(item)) if neighbours is not None else (near[0], parts[0])
        inside = (reached != item) & (reached < len(context.shelf.catalogue))
        near.append(reached[inside])
        parts.append(share * likeness[inside].astype(np.float64))
        source.append(np.full(int(inside.sum()), item))
    return np.concatenate(near), np.concatenate(parts), np.concatenate(source)


def _tag_term(rows: Rows, person: Person, liking: Liking, weight: float, context: Context) -> Term:
    reading, facet = liking.reading, liking.facet
    codes = facet.codes[rows].astype(np.int64)
    place = np.full(len(rows), -1, dtype=np.int64)
    if len(reading.value):
        near = np.minimum(np.searchsorted(reading.value, codes), len(reading.value) - 1)
        place = np.where(reading.value[near] == codes, near, -1)
    values = np.zeros(len(rows))
    values[place >= 0] = weight * liking.strength[place[place >= 0]]

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        at, language = int(place[k]), context.language
        facts = {
            "tag": liking_name(language, facet.name, facet.values[int(reading.value[at])]),
            "share": f"{reading.weight[at]:.0%}",
        }
        return say(language, "tag", **facts), person.liking_evidence(liking, at)

    return Term("tag", values, explain)


def pin_term(rows: Rows, pinned: list[int], context: Context) -> Term:
    """Pinned items stand above all others, the first named highest."""
    values = np.zeros(len(rows))
    for place, row in enumerate(pinned):
        values[rows == row] = PIN_STEP * (len(pinned) - place)
    return Term("pin", values, lambda _: (say(context.language, "pin"), ()))
