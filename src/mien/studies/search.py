"""Judged searches: how well words, meaning, both, and a learned ranker of both order what people judged.

Two tasks. *rerank*: the judged texts of each query, in another order; the floor of a random order is high, so that only
paired differences tell. *retrieve*: the whole catalogue is searched for a random sample of the queries; what nobody
judged counts as wrong, so that figures are lower than what people would see, and equal for all models.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.core.ports import Progress, Silent
from mien.models.content.cache import Remembering, VectorCache
from mien.models.content.encoder import Encoder
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import distinct_texts
from mien.ranking.nearness import NEAREST, scaled
from mien.ranking.query_features import FEATURES, Judge
from mien.studies.judged import Judged, read_judged
from mien.studies.metrics import bootstrap_mean, paired_difference
from mien.studies.search_lists import Lists, discounted, folds_of, joined, learned, tuned
from mien.studies.served_search import SERVED, ServedShop, served

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

NAME = "search"
TASKS = ("rerank", "retrieve")
MODELS = ("random", "bm25", "dense", "hybrid", "learned")
SYSTEMS = (*MODELS, *SERVED)
"""What retrieval compares: `served` and `served-learned` are the whole search, as a shop has it."""
LEAST_QUERIES = 10
LEARNT_CANDIDATES = 120
"""Candidates by words and by meaning of each query that is only learnt from."""
NEGATIVES = 0.25
"""Share of the candidates without gain that the learned ranker of retrieval learns from."""
_AT = {name: place for place, name in enumerate(FEATURES)}


def study(
    source: str,
    *,
    tasks: Sequence[str] = TASKS,
    encoder: str = "minilm",
    folder: str | None = None,
    relevant: float | None = None,
    queries: int = 1500,
    learn_from: int = 4000,
    candidates: int = 250,
    folds: int = 5,
    ensemble: int = 1,
    threads: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """NDCG@10 (and recall in retrieval) of five models and of the served search, with intervals.

    `source`: `homedepot:FILE` or `pairs:FILE`. `folder`: where vectors are kept between runs; without one they are
    made anew. `relevant`: the relevance that counts as found. `queries`: how many are searched for; `learn_from`: how
    many others the ranker learns from besides; `candidates`: by words and by meaning, each. `ensemble`: models of the
    learned ranker that are averaged. `seed`: of sample, folds, trees, ties and bootstrap.
    """
    unknown = [task for task in tasks if task not in TASKS]
    if unknown:
        raise UnknownName("task of the study search", unknown[0], TASKS)
    if min(queries, candidates, ensemble, threads) < 1 or folds < 2 or learn_from < 0:
        raise UsageError("queries, candidates, ensemble and threads must be 1 or more, folds 2 or more.")
    judged = read_judged(source, relevant)
    if len(judged.queries) < max(LEAST_QUERIES, folds):
        raise UsageError(
            "{n_queries} queries are too few to learn on some and judge on others; the study search needs {least}.",
            n_queries=len(judged.queries),
            least=max(LEAST_QUERIES, folds),
        )
    told = progress or Silent()
    plan = _Plan(judged, queries, learn_from, candidates, folds, ensemble, threads, seed, told)
    with _kept(folder) as kept:
        content = encoder_named(ContentSettings(encoder=encoder, threads=threads), folder=kept, texts=judged.texts)
        reader = Remembering(content, VectorCache(kept / "cache"))
        judge = Judge(judged.texts, judged.queries, _reader(content, kept, told))
        rows: list[dict[str, Any]] = []
        facts: dict[str, Any] = {}
        if "rerank" in tasks:
            rows += _rerank(plan, judge, facts)
        if "retrieve" in tasks:
            with tempfile.TemporaryDirectory() as index:
                rows += _retrieve(plan, judge, ServedShop(judged, reader, Path(index)), facts)
    return {
        "study": NAME,
        "source": source.partition(":")[0],
        "encoder": content.version,
        "pairs": len(judged.relevance),
        "queries": len(judged.queries),
        "texts": len(judged.texts),
        "relevant": judged.relevant,
        "folds": folds,
        "seed": seed,
        **facts,
        "models": rows,
    }


@dataclass(frozen=True, eq=False)
class _Plan:
    judged: Judged
    queries: int
    learn_from: int
    candidates: int
    folds: int
    ensemble: int
    threads: int
    seed: int
    progress: Progress


class _kept:  # noqa: N801 (a context, used like a function)
    """The folder given, or one that goes away."""

    def __init__(self, folder: str | None) -> None:
        self._passing = None if folder is not None else tempfile.TemporaryDirectory()
        self._folder = Path(folder) if folder is not None else Path(self._passing.name)  # type: ignore[union-attr]

    def __enter__(self) -> Path:
        return self._folder

    def __exit__(self, *_: object) -> None:
        if self._passing is not None:
            self._passing.cleanup()


def _reader(
    content: Encoder, folder: Path, progress: Progress
) -> Callable[[Sequence[str], bool], npt.NDArray[np.float32]]:
    cache = VectorCache(folder / "cache")

    def read(texts: Sequence[str], queries: bool) -> npt.NDArray[np.float32]:
        distinct, place = distinct_texts(list(texts))
        known = cache.vectors(content, distinct, kind="query" if queries else "passage", progress=progress)
        rows = np.zeros((len(texts), content.dim), dtype=np.float32)
        rows[place >= 0] = known[place[place >= 0]]
        return rows

    return read


# -- re-ranking -------------------------------------------------------------------------------------------------------


def _rerank(plan: _Plan, judge: Judge, facts: dict[str, Any]) -> list[dict[str, Any]]:
    judged = plan.judged
    advance = plan.progress.step("re-rank judged lists", len(judged.queries))
    order = np.argsort(judged.query, kind="stable")
    starts = np.searchsorted(judged.query[order], np.arange(len(judged.queries) + 1))
    gains, parts = judged.gains[order], []
    for query in range(len(judged.queries)):
        mine = order[starts[query] : starts[query + 1]]
        parts.append(_list(judge, query, judged.row[mine], judged.gains[mine], judged.gains[mine]))
        advance(1)
    lists = joined(parts)
    fold = folds_of(len(lists), plan.folds, plan.seed)
    scores = _scores(lists, fold, plan, 1.0)
    spread = np.maximum.reduceat(gains, starts[:-1]) > np.minimum.reduceat(gains, starts[:-1])
    ndcg = {name: lists.ndcg(score, plan.seed) for name, (score, _) in scores.items()}
    facts["reranked"] = {
        "lists": int(spread.sum()),
        "all_lists": {name: round(float(np.nanmean(values)), 6) for name, values in ndcg.items()},
    }
    measures = {name: {"ndcg@10": values[spread]} for name, values in ndcg.items()}
    return _rows("rerank", measures, {name: note for name, (_, note) in scores.items()}, plan.seed)


def _list(
    judge: Judge, query: int, rows: npt.NDArray[np.int32], gains: Floats, all_gains: Floats, k: int = 10
) -> Lists:
    """One list; `all_gains`: of everything there was to find."""
    return Lists(
        np.array([0, len(rows)]),
        rows,
        np.asarray(gains, dtype=np.float64),
        judge.features(query, rows),
        np.array([discounted(all_gains, k)]),
        np.array([int((all_gains > 0).sum())]),
    )


def _scores(lists: Lists, fold: Numbers, plan: _Plan, negatives: float) -> dict[str, tuple[Floats, dict[str, Any]]]:
    """Model → score of each candidate of the lists that are tested, and what is to be told of it."""
    feature = lists.features.astype(np.float64, copy=False)
    words, meaning = feature[:, _AT["bm25"]], feature[:, _AT["meaning"]]
    typed = feature[:, _AT["meaning_as_typed"]]
    share = words / np.maximum(lists.best_of(words), 1e-9)
    near = _nearness(lists, meaning)
    hybrid, weights = tuned(lists, fold, share, near, plan.seed)
    trees = learned(lists, fold, seed=plan.seed, threads=plan.threads, negatives=negatives, ensemble=plan.ensemble)
    nothing: dict[str, Any] = {}
    return {
        "random": (np.zeros(len(words)), nothing),
        "bm25": (words, nothing),
        "dense": (typed, nothing),
        "hybrid": (hybrid, {"weights": weights}),
        "learned": (trees, nothing),
    }


def _nearness(lists: Lists, cosine: Floats) -> Floats:
    """`scaled` list by list, on the scale of a live search: from the 200th nearest, or the last, to the best."""
    found = np.empty(len(cosine))
    for start, stop in zip(lists.starts[:-1], lists.starts[1:], strict=True):
        own = cosine[start:stop]
        edge = float(np.sort(own)[max(len(own) - NEAREST, 0)])
        found[start:stop] = scaled(own, edge, float(own.max()))
    return found


# -- retrieval --------------------------------------------------------------------------------------------------------


def _retrieve(plan: _Plan, judge: Judge, shop: ServedShop, facts: dict[str, Any]) -> list[dict[str, Any]]:
    judged = plan.judged
    gains = np.where(judged.relevance >= judged.relevant, judged.gains, 0.0)
    found: dict[int, dict[int, float]] = {}
    for query, row, gain in zip(judged.query.tolist(), judged.row.tolist(), gains.tolist(), strict=True):
        if gain > 0:
            found.setdefault(query, {})[row] = max(gain, found.get(query, {}).get(row, 0.0))
    order = sorted(found, key=lambda query: judged.queries[query])
    drawn = np.random.default_rng(plan.seed).permutation(order)
    tested, others = drawn[: plan.queries], drawn[plan.queries : plan.queries + plan.learn_from]
    advance = plan.progress.step("search the catalogue", len(tested) + len(others))
    parts = []
    for query, test in [*((one, True) for one in tested.tolist()), *((one, False) for one in others.tolist())]:
        rows = _candidates(judge, query, plan.candidates if test else min(LEARNT_CANDIDATES, plan.candidates))
        relevant = found[query]
        worth = np.array([relevant.get(row, 0.0) for row in rows.tolist()])
        parts.append(_list(judge, query, rows, worth, np.array(list(relevant.values()))))
        advance(1)
    lists = joined(parts)
    fold = np.concatenate([folds_of(len(tested), plan.folds, plan.seed), np.full(len(others), -1)])
    scores = _scores(lists, fold, plan, NEGATIVES)
    words, notes = scores["bm25"]
    scores["bm25"] = (np.where(words > 0, words, -np.inf), notes)  # a text without any word was not found by words
    kept = fold >= 0
    reached = lists.recall(np.zeros(len(lists.rows)), plan.seed, len(lists.rows))[kept]
    facts["retrieved"] = {
        "queries": len(tested),
        "learnt_from": len(others),
        "candidates_recall": round(float(reached.mean()), 6),
    }
    plain = lists.binary()
    measures: dict[str, dict[str, Floats]] = {}
    for name, (score, _) in scores.items():
        measures[name] = {
            "ndcg@10": plain.ndcg(score, plan.seed)[kept],
            "recall@10": plain.recall(score, plan.seed, 10)[kept],
            "recall@100": plain.recall(score, plan.seed, 100)[kept],
            "graded_ndcg@10": lists.ndcg(score, plan.seed)[kept],
        }
    told = served(shop, tested, others, fold[: len(tested)], found, seed=plan.seed, progress=plan.progress)
    measures |= told
    notes_of = {name: note for name, (_, note) in scores.items()}
    measures["random"] = {what: values[kept] for what, values in _by_chance(plain, len(judged.texts)).items()}
    return _rows("retrieve", measures, notes_of, plan.seed)


def _candidates(judge: Judge, query: int, each: int) -> npt.NDArray[np.int32]:
    """The best by words, by meaning as understood and as typed, each once, ascending."""
    words = judge.texts.bm25(judge.asked[query])
    best = _top(words, each)
    chosen = [best[words[best] > 0]]
    chosen += [_top(judge.vectors @ vector, each) for vector in judge.vectors_of(query)]
    return np.unique(np.concatenate(chosen)).astype(np.int32)


def _top(values: npt.NDArray[np.floating], k: int) -> npt.NDArray[np.int64]:
    return np.argpartition(-values, k)[:k] if k < len(values) else np.arange(len(values))


def _by_chance(plain: Lists, n_texts: int) -> dict[str, Floats]:
    """What an order of the whole catalogue by chance is expected to have, query by query."""
    top = discounted(np.ones(min(10, n_texts))) / n_texts
    return {
        "ndcg@10": plain.relevant * top / plain.ideal,
        "recall@10": np.full(len(plain), min(10 / n_texts, 1.0)),
        "recall@100": np.full(len(plain), min(100 / n_texts, 1.0)),
    }


# -- the document -----------------------------------------------------------------------------------------------------


def _rows(
    task: str, measures: Mapping[str, Mapping[str, Floats]], notes: Mapping[str, Mapping[str, Any]], seed: int
) -> list[dict[str, Any]]:
    """A row a model; those of the learned ones have their paired differences."""
    rows = []
    for name in (name for name in SYSTEMS if name in measures):
        row: dict[str, Any] = {"model": name, "task": task}
        row |= {what: bootstrap_mean(values, seed=seed).to_dict() for what, values in measures[name].items()}
        row |= notes.get(name, {})
        if name in ("hybrid", "learned", "served-learned"):
            row["against"] = [
                {"model": other} | {
                    what: paired_difference(values, measures[other][what], seed=seed).to_dict()
                    for what, values in measures[name].items()
                }
                for other in ("bm25", "dense", "hybrid", "served")
                if other != name and other in measures
            ]  # fmt: skip
        rows.append(row)
    return rows
