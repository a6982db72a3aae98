"""The search that is served, judged: by the weights that are set, and by a ranker learnt from judgements.

The whole pipeline answers, as a shop with these texts as its goods would answer a visitor; what it learnt from are
other queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.ports import Progress
from mien.core.query import Query
from mien.models.content.encoder import Encoder
from mien.ranking.close import CloseReading
from mien.ranking.judged import LEAST, JudgedQuery, Lesson, grades_of, learn_texts, lessons
from mien.ranking.lexical import TextIndex
from mien.ranking.pipeline import search
from mien.ranking.shelf import Context
from mien.studies.judged import Judged
from mien.studies.metrics import Floats, graded_ndcg_at, ndcg_at, recall_at
from mien.studies.text_shop import goods_of, visited

Numbers = npt.NDArray[np.int64]
SHOWN = 100
SERVED = ("served", "served-learned")


@dataclass(frozen=True, eq=False)
class ServedShop:
    """Judged texts as a shop's goods. `folder`: where the index is put."""

    judged: Judged
    encoder: Encoder
    folder: Path

    @cached_property
    def plain(self) -> Context:
        """What a visitor is answered from by the weights that are set."""
        catalogue = goods_of(self.judged.texts)
        return visited(catalogue, TextIndex.build(self.folder, catalogue), self.encoder)

    @cached_property
    def close(self) -> Context:
        """The same, reading closely."""
        shelf = self.plain.shelf
        return replace(self.plain, shelf=replace(shelf, close=CloseReading.of(shelf.catalogue)))

    def lesson(self, query: int, seed: int) -> list[Lesson]:
        """What the judgements of a query teach; nothing where no good answer is found."""
        mine = np.flatnonzero(self.judged.query == query)
        rows, grades = grades_of(self.judged.row[mine], self._grades[mine])
        return lessons([JudgedQuery(self.judged.queries[query], rows, grades)], self.close, seed=seed)

    @cached_property
    def _grades(self) -> Floats:
        relevance = self.judged.relevance
        return np.asarray((relevance - relevance.min()) / np.ptp(relevance), dtype=np.float64)

    def learnt(self, taught: Sequence[Lesson], seed: int) -> Context:
        """What a visitor is answered from by a ranker that learnt from these."""
        return replace(self.close, shelf=replace(self.close.shelf, ranker=learn_texts(taught, seed=seed)))

    def answers(self, queries: Sequence[int], context: Context) -> npt.NDArray[np.int64]:
        """`(queries, SHOWN)` rows as they are answered, −1 where nothing is left."""
        found = np.full((len(queries), SHOWN), -1, dtype=np.int64)
        for k, query in enumerate(queries):
            results = search(Query(self.judged.queries[query], k=SHOWN), context).results
            found[k, : len(results)] = [int(one.item_id) for one in results]
        return found


def served(
    shop: ServedShop,
    tested: Numbers,
    others: Numbers,
    fold: Numbers,
    truth: Mapping[int, Mapping[int, float]],
    *,
    seed: int,
    progress: Progress,
) -> dict[str, dict[str, Floats]]:
    """System → measure → `(tested,)`; only `served` where there are too few to learn from.

    `fold (tested,)`: each is asked of a ranker that learnt from the other folds and from `others`. `truth`: query → the
    rows that answer it, with their gains.
    """
    queries = [*tested.tolist(), *others.tolist()]
    folds = np.concatenate([fold, np.full(len(others), -1)])
    advance = progress.step("learn from judgements", len(queries))
    taught = []
    for query in queries:
        taught.append(shop.lesson(query, seed + query))
        advance(1)
    found = {"served": shop.answers(tested.tolist(), shop.plain)}
    by_fold = {
        one: [lesson for k in np.flatnonzero(folds != one) for lesson in taught[k]] for one in set(fold.tolist())
    }
    if min(map(len, by_fold.values())) >= LEAST:
        found["served-learned"] = np.full((len(tested), SHOWN), -1, dtype=np.int64)
        for one, mine in by_fold.items():
            at = np.flatnonzero(fold == one)
            found["served-learned"][at] = shop.answers(tested[at].tolist(), shop.learnt(mine, seed))
    wanted = [truth[query] for query in tested.tolist()]
    return {name: _measures(rows, wanted) for name, rows in found.items()}


def _measures(rows: npt.NDArray[np.int64], truth: Sequence[Mapping[int, float]]) -> dict[str, Floats]:
    relevant = np.array([len(one) for one in truth])
    gains = np.array([[one.get(row, 0.0) for row in shown] for one, shown in zip(truth, rows.tolist(), strict=True)])
    everything = np.zeros((len(truth), max(relevant)))
    for k, one in enumerate(truth):
        everything[k, : len(one)] = list(one.values())
    hits = (gains > 0).astype(np.float64)
    return {
        "ndcg@10": ndcg_at(hits, relevant),
        "recall@10": recall_at(hits, relevant),
        "recall@100": recall_at(hits, relevant, SHOWN),
        "graded_ndcg@10": graded_ndcg_at(gains, everything),
    }
