"""Answering: who asks, and the answer as it goes out."""

import uuid

from mien.core.errors import UnknownName, UsageError
from mien.core.ids import Rows
from mien.core.query import SORTS, Answer, Query, Result, Understood
from mien.ranking.person import Person
from mien.ranking.rules import count_facets
from mien.ranking.shelf import Context
from mien.ranking.wording import say

IMPRESSIONS = uuid.uuid5(uuid.NAMESPACE_URL, "mien:impression")
MAX_K = 1000
"""Most results of one answer: reasons are worded for each."""
MAX_OFFSET = 10_000
"""As far as pages go."""


def asker(query: Query, context: Context) -> Person | None:
    """Who asks, or None where nothing is known of them or they want no personalisation."""
    if context.state is None or not personalisable(query, context) or not context.state.events:
        return None
    shelf = context.shelf
    return Person(context.state, shelf.yardstick, len(shelf.catalogue), context.at_us, context.profile)


def personalisable(query: Query, context: Context) -> bool:
    """Whether the answer may depend on who asks: it was not declined, neither now nor by a refused consent."""
    return query.personalise and (context.user is None or context.user.personalisable)


def check_k(query: Query) -> None:
    """`UsageError` for a number of results that makes no sense, `UnknownName` for an order nobody knows."""
    if not 0 <= query.k <= MAX_K:
        raise UsageError("The number of results must be between 0 and {max_k}, not {k}.", max_k=MAX_K, k=query.k)
    if not 0 <= query.offset <= MAX_OFFSET:
        raise UsageError(
            "The offset must be between 0 and {max_offset}, not {offset}.", max_offset=MAX_OFFSET, offset=query.offset
        )
    if query.sort not in SORTS:
        raise UnknownName("order of results", query.sort, SORTS)


def user_notes(query: Query, context: Context) -> tuple[str, ...]:
    """That the user asked for is not known, where so."""
    nobody = context.state is None and context.user is None
    unknown = query.user_id is not None and query.personalise and nobody
    return (say(context.language, "unknown_user"),) if unknown else ()


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
    understood: tuple[Understood, ...] = (),
    name: str = "",
    personalised: bool | None = None,
) -> Answer:
    """The answer as it goes out. `matched`: the rows whose facets are counted, None for none at all.

    `name` tells apart what is asked of one query (`similar:ID`), for the impression's name. `personalised`: None is
    whether anything is known of who asks.
    """
    return Answer(
        impression_id=context.impression_id or impression_id(f"{name}|{query!r}", context.at_us),
        personalised=asker(query, context) is not None if personalised is None else personalised,
        took_ms=(context.clock() - began) * 1000.0,
        total=total,
        results=results,
        facets=None if matched is None else count_facets(matched, context),
        did_you_mean=did_you_mean,
        notes=notes,
        understood=understood,
        sort=query.sort,
        offset=query.offset,
    )


def impression_id(question: str, at_us: int) -> str:
    """A name for the answer to this question at this time; equal questions at one time share it."""
    return str(uuid.uuid5(IMPRESSIONS, f"{question}|{at_us}"))
