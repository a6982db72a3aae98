"""Personalised search: does knowing the person put what they then bought higher, and does anybody pay for it?

Complete Journey, purchases from 2017-12-01 on. A query is the product type (leaf category) that a household bought,
one a household, basket and type; its candidates are all products that hold every word of it. What ranks them was
learnt from the queries of November, with all history cut on 11-01; it is asked with all history cut on 12-01.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import parse_time, to_us
from mien.core.errors import UnknownName
from mien.core.ports import Progress, Silent
from mien.features.state import FoldSettings
from mien.models.factor import Als
from mien.ranking.lexical import TextIndex
from mien.ranking.measures import measure_of
from mien.ranking.past import past_shelf
from mien.ranking.ranker import LearnOptions, Ranker, grow, learn
from mien.ranking.rehearsal import DISCOVERY, Question, Rehearsal, Rehearsed, examples_of, questions
from mien.ranking.rehearsal import discovery as weight_of
from mien.ranking.shelf import Shelf
from mien.studies.metrics import Interval, draws, mrr_at, ndcg_at
from mien.studies.shelved import yardstick
from mien.testing.journey import Journey, searchable_journey

Floats = npt.NDArray[np.float64]
NAME = "personalised-search"
LEARN, TEST, END = "2017-11-01", "2017-12-01", "2018-02-01"
SEGMENTS = ("bought before", "type known", "type new")
K = 10
ROUNDS = 500


def study(
    source: str = "completejourney",
    *,
    queries: int = 20_000,
    learn_queries: int = 20_000,
    rounds: int = 300,
    discovery: float = DISCOVERY,
    unconstrained: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The figures of every ranker as JSON-ready values, in all and by segment.

    `queries`, `learn_queries`: how many are drawn for the test and to learn from. `rounds`: trees. `discovery`: how
    much a query counts in learning whose answer was new to the household though the type was not. `unconstrained`:
    whether trees that may look at everything stand beside the additive ones. Cost: some 5 ms a query, and the trees.
    """
    if source != "completejourney":
        raise UnknownName("source", source, ("completejourney",))
    with TemporaryDirectory() as folder:
        world = _World.open(Path(folder), seed, progress or Silent())
        options = LearnOptions(rounds=rounds)
        rankers = world.learn(learn_queries, options, discovery, unconstrained=unconstrained)
        judged = world.judge(queries, rankers)
    return {
        "study": NAME,
        "source": source,
        "seed": seed,
        "learnt_from": {"queries": learn_queries, "history_until": LEARN, "discovery": discovery, "trees": rounds},
        **judged.to_dict(seed),
    }


@dataclass(frozen=True, eq=False)
class _Learnt:
    """The tables, and the boosters that look at everything by the columns they read."""

    ranker: Ranker
    free: Mapping[str, tuple[Any, list[str]]]


@dataclass(frozen=True, eq=False)
class _World:
    journey: Journey
    index: TextIndex
    seed: int
    report: Progress

    @classmethod
    def open(cls, folder: Path, seed: int, report: Progress) -> "_World":
        journey = searchable_journey(LEARN)
        return cls(journey, TextIndex.build(folder, journey.catalogue), seed, report)

    def rehearsal(self, at: str) -> Rehearsal:
        """The shop as it stood at `at`."""
        at_us = to_us(parse_time(at)) - 1
        catalogue, data = self.journey.catalogue, self.journey.data
        standard = yardstick(catalogue.text_facets, data, at_us)
        shelf = past_shelf(catalogue, standard, self.index, data, at_us=at_us, taste=Als(), seed=self.seed)
        return Rehearsal(shelf, data, at_us, FoldSettings(), self.journey.asked_for)

    def asked(self, shelf: Shelf, span: tuple[str, str], most: int, seed: int) -> list[Question]:
        data = self.journey.data.select(self.journey.asked_for[self.journey.data.item])
        start, end = (to_us(parse_time(one)) for one in span)
        return questions(data, shelf, (start, end), most=most, seed=seed)

    def learn(self, most: int, options: LearnOptions, discovery: float, *, unconstrained: bool) -> _Learnt:
        rehearsal = self.rehearsal(LEARN)
        asked = self.asked(rehearsal.shelf, (LEARN, TEST), most, self.seed + 1)
        examples = examples_of(rehearsal.ask(asked, self.report), weigh=weight_of(discovery)).narrow()
        free = {}
        if unconstrained:
            names = list(examples.columns)
            plain = [name for name in names if not measure_of(name).personal]
            trees = LearnOptions(rounds=options.rounds // 2, leaves=31, least_rows=50, additive=False)
            free = {
                "unconstrained, nothing personal": (grow(examples, plain, trees, self.seed), plain),
                "unconstrained": (grow(examples, names, trees, self.seed), names),
            }
        return _Learnt(learn(examples, options, seed=self.seed), free)

    def judge(self, most: int, learnt: _Learnt) -> "_Judged":
        rehearsal = self.rehearsal(TEST)
        asked = self.asked(rehearsal.shelf, (TEST, END), most, self.seed)
        hits: dict[str, list[Floats]] = {}
        users, segments, relevant, sizes = [], [], [], []
        for one in rehearsal.ask(asked, self.report):
            users.append(one.question.user)
            segments.append(segment(one))
            relevant.append(int(one.hit.sum()))
            sizes.append(len(one.hit))
            for name, scores in _scores(one, learnt).items():
                order = np.lexsort((one.blend.rows, -rehearsal.shelf.popularity[one.blend.rows], -scores))[:K]
                row = np.zeros(K)
                row[: len(order)] = one.hit[order]
                hits.setdefault(name, []).append(row)
        return _Judged(
            {name: np.stack(rows) for name, rows in hits.items()},
            np.array(users),
            np.array(segments),
            np.array(relevant),
            float(np.mean(sizes)),
        )


def _scores(one: Rehearsed, learnt: _Learnt) -> dict[str, Floats]:
    n, columns = len(one.hit), one.columns
    known = learnt.ranker.known if one.is_known else learnt.ranker.anyone
    tier = next(term.values for term in one.blend.terms if term.kind == "tier")
    found = {
        "bm25": columns["text"],
        "popular": columns["popular.here"],
        "set by hand": one.blend.scores,
        "anyone": learnt.ranker.anyone.score(columns, n) + tier,
        "known": known.score(columns, n) + tier,
    }
    for name, (booster, names) in learnt.free.items():
        rest = {each: np.full(n, measure_of(each).neutral) for each in names if each not in columns}
        rows = np.stack([(columns | rest)[each] for each in names], axis=1)
        found[name] = booster.predict(rows, num_threads=1)
    return found


def segment(one: Rehearsed) -> int:
    """Place in `SEGMENTS`: an answer that the person had bought, another of a type they had bought, a new type."""
    return 0 if one.again else 1 if one.own_type else 2


@dataclass(frozen=True, eq=False)
class _Judged:
    """`hits[name] (n, K)`; by query: user, segment, how many answers there were."""

    hits: Mapping[str, Floats]
    users: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]
    relevant: npt.NDArray[np.int64]
    candidates: float

    def to_dict(self, seed: int) -> dict[str, Any]:
        ndcg = {name: ndcg_at(rows, self.relevant, K) for name, rows in self.hits.items()}
        mrr = {name: mrr_at(rows, K) for name, rows in self.hits.items()}
        resampled = _Resampled.of(self.users, seed)
        models = [
            {
                "model": name,
                "ndcg@10": resampled.mean(ndcg[name]).to_dict(),
                "mrr@10": resampled.mean(mrr[name]).to_dict(),
                "segments": {
                    title: resampled.mean(ndcg[name], self.segments == k).to_dict() for k, title in enumerate(SEGMENTS)
                },
            }
            for name in self.hits
        ]
        base = max((name for name in self.hits if name in NOT_PERSONAL), key=lambda name: float(ndcg[name].mean()))
        return {
            "queries": len(self.users),
            "users": len(np.unique(self.users)),
            "candidates": round(self.candidates, 1),
            "segments": {title: int((self.segments == k).sum()) for k, title in enumerate(SEGMENTS)},
            "models": models,
            "lift": {"of": "known", "over": base, **resampled.lift(ndcg["known"], ndcg[base]).to_dict()},
            "lift_by_segment": {
                title: resampled.difference(ndcg["known"], ndcg[base], self.segments == k).to_dict()
                for k, title in enumerate(SEGMENTS)
            },
        }


NOT_PERSONAL = ("bm25", "popular", "anyone", "unconstrained, nothing personal")


@dataclass(frozen=True, eq=False)
class _Resampled:
    """Bootstrap over users: `counts (rounds, n_queries)` how often each query is drawn, with all of its user's."""

    counts: npt.NDArray[np.float32]

    @classmethod
    def of(cls, users: npt.NDArray[np.int64], seed: int) -> "_Resampled":
        _, member = np.unique(users, return_inverse=True)
        n = int(member.max(initial=-1)) + 1
        drawn = [np.bincount(draw, minlength=n) for block in draws(n, seed, ROUNDS) for draw in block]
        return cls(np.stack(drawn).astype(np.float32)[:, member])

    def _means(self, values: Floats, which: npt.NDArray[np.bool_] | None = None) -> tuple[float, Floats]:
        kept = np.ones(len(values), dtype=np.bool_) if which is None else which
        counts = self.counts[:, kept]
        return float(values[kept].mean()), np.asarray(counts @ values[kept] / counts.sum(axis=1), dtype=np.float64)

    def mean(self, values: Floats, which: npt.NDArray[np.bool_] | None = None) -> Interval:
        return _interval(*self._means(values, which))

    def lift(self, ours: Floats, theirs: Floats) -> Interval:
        """ours / theirs − 1."""
        (a, many_a), (b, many_b) = self._means(ours), self._means(theirs)
        return _interval(a / b - 1, many_a / many_b - 1)

    def difference(self, ours: Floats, theirs: Floats, which: npt.NDArray[np.bool_]) -> Interval:
        return _interval(*self._means(ours - theirs, which))


def _interval(mean: float, means: Floats) -> Interval:
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(mean, float(low), float(high))
