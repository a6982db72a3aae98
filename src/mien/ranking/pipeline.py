"""The pipeline: gather → score → blend → rules → diversify → reasons. A recommendation is a search without a query."""

import uuid

import numpy as np

from mien.core.errors import NotReady, UsageError
from mien.core.ids import Rows
from mien.core.query import Answer, Query, Result
from mien.ranking.blend import Blend, Term
from mien.ranking.candidates import gather
from mien.ranking.diversify import diversity_term
from mien.ranking.lexical import Matches, Tier
from mien.ranking.person import Person
from mien.ranking.rules import Mask, allowed, count_facets
from mien.ranking.shelf import Context
from mien.ranking.terms import personal_terms, pin_term, popular_term, text_terms
from mien.ranking.wording import say

IMPRESSIONS = uuid.uuid5(uuid.NAMESPACE_URL, "mien:impression")
TIER = "tier"
MAX_K = 1000
"""Most results of one answer: reasons are worded for each."""


def answer(query: Query, context: Context) -> Answer:
    """Search where the query has a text, recommend where it has none."""
    return search(query, context) if query.text.strip() else recommend(query, context)


def search(query: Query, context: Context) -> Answer:
    """The items for a text, the best `query.k`, with reasons, facet counts and a correction where one was made.

    With `personalise=False`, or nothing known of the user, the answer is that of an anonymous visitor to the letter
    (but for `impression_id`, `took_ms` and notes). Raises `NotReady` without a text index, `UnknownName` for a
    filter nobody knows. Cost: some ms.
    """
    began = context.clock()
    check_k(query)
    person = asker(query, context)
    blend, matches = _matched(query, person, context)
    if not len(blend.rows) and context.options.fill_empty:
        filled = recommend(query, context)
        notes = (*filled.notes, say(context.language, "empty", query=query.text))
        return finish_answer(
            query, context, began, filled.results, 0, matched=matches.rows, did_you_mean=matches.corrected, notes=notes
        )
    return finish_answer(
        query,
        context,
        began,
        blend.results(blend.order(context.shelf.popularity)[: query.k], context),
        matches.total,
        matched=blend.rows,
        did_you_mean=matches.corrected,
        notes=(*_user_notes(query, context), *_match_notes(query, matches, context)),
    )


def recommend(query: Query, context: Context) -> Answer:
    """What this person, or for an anonymous visitor anyone, is likely to want next. Cost: some ms."""
    began = context.clock()
    check_k(query)
    blend = _recommended(query, asker(query, context), context)
    results = blend.results(blend.order(context.shelf.popularity)[: query.k], context)
    return finish_answer(query, context, began, results, len(blend.rows), notes=_user_notes(query, context))


def explain(query: Query, item_id: str, context: Context) -> Answer:
    """One item, with its rank among all candidates of the query and the reasons for its score there.

    An item that would not be a candidate is scored as if it were; one that may not be shown is said to be so. Raises
    `UnknownName` for an item nobody knows.
    """
    began = context.clock()
    row, person = context.shelf.row(item_id), asker(query, context)
    mask = allowed(query.filters, person, context)
    shown = bool(mask[row])
    if query.text.strip():
        blend, _ = _matched(query, person, context, also=row)
    else:
        blend = _recommended(query, person, context, also=row)
    order = blend.order(context.shelf.popularity)
    place = int(np.flatnonzero(blend.rows[order] == row)[0])
    results = blend.results(order[place : place + 1], context, first_rank=place + 1)
    notes: tuple[str, ...] = () if shown else (say(context.language, "unavailable"),)
    notes = (*_user_notes(query, context), *notes)
    return finish_answer(query, context, began, results, len(order), notes=notes, name=f"explain:{item_id}")


def asker(query: Query, context: Context) -> Person | None:
    """Who asks, or None where nothing is known of them or they want no personalisation."""
    if context.state is None or not query.personalise or not context.state.events:
        return None
    shelf = context.shelf
    return Person(context.state, shelf.yardstick, len(shelf.catalogue), context.at_us, context.profile)


def check_k(query: Query) -> None:
    """`UsageError` for a number of results that makes no sense."""
    if not 0 <= query.k <= MAX_K:
        raise UsageError(f"The number of results must be between 0 and {MAX_K}, not {query.k}.")


def _matched(query: Query, person: Person | None, context: Context, also: int = -1) -> tuple[Blend, Matches]:
    """What the text matches and the rules allow, scored; the item `also` in any case."""
    if context.shelf.index is None:
        raise NotReady("There is no text index yet. Run: mien build")
    limit = max(len(context.shelf.index), 1) if query.filters else context.options.candidates
    matches = context.shelf.index.search(query.text, limit)
    mask = allowed(query.filters, person, context)
    matches = _keep(matches, np.isin(matches.rows, np.flatnonzero(mask)) | (matches.rows == also))
    if also >= 0 and also not in matches.rows:
        matches = _append(matches, also)
    plain = _blend(matches.rows, person, context, tuple(text_terms(matches, context)))
    return _finish(plain, context.options.same_category_search, context), matches


def _recommended(query: Query, person: Person | None, context: Context, also: int = -1) -> Blend:
    rows = gather(person, context)
    mask = allowed(query.filters, person, context)
    if query.filters:  # the popular ones may all be filtered out: the most popular of those that are not come in
        rows = np.union1d(rows, _first_allowed(mask, context))
    rows = rows[mask[rows]]
    if also >= 0:
        rows = np.union1d(rows, [also])
    plain = _blend(rows.astype(np.int32), person, context, ())
    return _finish(plain, context.options.same_category, context)


def _first_allowed(mask: Mask, context: Context) -> Rows:
    by_popularity = context.shelf.by_popularity
    return by_popularity[mask[by_popularity]][: context.options.popular_candidates]


def _blend(rows: Rows, person: Person | None, context: Context, first: tuple[Term, ...]) -> Blend:
    terms = [*first, popular_term(rows, context)]
    if person is not None:
        terms += personal_terms(rows, person, context)
    return Blend(rows, tuple(terms))


def _finish(blend: Blend, same_category: int, context: Context) -> Blend:
    """Diversity, then pins: what is pinned is not moved down."""
    if same_category and len(blend.rows):
        tiers = [term.values for term in blend.terms if term.kind == TIER]
        blend = blend.with_term(diversity_term(blend, same_category, blend.scores - sum(tiers), context))
    pinned = context.shelf.rows_of(context.options.pins)
    return blend.with_term(pin_term(blend.rows, pinned, context)) if pinned else blend


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


def _user_notes(query: Query, context: Context) -> tuple[str, ...]:
    unknown = query.user_id is not None and query.personalise and context.state is None
    return (say(context.language, "unknown_user"),) if unknown else ()


def _match_notes(query: Query, matches: Matches, context: Context) -> list[str]:
    notes = []
    if matches.corrected is not None:
        notes.append(say(context.language, "corrected", query=query.text, corrected=matches.corrected))
    if len(matches) and matches.tiers.min() == Tier.SOME_WORDS:
        notes.append(say(context.language, "relaxed", query=matches.corrected or query.text))
    return notes


def finish_answer(
    query: Query,
    context: Context,
    began: float,
    results: tuple[Result, ...],
    total: int,
    *,
    matched: Rows | None = None,
    did_you_mean: str | None = None,
    notes: tuple[str, ...] = (),
    name: str = "",
) -> Answer:
    """The answer as it goes out. `matched`: the rows whose facets are counted, None for none at all.

    `name` tells apart what is asked of one query (`similar:ID`), for the impression's name.
    """
    return Answer(
        impression_id=context.impression_id or impression_id(f"{name}|{query!r}", context.at_us),
        personalised=not name.startswith("similar") and asker(query, context) is not None,
        took_ms=(context.clock() - began) * 1000.0,
        total=total,
        results=results,
        facets=None if matched is None else count_facets(matched, context),
        did_you_mean=did_you_mean,
        notes=notes,
    )


def impression_id(question: str, at_us: int) -> str:
    """A name for the answer to this question at this time; equal questions at one time share it."""
    return str(uuid.uuid5(IMPRESSIONS, f"{question}|{at_us}"))
