"""The pipeline: gather → score → blend → rules → diversify → reasons. A recommendation is a search without a query."""

from dataclasses import replace

from mien.core.query import SORTS, Answer, Query
from mien.ranking.answering import check_k, finish_answer, user_notes
from mien.ranking.asking import Asked
from mien.ranking.explaining import explain
from mien.ranking.kind import FOR_YOU
from mien.ranking.matching import match_notes, matched
from mien.ranking.shelf import Context
from mien.ranking.sorting import page
from mien.ranking.suggesting import pipeline_of, recommended
from mien.ranking.wording import say

__all__ = ["answer", "explain", "recommend", "search"]


def answer(query: Query, context: Context) -> Answer:
    """Search where the query has a text or is of the kind `search`, else recommend."""
    return search(query, context) if query.searches else recommend(query, context)


def search(query: Query, context: Context) -> Answer:
    """The items for a text, the best `query.k`, with reasons, facet counts and a correction where one was made; without
    a text all that the filters leave.

    With `personalise=False`, or nothing known of the user, the answer is that of an anonymous visitor to the letter
    (but for `impression_id`, `took_ms` and notes). Raises `NotReady` without a text index, `UnknownName` for a
    filter nobody knows. Cost: some ms.
    """
    began = context.clock()
    check_k(query)
    asked = Asked.of(query, context)
    found = matched(asked)
    corrected, told = found.matches.corrected, found.meaning.told
    if not len(found.blend.rows) and context.options.fill_empty:
        filled = recommend(replace(query, sort=SORTS[0], kind=FOR_YOU), context)
        notes = (*filled.notes, say(context.language, "empty", query=query.text))
        return finish_answer(
            query,
            context,
            began,
            filled.results,
            0,
            matched=found.matches.rows,
            did_you_mean=corrected,
            notes=notes,
            personalised=filled.personalised,
            understood=told,
        )
    return finish_answer(
        query,
        context,
        began,
        page(query, found.blend, context, found.matches.tiers),
        found.matches.total,
        matched=found.blend.rows,
        did_you_mean=corrected,
        notes=(*user_notes(query, context), *match_notes(query, found, context)),
        personalised=asked.personal,
        understood=told,
    )


def recommend(query: Query, context: Context) -> Answer:
    """What of the kind `query.kind` this person, or for an anonymous visitor anyone, is likely to want next.

    Where the kind has nothing to show, what is popular is shown, and a note says so. Raises `UnknownName` for a kind,
    a filter or an item of the cart nobody knows. Cost: some ms.
    """
    began = context.clock()
    check_k(query)
    asked = Asked.of(query, context)
    kind, filled = pipeline_of(asked)
    blend = recommended(asked, kind)
    results = page(query, blend, context)
    notes = user_notes(query, context)
    if filled:
        notes = (*notes, say(context.language, "nothing_of_kind", kind=query.kind))
    return finish_answer(query, context, began, results, len(blend.rows), notes=notes, personalised=asked.personal)
