"""Matching: the candidates of a search, scored, and what is to be said of the match."""

import numpy as np

from mien.core.errors import NotReady
from mien.core.query import Query
from mien.ranking.blend import Blend
from mien.ranking.lexical import Matches, Tier
from mien.ranking.nearness import meaning_terms, with_nearest
from mien.ranking.person import Person
from mien.ranking.reranker import reranked
from mien.ranking.rules import Mask, allowed
from mien.ranking.scoring import Finish, finished, scored
from mien.ranking.shelf import Context
from mien.ranking.terms import category_term, text_terms
from mien.ranking.wording import say


def matched(query: Query, person: Person | None, context: Context, also: int = -1) -> tuple[Blend, Matches]:
    """What the text matches and the rules allow, scored; the item `also` in any case."""
    if context.shelf.index is None:
        raise NotReady("There is no text index yet. Run: mien build")
    limit = max(len(context.shelf.index), 1) if query.filters else context.options.candidates
    matches = context.shelf.index.search(query.text, limit)
    mask = allowed(query, person, context, context.options.bought_again)
    matches = _keep(matches, np.isin(matches.rows, np.flatnonzero(mask)) | (matches.rows == also))
    matches = with_nearest(query.text, matches, mask, context)
    if also >= 0 and also not in matches.rows:
        matches = _append(matches, also)
    first = (
        *text_terms(matches, context),
        *meaning_terms(query.text, matches, context),
        category_term(matches.rows, query.text, context),
    )
    plain = reranked(scored(matches.rows, person, context, first), matches.corrected or query.text, context)
    return finished(plain, finish_of_search(query, person, context), context), matches


def finish_of_search(query: Query, person: Person | None, context: Context) -> Finish:
    """How what matches is finished. A learned ranker has weighed already how long ago a thing was bought."""
    caps, again = {"category": context.options.same_category_search}, context.options.bought_again
    learned = again == "learned" and context.shelf.ranker is not None
    return Finish(query, person, caps=caps, bought_again=True if learned else again)


def match_notes(query: Query, matches: Matches, context: Context) -> list[str]:
    """A correction, and that only some of the words match or none but the meaning, where so."""
    notes = []
    if matches.corrected is not None:
        notes.append(say(context.language, "corrected", query=query.text, corrected=matches.corrected))
    if Tier.SOME_WORDS in matches.tiers:
        notes.append(say(context.language, "relaxed", query=matches.corrected or query.text))
    if Tier.NO_WORD in matches.tiers:
        notes.append(say(context.language, "by_meaning", query=matches.corrected or query.text))
    return notes


def _keep(matches: Matches, which: Mask) -> Matches:
    total = matches.total - int(np.count_nonzero(~which))
    return Matches(matches.rows[which], matches.scores[which], matches.tiers[which], total, matches.corrected)


def _append(matches: Matches, row: int) -> Matches:
    return Matches(
        np.append(matches.rows, np.int32(row)),
        np.append(matches.scores, 0.0),
        np.append(matches.tiers, np.int8(Tier.NO_WORD)),
        matches.total,
        matches.corrected,
    )
