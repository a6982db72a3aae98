"""Candidates of a recommendation: what could be wanted, from cheap sources by name; the terms decide."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.ranking.asking import Asked

FAVOURITE_LEAVES = 5
Source = Callable[[Asked], Iterator[Rows]]


def gather(sources: tuple[str, ...], asked: Asked) -> Rows:
    """Item rows from the named sources, each once, ascending. Not yet filtered. Cost: one sort of what they bring."""
    found = np.concatenate([np.empty(0, dtype=np.int32), *(rows for name in sources for rows in SOURCES[name](asked))])
    found.sort()
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if len(found) else found


def _popular(asked: Asked) -> Iterator[Rows]:
    yield asked.context.shelf.by_popularity[: asked.context.options.popular_candidates]


def _own(asked: Asked) -> Iterator[Rows]:
    if asked.person is not None:
        yield asked.person.bought.item
        yield asked.person.seen.item


def _bought(asked: Asked) -> Iterator[Rows]:
    if asked.person is not None:
        yield asked.person.bought.item


def _neighbours(asked: Asked) -> Iterator[Rows]:
    if asked.person is not None:
        yield from _near(asked.person.interests[0][: asked.context.options.sources], asked)


def _favourite(asked: Asked) -> Iterator[Rows]:
    if asked.person is None:
        return
    items, shares = asked.person.interests
    leaves = asked.context.shelf.leaf[items]
    weight = np.bincount(leaves[leaves >= 0], weights=shares[leaves >= 0])
    for leaf in np.argsort(-weight, kind="stable")[:FAVOURITE_LEAVES].tolist():
        if weight[leaf] > 0:
            yield asked.context.shelf.in_leaf(leaf, asked.context.options.alike_candidates)


def _expected(asked: Asked) -> Iterator[Rows]:
    foresight = asked.context.shelf.foresight
    vector = None if foresight is None or asked.person is None else foresight.vector(asked.person.state)
    if foresight is not None and vector is not None:
        yield foresight.likeliest(vector, asked.context.options.alike_candidates)


def _visit(asked: Asked) -> Iterator[Rows]:
    yield asked.visit
    yield from _near(asked.visit, asked)
    yield from _leaves(asked.visit, asked.context.options.alike_candidates, asked)


def _alike(asked: Asked) -> Iterator[Rows]:
    limit = asked.context.options.popular_candidates
    yield from _near(asked.anchors, asked)
    yield from _leaves(asked.anchors, limit, asked)
    if (vectors := asked.context.shelf.vectors) is not None:
        for item in asked.anchors.tolist():
            yield vectors.like(item, limit)[0]


def _complements(asked: Asked) -> Iterator[Rows]:
    if (complements := asked.context.shelf.learnt.complements) is not None:
        for item in asked.anchors.tolist():
            yield complements.complements(item)[0]


def _rising(asked: Asked) -> Iterator[Rows]:
    if (trend := asked.context.shelf.learnt.trend) is not None:
        yield np.flatnonzero(trend.fitted["growth"] > 0).astype(np.int32)


def _new(asked: Asked) -> Iterator[Rows]:
    context = asked.context
    came = context.shelf.arrived_us
    fresh = (came > context.at_us - round(context.options.new_days * DAY_US)) & (came <= context.at_us)
    yield np.flatnonzero(fresh).astype(np.int32)


def _segment(asked: Asked) -> Iterator[Rows]:
    segments = asked.context.shelf.learnt.segments
    if segments is not None and asked.traits:
        shares = segments.popularity(asked.traits)[0]
        yield np.argsort(-shares, kind="stable")[: asked.context.options.popular_candidates].astype(np.int32)


def _near(items: Rows, asked: Asked) -> Iterator[Rows]:
    neighbours = asked.context.shelf.neighbours
    if neighbours is not None:
        for item in items.tolist():
            yield neighbours.neighbours(item)[0]


def _leaves(items: Rows, limit: int, asked: Asked) -> Iterator[Rows]:
    for leaf in np.unique(asked.context.shelf.leaf[items]).tolist():
        if leaf >= 0:
            yield asked.context.shelf.in_leaf(leaf, limit)


SOURCES: Mapping[str, Source] = {
    "popular": _popular,
    "own": _own,
    "bought": _bought,
    "neighbours": _neighbours,
    "favourite": _favourite,
    "behaviour": _expected,
    "visit": _visit,
    "segment": _segment,
    "alike": _alike,
    "complements": _complements,
    "rising": _rising,
    "new": _new,
}
"""Where candidates come from: the popular items; what the user bought or looked at; only what they bought; what people
with the same items choose; the popular items of their favourite leaf categories; what the behaviour model expects; what
is near the running visit; what
is popular in their segments; what is like the items asked about; what goes with them; what is on the rise; what is new.
"""
