"""Suggesting: the candidates of a recommendation, scored."""

from dataclasses import replace

import numpy as np

from mien.core.ids import Rows
from mien.ranking.asking import Asked
from mien.ranking.blend import Blend
from mien.ranking.candidates import gather
from mien.ranking.kind import FOR_YOU, POPULAR, Again, Kind
from mien.ranking.kinds import FIRST_VISIT, kind_named
from mien.ranking.rules import Mask, allowed, without
from mien.ranking.scoring import Finish, finished, scored
from mien.ranking.shelf import Context
from mien.ranking.shopkeeping import with_pins
from mien.ranking.summands import beside, summed


def recommended(asked: Asked, kind: Kind, also: int = -1) -> Blend:
    """What of this kind who asks may want, scored and finished; the item `also` in any case."""
    return finished(suggested(asked, kind, also), finish_of(asked, kind), asked.context)


def pipeline_of(asked: Asked) -> tuple[Kind, bool]:
    """The kind that is asked for, or the popular one where it has no candidate and empty answers are filled up."""
    kind = kind_named(asked.query.kind, asked.context.kinds)
    if asked.context.options.fill_empty and kind.name not in (FOR_YOU, POPULAR) and not len(_candidates(asked, kind)):
        return kind_named(POPULAR, asked.context.kinds), True
    return kind, False


def finish_of(asked: Asked, kind: Kind) -> Finish:
    """How the candidates of a kind are finished."""
    options = asked.context.options
    caps = {"category": options.same_category} if kind.caps is None else kind.caps
    return Finish(asked.query, asked.person, kind.diversity, caps, again_of(kind, asked.context))


def again_of(kind: Kind, context: Context) -> Again:
    """Whether what was bought is shown again, of this kind."""
    return context.options.bought_again if kind.bought_again is None else kind.bought_again


def suggested(asked: Asked, kind: Kind, also: int = -1) -> Blend:
    """The candidates with all that speaks for them, not finished yet."""
    rows = _candidates(asked, kind)
    if also >= 0:
        rows = np.union1d(rows, [also]).astype(np.int32)
    if kind.terms is None:
        known = asked.person is not None  # for nobody known what is popular is all there is to learn
        plain = scored(rows, asked.person, asked.context, (), asked.context.shelf.recommender if known else None)
        return replace(plain, terms=(*plain.terms, *beside(rows, asked, FIRST_VISIT)))
    return Blend(rows, tuple(summed(rows, asked, kind.terms)))


def _candidates(asked: Asked, kind: Kind) -> Rows:
    """What the sources bring and the rules allow, without the items asked about."""
    context = asked.context
    mask = without(asked.cart, allowed(asked.query, asked.person, context, again_of(kind, context)))
    rows = gather(kind.candidates, asked)
    if asked.query.filters:  # they may all be filtered out: the most popular of those that are not come in
        rows = np.union1d(rows, _first_allowed(mask, context)) if "popular" in kind.candidates else rows
    return with_pins(rows[mask[rows]].astype(np.int32, copy=False), asked.query, context, mask)


def _first_allowed(mask: Mask, context: Context) -> Rows:
    by_popularity = context.shelf.by_popularity
    return by_popularity[mask[by_popularity]][: context.options.popular_candidates]
