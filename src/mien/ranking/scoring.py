"""Scoring: what speaks for each candidate, then diversity and pins."""

from mien.core.ids import Rows
from mien.ranking.blend import Blend, Term
from mien.ranking.diversify import diversity_term
from mien.ranking.person import Person
from mien.ranking.personal import personal_terms
from mien.ranking.shelf import Context
from mien.ranking.terms import fresh_term, pin_term, popular_term

TIER = "tier"


def scored(rows: Rows, person: Person | None, context: Context, first: tuple[Term, ...]) -> Blend:
    """The candidates with all that speaks for them: `first`, popularity, and what comes from who asks.

    Each term is weighed as was learnt, or as is set where nothing was learnt yet.
    """
    terms = [*first, popular_term(rows, context), *fresh_term(rows, context)]
    if person is not None:
        terms += personal_terms(rows, person, context)
    ranker = context.shelf.ranker
    if ranker is None or not first:
        return Blend(rows, tuple(terms))
    known = person is not None
    return Blend(rows, tuple(ranker.weigh(terms, known=known)), ranker.base(known=known))


def finished(blend: Blend, same_category: int, context: Context) -> Blend:
    """Diversity, then pins: what is pinned is not moved down."""
    if same_category and len(blend.rows):
        tiers = [term.values for term in blend.terms if term.kind == TIER]
        blend = blend.with_term(diversity_term(blend, same_category, blend.scores - sum(tiers), context))
    pinned = context.shelf.rows_of(context.options.pins)
    return blend.with_term(pin_term(blend.rows, pinned, context)) if pinned else blend
