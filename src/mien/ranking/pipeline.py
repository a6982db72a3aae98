"""The pipeline: gather → score → blend → rules → diversify → reasons. A recommendation is a search without a query."""

from dataclasses import replace

import numpy as np

from mien.core.query import SORTS, Answer, Query
from mien.ranking.answering import asker, check_k, finish_answer, user_notes
from mien.ranking.matching import match_notes, matched
from mien.ranking.rules import allowed
from mien.ranking.shelf import Context
from mien.ranking.sorting import page
from mien.ranking.suggesting import recommended
from mien.ranking.wording import say


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
    found = matched(query, asker(query, context), context)
    corrected, told = found.matches.corrected, found.meaning.told
    if not len(found.blend.rows) and context.options.fill_empty:
        filled = recommend(replace(query, sort=SORTS[0]), context)
        notes = (*filled.notes, say(context.language, "empty", query=query.text))
        return finish_answer(
            query, context, began, filled.results, 0, matched=found.matches.rows, did_you_mean=corrected, notes=notes,
            understood=told,
        )  # fmt: skip
    return finish_answer(
        query,
        context,
        began,
        page(query, found.blend, context, found.matches.tiers),
        found.matches.total,
        matched=found.blend.rows,
        did_you_mean=corrected,
        notes=(*user_notes(query, context), *match_notes(query, found, context)),
        understood=told,
    )


def recommend(query: Query, context: Context) -> Answer:
    """What this person, or for an anonymous visitor anyone, is likely to want next. Cost: some ms."""
    began = context.clock()
    check_k(query)
    blend = recommended(query, asker(query, context), context)
    results = page(query, blend, context)
    return finish_answer(query, context, began, results, len(blend.rows), notes=user_notes(query, context))


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
        blend = matched(query, person, context, also=row).blend
    else:
        blend = recommended(query, person, context, also=row)
    order = blend.order(context.shelf.popularity)
    place = int(np.flatnonzero(blend.rows[order] == row)[0])
    results = blend.results(order[place : place + 1], context, first_rank=place + 1)
    notes: tuple[str, ...] = () if shown else (say(context.language, "unavailable"),)
    notes = (*user_notes(query, context), *notes)
    return finish_answer(query, context, began, results, len(order), notes=notes, name=f"explain:{item_id}")
