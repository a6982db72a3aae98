"""Explaining: why one item stands where it stands, what would move it, and why it is absent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mien.core.event import Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.core.query import Answer, Counterfactual, Query
from mien.features.fold import fold
from mien.features.state import State
from mien.ranking.answering import check_k, finish_answer, personalisable, user_notes
from mien.ranking.asking import Asked
from mien.ranking.blend import Blend, Term
from mien.ranking.kind import Again
from mien.ranking.matching import finish_of_search, matched
from mien.ranking.missing import Place, absences
from mien.ranking.rules import allowed
from mien.ranking.scoring import AFTERWARDS, Finish, finished, unfinished
from mien.ranking.shelf import Context
from mien.ranking.suggesting import again_of, finish_of, pipeline_of, recommended
from mien.ranking.wording import ordinal, say

ONCE_MORE = (Action.PURCHASE, Action.VIEW)
"""What is tried: one more of it, now."""
SHARED = ("tag", "segment")
"""Kinds of reasons that hold for many items at once: without one, all of these lose it."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """All candidates of a question, the explained one at position `k` among them, and how they were finished."""

    blend: Blend
    how: Finish
    k: int

    def rank(self, blend: Blend, context: Context) -> int:
        """The place of the explained item in `blend`, from 1 on."""
        order = blend.order(context.shelf.place)
        return 1 + int(np.flatnonzero(order == self.k)[0])


def explain(query: Query, item_id: str, context: Context) -> Answer:
    """One item, with its rank among all candidates of the query and the reasons for its score there.

    `counterfactuals`: its rank without each of its reasons, and after one more purchase or view; each is computed by
    ranking again. `absent`: why it is not among the first `query.k`, where it is not. An item that would not be a
    candidate is scored as if it were. Raises `UnknownName` for an item nobody knows. Cost: a ranking for each reason.
    """
    began = context.clock()
    check_k(query)
    row = context.shelf.row(item_id)
    ranking, again, sources = _ranking(query, row, context)
    rank = ranking.rank(ranking.blend, context)
    order = ranking.blend.order(context.shelf.place)
    shown = bool(allowed(query, ranking.how.person, context, again)[row])
    notes: tuple[str, ...] = () if shown else (say(context.language, "unavailable"),)
    answer = finish_answer(
        query,
        context,
        began,
        ranking.blend.results(order[rank - 1 : rank], context, first_rank=rank),
        len(order),
        notes=(*user_notes(query, context), *notes),
        name=f"explain:{item_id}",
        personalised=Asked.of(query, context).personal,
    )
    place = Place(row, rank, _without(ranking, ("diversity", "cap"), context), again, sources)
    told = (*_reasons_left_out(ranking, context), *_once_more(query, row, rank, context))
    return replace(
        answer,
        took_ms=(context.clock() - began) * 1000.0,
        counterfactuals=told,
        absent=tuple(absences(query, place, ranking.blend, ranking.k, context)),
    )


def _ranking(query: Query, row: int, context: Context) -> tuple[Ranking, Again, tuple[str, ...] | None]:
    """The candidates with the item among them; whether what was bought is shown; the sources that do not bring it
    (None: one does; none: a search does not find it)."""
    asked = Asked.of(query, context)
    if query.searches:
        blend = matched(asked, also=row).blend
        found = row in matched(asked).blend.rows
        ranking = Ranking(blend, finish_of_search(query, asked.person, context), _position(blend, row))
        return ranking, context.options.bought_again, None if found else ()
    kind, _ = pipeline_of(asked)
    blend = recommended(asked, kind, also=row)
    brought = row in recommended(asked, kind).rows
    ranking = Ranking(blend, finish_of(asked, kind), _position(blend, row))
    return ranking, again_of(kind, context), None if brought else kind.candidates


def _position(blend: Blend, row: int) -> int:
    return int(np.flatnonzero(blend.rows == row)[0])


def _reasons_left_out(ranking: Ranking, context: Context) -> Iterator[Counterfactual]:
    """The rank without each reason of the item, weightiest first: left out, the rest is finished again."""
    plain, k = unfinished(ranking.blend), ranking.k
    terms = [term for term in ranking.blend.terms if term.values[k] != 0.0]
    for term in sorted(terms, key=lambda term: -abs(term.values[k])):
        if term.kind in AFTERWARDS:
            rank = _rank_without(ranking, term, context)
        else:
            rest = tuple(_left_out(one, k) if one is term else one for one in plain.terms)
            rank = ranking.rank(finished(replace(plain, terms=rest), ranking.how, context), context)
        why = term.explain(k)[0]
        text = say(context.language, "without", reason=why, place=ordinal(context.language, rank))
        yield Counterfactual(term.kind, text, rank)


def _rank_without(ranking: Ranking, term: Term, context: Context) -> int:
    rest = tuple(one for one in ranking.blend.terms if one is not term)
    return ranking.rank(replace(ranking.blend, terms=rest), context)


def _without(ranking: Ranking, kinds: tuple[str, ...], context: Context) -> int:
    """The rank without what moves items apart."""
    rest = tuple(one for one in ranking.blend.terms if one.kind not in kinds)
    return ranking.rank(replace(ranking.blend, terms=rest), context)


def _left_out(term: Term, k: int) -> Term:
    """The term without what it gives candidate k; of what holds for many items, without it for all of them."""
    gone = np.zeros(len(term.values), dtype=np.bool_)
    gone[k] = True
    if term.kind in SHARED:
        why = term.explain(k)[0]
        equal = np.flatnonzero(term.values == term.values[k]).tolist()
        gone[[one for one in equal if term.explain(one)[0] == why]] = True
    return Term(term.kind, np.where(gone, 0.0, term.values), term.explain)


def _once_more(query: Query, row: int, rank: int, context: Context) -> Iterator[Counterfactual]:
    """The rank after one more purchase or view now, where who asks may be known: folded in, and ranked again."""
    if query.user_id is None or not personalisable(query, context):
        return
    for action in ONCE_MORE:
        state = context.state or State()
        event = LoggedEvent(UserRow(0), "what-if", action, context.at_us, ItemRow(row), 0.0, 1.0, None, None)
        after = replace(context, state=fold(state, [event], state.settings))
        then, _, _ = _ranking(query, row, after)
        place = then.rank(then.blend, after)
        if place != rank:
            what = "once_more_bought" if action is Action.PURCHASE else "once_more_seen"
            yield Counterfactual(
                str(action), say(context.language, what, place=ordinal(context.language, place)), place
            )
