"""Judged: what people found to answer a query, and what a ranker learns from it: how a text is to be read.

Each query is asked as a visitor would; what nobody judged counts as no answer. Judges know neither the shop nor who
asks: they teach what words, letters and meaning count, nothing of popularity or of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import NotReady
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.ranking.asking import Asked
from mien.ranking.blend import Blend
from mien.ranking.close import READ
from mien.ranking.matching import matched
from mien.ranking.measures import measure_of
from mien.ranking.ranker import Examples, LearnOptions, Ranker, learn
from mien.ranking.shelf import Context

Floats = npt.NDArray[np.float64]
KINDS = ("text", "meaning", "words", "spelling")
"""Kinds of terms that judgements teach to weigh."""
NEGATIVES = 0.25
"""Share of the candidates that nobody judged which are learnt from."""
GOOD, BEST = 0.66, 0.95
"""From which grade on an item is a good answer (label 1), and the best there is (2); what lies below is none."""
LEAST = 20
"""Judged queries that are found at all, for anything to be learnt from them."""
SPAN = 8.0
"""Most by which two judged scores differ, where all other weights stay as they are set: no sum lifts over a tier."""
JUDGED = LearnOptions(rounds=300, rate=0.1, leaves=8, least_rows=60, top=20)


@dataclass(frozen=True, eq=False)
class JudgedQuery:
    """`rows (n,)` the items that were judged for a text, each once, and `grades (n,)` 0 … 1: how well they answer."""

    text: str
    rows: Rows
    grades: Floats

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """0: no answer, 1: a good one, 2: the best."""
        return (self.grades >= GOOD).astype(np.int64) + (self.grades >= BEST)


def grades_of(rows: Rows, grades: Floats) -> tuple[Rows, Floats]:
    """The same with each row once: what was judged twice has the mean of its grades."""
    distinct, member = np.unique(rows, return_inverse=True)
    return distinct.astype(np.int32), np.bincount(member, grades) / np.bincount(member)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one query teaches. `columns`: name → `(n,)`; `labels (n,)`; `given (n,)`: what the set weights give the
    texts."""

    columns: Mapping[str, npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    given: Floats


def lessons(
    asked: Sequence[JudgedQuery], context: Context, *, seed: int = 0, progress: Progress | None = None
) -> list[Lesson]:
    """Ask each query of a shelf without a ranker, with a close reading; those that find no good answer are left out.

    Cost: some ms a query; 4 bytes a candidate and column.
    """
    advance = (progress or Silent()).step("ask judged queries", len(asked))
    random, found = np.random.default_rng(seed), []
    for one in asked:
        advance(1)
        blend = matched(Asked.of(Query(one.text), context)).blend
        labels, known = _labels(blend, one)
        if labels.any():
            drawn = np.zeros(len(labels), dtype=np.bool_)
            best = np.argsort(-blend.scores, kind="stable")[:READ]
            drawn[best] = random.random(len(best)) < NEGATIVES
            found.append(_lesson(blend, labels, np.flatnonzero(known | drawn)))
    return found


def examples_of(taught: Sequence[Lesson]) -> Examples:
    """What a ranker learns from. Raises `NotReady` for too few."""
    if len(taught) < LEAST:
        raise NotReady("{n} judged queries find a good answer; {least} are needed.", n=len(taught), least=LEAST)
    names = list(dict.fromkeys(name for one in taught for name in one.columns))
    return Examples(
        {name: np.concatenate([_held(one, name) for one in taught]) for name in names},
        np.concatenate([one.labels for one in taught]),
        np.array([len(one.labels) for one in taught], dtype=np.int64),
    )


def learn_texts(
    taught: Sequence[Lesson], *, options: LearnOptions = JUDGED, seed: int = 0, facts: Mapping[str, Any] | None = None
) -> Ranker:
    """Tables of the texts alone, as strong beside all other weights as the set ones are: within a query their standard
    deviation is the same. Raises `NotReady` for too few. Cost: `ranking.ranker.learn`."""
    examples = examples_of(taught)
    learnt = learn(examples, options, seed=seed, facts=facts)
    columns = {name: np.asarray(x, dtype=np.float64) for name, x in examples.columns.items()}
    own = _spread(learnt.anyone.score(columns, len(examples.labels)), examples.sizes)
    set_by_hand = _spread(np.concatenate([one.given for one in taught]), examples.sizes)
    tables = learnt.anyone.times(set_by_hand / own if own > 0 else 1.0).within(SPAN)
    return replace(learnt, anyone=tables, known=tables)


def _labels(blend: Blend, one: JudgedQuery) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """`(n,)` label of each candidate, and whether it was judged."""
    order = np.argsort(one.rows)
    place = np.minimum(np.searchsorted(one.rows[order], blend.rows), len(order) - 1)
    known = one.rows[order][place] == blend.rows
    return np.where(known, one.labels[order][place], 0), known


def _lesson(blend: Blend, labels: npt.NDArray[np.int64], kept: npt.NDArray[np.int64]) -> Lesson:
    texts = [term for term in blend.terms if term.kind in KINDS]
    columns = {name: x[kept].astype(np.float32) for term in texts for name, x in term.columns.items()}
    given = sum((term.values for term in texts), np.zeros(len(labels)))
    return Lesson(columns, labels[kept], given[kept])


def _held(one: Lesson, name: str) -> npt.NDArray[np.float32]:
    column = one.columns.get(name)
    return np.full(len(one.labels), measure_of(name).neutral, dtype=np.float32) if column is None else column


def _spread(values: Floats, sizes: npt.NDArray[np.int64]) -> float:
    """Standard deviation within the queries."""
    query = np.repeat(np.arange(len(sizes)), sizes)
    mean = np.bincount(query, values) / sizes
    return float(np.sqrt(np.mean((values - mean[query]) ** 2)))
