"""Rehearsal: questions that later purchases answer. What a person bought of a category is asked for by its name.

A shop that has not logged what was searched, shown and chosen can learn from these; what was shown they cannot know.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTION_CODE, ACTIONS, Action, LoggedEvent
from mien.core.ids import ItemRow, Rows, UserRow
from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.features.fold import refold
from mien.features.state import FoldSettings, State
from mien.models.interactions import Interactions
from mien.ranking.answering import asker
from mien.ranking.blend import Blend
from mien.ranking.lexical import Matches, TextIndex, Tier
from mien.ranking.measures import measure_of
from mien.ranking.nearness import meaning_terms
from mien.ranking.ranker import Examples
from mien.ranking.scoring import scored
from mien.ranking.shelf import Context, Shelf
from mien.ranking.terms import category_term, text_terms

Floats = npt.NDArray[np.float64]
_PURCHASE = ACTION_CODE[Action.PURCHASE]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a person (row `user`) might have typed at `at_us`: `text`, and the item rows that they then `bought`."""

    user: int
    at_us: int
    text: str
    leaf: int
    bought: Rows


def questions(data: Interactions, shelf: Shelf, span: tuple[int, int], *, most: int, seed: int = 0) -> list[Question]:
    """One a user, order and leaf category bought in `span` (start, end in µs, the end outside); `most` drawn by `seed`.

    Purchases of no pieces are none; items without a category cannot be asked for. Sorted by user, time, category.
    """
    start, end = span
    leaf = shelf.leaf[data.item]
    kept = np.flatnonzero(
        (data.action == _PURCHASE) & (data.quantity > 0) & (data.at_us >= start) & (data.at_us < end) & (leaf >= 0)
    )
    order = kept[np.lexsort((data.item[kept], leaf[kept], data.at_us[kept], data.user[kept]))]
    keys = np.stack([data.user[order].astype(np.int64), data.at_us[order], leaf[order].astype(np.int64)])
    begins = np.flatnonzero(np.any(keys[:, 1:] != keys[:, :-1], axis=0)) + 1
    groups = np.split(order, begins) if len(order) else []
    if len(groups) > most:
        drawn = np.sort(np.random.default_rng(seed).choice(len(groups), size=most, replace=False))
        groups = [groups[k] for k in drawn.tolist()]
    found = []
    for group in groups:
        first = int(group[0])
        name = shelf.leaf_name(int(data.item[first]))
        bought = np.unique(data.item[group]).astype(np.int32)
        found.append(Question(int(data.user[first]), int(data.at_us[first]), name, int(shelf.leaf[bought[0]]), bought))
    return found


def state_of(data: Interactions, user: int, at_us: int, settings: FoldSettings) -> State:
    """The state of a user as of `at_us`, folded from interactions. Cost: some µs an act."""
    rows = range(*data.offsets[user : user + 2].tolist())
    events = (
        LoggedEvent(
            UserRow(user),
            f"{row}",
            ACTIONS[data.action[row]],
            int(data.at_us[row]),
            ItemRow(int(data.item[row])),
            float(data.value[row]),
            float(data.quantity[row]),
        )
        for row in rows
        if data.at_us[row] <= at_us
    )
    return refold(events, settings)


@dataclass(frozen=True, eq=False)
class Weighed:
    """Candidates scored by what is on a shelf. `gains (n,)` ≥ 0: what followed; `places (n,)`: where each was shown."""

    blend: Blend
    gains: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64] | None

    @property
    def decides(self) -> bool:
        """Whether there is anything to learn: what followed was not the same for all."""
        return bool(len(self.gains)) and bool(self.gains.min() < self.gains.max())

    @property
    def columns(self) -> dict[str, Floats]:
        return {name: column for term in self.blend.terms for name, column in term.columns.items()}


A = TypeVar("A", bound=Weighed)


@dataclass(frozen=True, eq=False)
class Rehearsed(Weighed):
    """A question with its candidates; the gain of what was bought is 1.

    `again`: whether the person had bought any of the answers before; `own_type`: anything of that category;
    `is_known`: whether anything is known of them at all.
    """

    question: Question
    again: bool
    own_type: bool
    is_known: bool

    @property
    def hit(self) -> npt.NDArray[np.bool_]:
        """`(n,)` whether each candidate was bought."""
        return self.gains > 0


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Questions asked of a shelf as it was at `at_us`, nothing later known. `shown`: items that may be answered."""

    shelf: Shelf
    data: Interactions
    at_us: int
    settings: FoldSettings
    shown: npt.NDArray[np.bool_]

    def ask(self, asked: Sequence[Question], progress: Progress | None = None) -> Iterator[Rehearsed]:
        """The candidates of each question: all items that hold every word of it. Cost: some ms a question.

        Questions should be sorted by user: a person is read once for all of theirs.
        """
        advance = (progress or Silent()).step("rehearse questions", len(asked))
        found: dict[str, Matches] = {}
        context, user = self._context(None), -1
        for question in asked:
            advance(1)
            if question.text not in found:
                found[question.text] = self._matches(question.text)
            matches = found[question.text]
            if not len(matches):
                continue
            if question.user != user:
                user = question.user
                context = self._context(state_of(self.data, user, self.at_us, self.settings))
            yield self._scored(question, matches, context)

    def _context(self, state: State | None) -> Context:
        return Context(self.shelf, self.at_us, state)

    def _matches(self, text: str) -> Matches:
        index: TextIndex | None = self.shelf.index
        assert index is not None, "a rehearsal needs an index of texts"
        matches = index.search(text, len(index))
        whole = (matches.tiers >= Tier.ALL_WORDS) & self.shown[matches.rows]
        return Matches(matches.rows[whole], matches.scores[whole], matches.tiers[whole], int(whole.sum()))

    def _scored(self, question: Question, matches: Matches, context: Context) -> Rehearsed:
        person = asker(Query(question.text), context)
        first = (
            *text_terms(matches, context),
            *meaning_terms(question.text, matches, context),
            category_term(matches.rows, question.text, context),
        )
        blend = scored(matches.rows, person, context, first, said=question.text)
        own = person.bought.item if person is not None else np.empty(0, dtype=np.int32)
        again = bool(np.isin(question.bought, own).any())
        own_type = bool((self.shelf.leaf[own] == question.leaf).any())
        gains = np.isin(matches.rows, question.bought).astype(np.int64)
        return Rehearsed(blend, gains, None, question, again, own_type, person is not None)


DISCOVERY = 2.0
"""How much a question counts that was answered with something new of a category the person had bought of before."""


def discovery(by: float = DISCOVERY) -> Callable[[Rehearsed], float]:
    """The weight of a question: `by` where the person tried something new of what they know, else 1.

    Most answers are repeats; counted alike they teach to show nothing else, and who looks for something new pays.
    """
    return lambda one: by if one.own_type and not one.again else 1.0


def examples_of(asked: Iterable[A], *, most: int = 300, weigh: Callable[[A], float] | None = None) -> Examples:
    """What a ranker learns from: of each question that decides the `most` best candidates, and what had a gain.

    `weigh`: how much a question counts (None: all alike). Columns that a question does not have (nothing is known of
    the person) are left at their neutral value. Memory: 4 bytes a candidate and column; questions may be a stream.
    """
    told: list[_Kept] = []
    weights: list[float] = []
    for one in asked:
        if one.decides:
            told.append(_Kept.of(one, most))
            weights.append(1.0 if weigh is None else weigh(one))
    names = list(dict.fromkeys(name for one in told for name in one.columns))
    return Examples(
        {name: np.concatenate([one.column(name) for one in told]) for name in names},
        _joined([one.gains for one in told]),
        np.array([len(one.gains) for one in told], dtype=np.int64),
        None if weigh is None else np.array(weights),
        _joined([one.places for one in told if one.places is not None]) if _are_shown(told) else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What of a question is learnt from; `columns`: `(n,) float32` each."""

    columns: dict[str, npt.NDArray[np.float32]]
    gains: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64] | None

    @classmethod
    def of(cls, one: Weighed, most: int) -> "_Kept":
        order = np.argsort(-one.blend.scores, kind="stable")
        rows = np.sort(np.union1d(order[:most], np.flatnonzero(one.gains)))
        columns = {name: column[rows].astype(np.float32) for name, column in one.columns.items()}
        return cls(columns, one.gains[rows], None if one.places is None else one.places[rows])

    def column(self, name: str) -> npt.NDArray[np.float32]:
        column = self.columns.get(name)
        return np.full(len(self.gains), measure_of(name).neutral, dtype=np.float32) if column is None else column


def _are_shown(told: Sequence[_Kept]) -> bool:
    return bool(told) and all(one.places is not None for one in told)


def _joined(parts: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, dtype=np.int64)
