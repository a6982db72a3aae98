"""The terms of a kind by name: what may speak for a candidate, and how much."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from mien.core.ids import Rows
from mien.ranking.asking import Asked
from mien.ranking.beside import alike_term, complement_term, content_term, shared_term, visit_term
from mien.ranking.blend import Term
from mien.ranking.personal import personal_terms
from mien.ranking.terms import popular_term
from mien.ranking.timely import due_term, new_term, segment_term, trend_term

PERSONAL = ("repeat", "seen", "neighbour", "behaviour", "tag")
"""Terms that come from who asks alone, as in [ranking]."""
Summand = Callable[[Rows, Asked, float], Term]
SUMMANDS: Mapping[str, Summand] = {
    "visit": visit_term,
    "segment": segment_term,
    "shared": shared_term,
    "alike": alike_term,
    "content": content_term,
    "complement": complement_term,
    "due": due_term,
    "trend": trend_term,
    "new": new_term,
}
TERMS = ("popular", *PERSONAL, *SUMMANDS)
"""Every name that the terms of a kind may have."""


def summed(rows: Rows, asked: Asked, weights: Mapping[str, float]) -> Iterator[Term]:
    """The named terms with their weights; those of who asks only where somebody is known."""
    options = replace(
        asked.context.options,
        text=0.0,
        popular=weights.get("popular", 0.0),
        repeat=weights.get("repeat", 0.0),
        seen=weights.get("seen", 0.0),
        neighbour=weights.get("neighbour", 0.0),
        behaviour=weights.get("behaviour", 0.0),
        tag=weights.get("tag", 0.0),
    )
    context = replace(asked.context, options=options)
    yield popular_term(rows, context)
    if asked.person is not None and any(weights.get(name) for name in PERSONAL):
        yield from personal_terms(rows, asked.person, context)
    yield from beside(rows, asked, weights)


def beside(rows: Rows, asked: Asked, weights: Mapping[str, float]) -> Iterator[Term]:
    """Those of the named terms that have to do with neither popularity nor a person's history; all-zero ones go."""
    for name, weight in weights.items():
        if name in SUMMANDS and weight:
            term = SUMMANDS[name](rows, asked, weight)
            if np.any(term.values):
                yield term
