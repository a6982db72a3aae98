"""Matching: what a search asks for, its candidates, scored, and what is to be said of the match."""

from dataclasses import dataclass, replace

import numpy as np

from mien.core.errors import NotReady
from mien.core.query import SORTS, Query
from mien.core.words import query_words
from mien.ranking.asking import Asked
from mien.ranking.blend import Blend
from mien.ranking.close import READ
from mien.ranking.kinds import FIRST_VISIT
from mien.ranking.lexical import ENOUGH, Matches, TextIndex, Tier
from mien.ranking.nearness import meaning_terms, with_nearest
from mien.ranking.person import Person
from mien.ranking.reranker import reranked
from mien.ranking.rules import Mask, allowed, within
from mien.ranking.scoring import Finish, finished, scored
from mien.ranking.shelf import Context
from mien.ranking.summands import beside
from mien.ranking.terms import category_term, text_terms, understood_term
from mien.ranking.understanding import Meaning, with_names, without_price
from mien.ranking.wanted import MAX_QUERY, MAX_WORDS
from mien.ranking.wording import say


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found, and what its text was read to say."""

    blend: Blend
    matches: Matches
    meaning: Meaning


def matched(asked: Asked, also: int = -1) -> Found:
    """What the text matches and the rules allow, scored; the item `also` in any case."""
    query, person, context = asked.query, asked.person, asked.context
    index = context.shelf.index
    if index is None:
        raise NotReady("There is no text index yet. Run: mien build")
    meaning = without_price(query, context.search.understand and context.shelf.priced)
    mask = allowed(query, person, context, context.options.bought_again)
    if meaning.limit is not None:
        mask = mask & within(meaning.limit, context)
    matches, said = _matches(query, meaning, mask, index, context, also), bool(meaning.text.strip())
    if said:
        matches = with_nearest(meaning.text, matches, mask, context)
    if also >= 0 and also not in matches.rows:
        matches = _append(matches, also)
    if context.search.understand:
        words = query_words(matches.corrected or meaning.text[:MAX_QUERY])[:MAX_WORDS]
        meaning = with_names(meaning, query, words, context.shelf.lexicon)
    first = (
        *text_terms(matches, context),
        *(meaning_terms(meaning.text, matches, context) if said else ()),
        category_term(matches.rows, meaning.text, context),
        *([understood_term(matches.rows, meaning, context)] if meaning.places else []),
    )
    read = matches.corrected or meaning.text
    blend = scored(matches.rows, person, context, first, context.shelf.ranker, read)
    for term in beside(matches.rows, asked, FIRST_VISIT):
        blend = blend.with_term(term)
    if said:
        blend = reranked(blend, matches.corrected or query.text, context)
    return Found(finished(blend, finish_of_search(query, person, context), context), matches, meaning)


def finish_of_search(query: Query, person: Person | None, context: Context) -> Finish:
    """How what matches is finished. A learned ranker has weighed already how long ago a thing was bought."""
    caps, again = {"category": context.options.same_category_search}, context.options.bought_again
    learned = again == "learned" and context.shelf.ranker is not None
    return Finish(query, person, caps=caps, bought_again=True if learned else again)


def match_notes(query: Query, found: Found, context: Context) -> list[str]:
    """A correction, and that only some of the words match or none but the meaning, where so."""
    notes, matches = [], found.matches
    if matches.corrected is not None:
        notes.append(say(context.language, "corrected", query=query.text, corrected=matches.corrected))
    if Tier.SOME_WORDS in matches.tiers:
        notes.append(say(context.language, "relaxed", query=matches.corrected or query.text))
    if Tier.NO_WORD in matches.tiers:
        notes.append(say(context.language, "by_meaning", query=matches.corrected or query.text))
    return notes


def _matches(query: Query, meaning: Meaning, mask: Mask, index: TextIndex, context: Context, also: int) -> Matches:
    """What the text matches among what is allowed; all that is allowed where it says nothing, or a price alone."""
    if not meaning.text.strip():
        return _all_of(mask, context)
    everything = bool(query.filters) or meaning.limit is not None or query.sort != SORTS[0]
    limit = max(len(index), 1) if everything else max(context.options.candidates, query.offset + query.k)
    matches = index.search(meaning.text, limit, ENOUGH if context.shelf.close is None else READ)
    which = mask[matches.rows] | (matches.rows == also)
    return matches if which.all() else _keep(matches, which)


def _all_of(mask: Mask, context: Context) -> Matches:
    by_popularity = context.shelf.by_popularity
    rows = by_popularity[mask[by_popularity]]
    plain = np.full(len(rows), Tier.ALL_WORDS, dtype=np.int8)
    return Matches(rows, np.zeros(len(rows)), plain, len(rows))


def _keep(matches: Matches, which: Mask) -> Matches:
    total = matches.total - int(np.count_nonzero(~which))
    rows, scores, tiers = matches.rows[which], matches.scores[which], matches.tiers[which]
    return replace(matches, rows=rows, scores=scores, tiers=tiers, total=total)


def _append(matches: Matches, row: int) -> Matches:
    return replace(
        matches,
        rows=np.append(matches.rows, np.int32(row)),
        scores=np.append(matches.scores, 0.0),
        tiers=np.append(matches.tiers, np.int8(Tier.NO_WORD)),
    )
