"""Scoring: what speaks for each candidate, then what was bought, diversity, caps, boosts and pins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mien.core.ids import Rows
from mien.core.query import Query
from mien.ranking.blend import Blend, Term
from mien.ranking.bought import bought_term
from mien.ranking.close import close_terms
from mien.ranking.diversify import cap_term, variety_term
from mien.ranking.kind import Again
from mien.ranking.person import Person
from mien.ranking.personal import personal_terms
from mien.ranking.ranker import Ranker
from mien.ranking.shelf import Context
from mien.ranking.shopkeeping import boost_terms, pinned
from mien.ranking.terms import fresh_term, pin_term, popular_term

TIER = "tier"
AFTERWARDS = ("bought", "diversity", "cap", "boost", "pin")
"""Kinds of the terms that `finished` adds."""


@dataclass(frozen=True, eq=False)
class Finish:
    """How scored candidates are finished: for whom and what, how varied, and how what was bought is treated."""

    query: Query
    person: Person | None
    diversity: float = 0.0
    caps: Mapping[str, int] = field(default_factory=dict)
    bought_again: Again = True


def scored(
    rows: Rows,
    person: Person | None,
    context: Context,
    first: tuple[Term, ...],
    ranker: Ranker | None = None,
    said: str = "",
) -> Blend:
    """The candidates with all that speaks for them: `first`, popularity, and what comes from who asks; of the best of
    these what a close reading of `said` finds, where the shelf has one.

    Each term is weighed as `ranker` learnt it, or as is set where there is none.
    """
    terms = [*first, popular_term(rows, context), *fresh_term(rows, context)]
    if person is not None:
        terms += personal_terms(rows, person, context)
    terms += close_terms(Blend(rows, tuple(terms)), said, context)
    if ranker is None:
        return Blend(rows, tuple(terms))
    known = person is not None
    return Blend(rows, tuple(ranker.weigh(terms, known=known)), ranker.base(known=known))


def finished(blend: Blend, how: Finish, context: Context) -> Blend:
    """What was bought, diversity and caps; then boosts and pins: what the shop lifts is not moved down again."""
    if not len(blend.rows):
        return blend
    if how.bought_again == "learned" and how.person is not None:
        bought = bought_term(blend, how.person, context)
        blend = blend if bought is None else blend.with_term(bought)
    tiers = sum(term.values for term in blend.terms if term.kind == TIER)
    if how.diversity > 0:
        blend = blend.with_term(variety_term(blend, how.diversity, blend.scores - tiers, context))
    if any(how.caps.values()):
        blend = blend.with_term(cap_term(blend, how.caps, blend.scores - tiers, context))
    for boost in boost_terms(blend, how.query, context):
        blend = blend.with_term(boost)
    pins = pinned(how.query, context)
    return blend.with_term(pin_term(blend.rows, pins, context)) if pins else blend


def unfinished(blend: Blend) -> Blend:
    """The blend before it was finished."""
    return replace(blend, terms=tuple(term for term in blend.terms if term.kind not in AFTERWARDS))
