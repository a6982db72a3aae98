"""The terms that come from who asks: what they bought, looked at and like, and what that is near to."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTIONS
from mien.core.ids import Rows, places
from mien.profiles.wording import liking_name
from mien.ranking.blend import Term
from mien.ranking.foresight import Foresight
from mien.ranking.measures import TAG
from mien.ranking.own import Own
from mien.ranking.person import History, Liking, Person
from mien.ranking.shelf import Context
from mien.ranking.taste import Taste
from mien.ranking.wording import ago, did, say, times

Floats = npt.NDArray[np.float64]
SEEN_HALF = 4.0
"""Decayed action weight (one fresh cart, four fresh views) at which `seen` reaches half of its weight."""


def personal_terms(rows: Rows, person: Person, context: Context) -> Iterator[Term]:
    """What comes from who asks: repeat, seen, neighbour, behaviour, taste, price, brand, and a `tag` a facet level."""
    options = context.options
    own = Own.of(person, context)
    yield _repeat_term(rows, person, own, context)
    yield _history_term("seen", rows, person, person.seen, (options.seen, SEEN_HALF), context)
    yield _neighbour_term(rows, person, context)
    if context.shelf.foresight is not None:
        yield from _behaviour_term(rows, person, context.shelf.foresight, context)
    if context.shelf.taste is not None:
        yield _taste_term(rows, person, context.shelf.taste, context)
    if context.shelf.demand is not None:
        yield _price_term(rows, own, context)
        yield _brand_term(rows, own, context)
    facets = max(len(person.likings), 1)
    for liking, codes in zip(person.likings, context.shelf.codes(rows), strict=True):
        yield _tag_term(codes, liking, options.tag / facets, context)


def _repeat_term(rows: Rows, person: Person, own: Own, context: Context) -> Term:
    """The history of purchases, and what it is beside the person's other purchases of the same category."""
    term = _history_term("repeat", rows, person, person.bought, (context.options.repeat, 1.0), context)
    return replace(term, measured=lambda: own.repeat_columns(rows))


def _history_term(
    kind: str, rows: Rows, person: Person, history: History, shape: tuple[float, float], context: Context
) -> Term:
    """weight · x / (x + half) of the decayed strength x, `shape` = (weight, half): the first time counts most."""
    place = history.at(rows)
    strength, held = np.zeros(len(rows)), np.flatnonzero(place >= 0)
    strength[held] = history.strength[place[held]]
    weight, half = shape
    tallies, language = person.tallies, context.language
    column = strength / (strength + half)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        at = int(place[k])
        newest, heaviest = int(history.newest[at]), int(history.heaviest[at])
        facts = {
            "times": times(language, int(history.n[at])),
            "ago": ago(language, int(tallies.last_us[newest]), context.at_us),
            "did": did(language, ACTIONS[tallies.action[heaviest]]),
        }
        return say(language, kind, **facts), (tallies.newest[newest],)

    return Term(kind, weight * column, explain, lambda: {kind: column})


def _neighbour_term(rows: Rows, person: Person, context: Context) -> Term:
    """Σ_j h_j · sim(j, i) over the person's items j, h their shares; against the best candidate, times certainty."""
    near, parts, source = _passed_on(person, context)
    place = places(rows, near)
    met = np.flatnonzero(place >= 0)
    reached = np.bincount(place[met], weights=parts[met], minlength=len(rows)).astype(np.float64, copy=False)
    best = reached.max(initial=0.0)
    here = reached / best if best > 0 else np.zeros(len(rows))
    values: Floats = context.options.neighbour * person.certainty * here

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

    return Term("neighbour", values, explain, lambda: {"neighbour": reached, "neighbour.here": here})


def _behaviour_term(rows: Rows, person: Person, foresight: Foresight, context: Context) -> Iterator[Term]:
    """weight · odds of the behaviour model over the highest odds of a candidate; nothing where it knows no act."""
    vector = foresight.vector(person.state)
    if vector is None or not len(rows):
        return
    scores = foresight.expected(vector, rows)
    known = np.isfinite(scores)
    if not known.any():
        return
    here = np.exp(np.where(known, scores - np.nanmax(scores), -np.inf))
    above = np.where(known, scores - np.nanmean(scores), 0.0)
    newest = max(one for one in person.state.recent if one.item >= 0)

    def explain(_: int) -> tuple[str, tuple[str, ...]]:
        facts = {
            "title": context.shelf.catalogue.title[newest.item],
            "did": did(context.language, ACTIONS[newest.action]),
            "ago": ago(context.language, newest.at_us, context.at_us),
        }
        return say(context.language, "behaviour", **facts), (newest.event_id,)

    columns = {"behaviour": above, "behaviour.here": here}
    yield Term("behaviour", context.options.behaviour * here, explain, lambda: columns)


def _taste_term(rows: Rows, person: Person, taste: Taste, context: Context) -> Term:
    """x · y of the person's and the item's vectors. Adds something once it was learnt what."""
    items, strength = person.liked
    column = taste.products(taste.person(items, strength), rows)
    here = column / max(float(column.max(initial=0.0)), 1e-9)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        item = int(items[taste.nearest_own(int(rows[k]), items)])
        act = person.newest_act(item)
        title = context.shelf.catalogue.title[item]
        return say(context.language, "taste", title=title), (person.tallies.newest[act],)

    return Term("taste", np.zeros(len(rows)), explain, lambda: {"taste": column, "taste.here": here})


def _price_term(rows: Rows, own: Own, context: Context) -> Term:
    """log of price over the person's usual one. Adds something once it was learnt what."""
    column = own.price_column(rows)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        usual = float(context.shelf.catalogue.price[rows[k]] / np.exp(column[k]))
        which = "price_above" if column[k] > 0 else "price_below"
        return say(context.language, which, usual=f"{usual:.2f}"), ()

    return Term("price", np.zeros(len(rows)), explain, lambda: {"price": column})


def _brand_term(rows: Rows, own: Own, context: Context) -> Term:
    """The brand's share in what the person bought of the wider category. Adds something once it was learnt what."""
    column = own.brand_column(rows)

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        brand = context.shelf.catalogue.brand[int(rows[k])]
        return say(context.language, "brand", brand=brand, share=f"{column[k]:.0%}"), ()

    return Term("brand", np.zeros(len(rows)), explain, lambda: {"brand": column})


def _passed_on(person: Person, context: Context) -> tuple[Rows, Floats, Rows]:
    """What the person's strongest items pass on to their neighbours: item reached, how much, from which item."""
    items, shares = person.interests
    items, shares = items[: context.options.sources], shares[: context.options.sources]
    if context.shelf.neighbours is None:
        return items[:0], shares[:0], items[:0]
    source, near, likeness = context.shelf.neighbours.of_all(items)
    inside = (near != items[source]) & (near < len(context.shelf.catalogue))
    source, near = source[inside], near[inside]
    return near, shares[source] * likeness[inside], items[source]


def _tag_term(codes: Rows, liking: Liking, weight: float, context: Context) -> Term:
    """`codes`: of each candidate, of the facet of the liking."""
    facet = liking.facet
    of_code = np.zeros(len(facet.values) + 1)  # the last one is that of no value, −1
    of_code[liking.value] = weight * liking.strength
    values = of_code[codes]

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        at, language = int(np.searchsorted(liking.value, codes[k])), context.language
        facts = {
            "tag": liking_name(language, facet.name, facet.values[int(codes[k])]),
            "share": f"{liking.weight[at]:.0%}",
        }
        return say(language, "tag", **facts), liking.evidence(at)

    name = f"{TAG}.{facet.name}" + (f".{facet.level}" if facet.level else "")
    return Term("tag", values, explain, lambda: {name: values / weight if weight > 0 else values})
