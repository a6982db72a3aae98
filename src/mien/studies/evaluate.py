"""The honest table: every model beside popularity, repeat purchase and frequency, split by time, with intervals.

Next basket: train on all that happened before a moment, rank all items for each user, compare with the first order
after it. Nothing is hidden from the list: what was bought before may be bought again. Definitions: docs/evaluation.md.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.item import Facet
from mien.core.ports import Progress, Silent
from mien.models.behaviour import SMALL, Behaviour
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model, chunks
from mien.models.named import MODELS, model_named
from mien.models.ranked import Scores, best
from mien.models.singles import SINGLES
from mien.studies.accuracy import FacetAccuracy, facet_accuracies
from mien.studies.baskets import Baskets, split_baskets
from mien.studies.blend import BLENDS, blended, parts_of
from mien.studies.metrics import (
    Interval,
    bootstrap_mean,
    coverage,
    hit_matrix,
    mrr_at,
    ndcg_at,
    novelty,
    paired_difference,
    precision_at,
    recall_at,
)

Floats = npt.NDArray[np.float64]

HUMBLE = ("popular", "repeat", "frequency")
"""What every figure stands beside; always part of an evaluation."""
DEFAULT_MODELS = (*HUMBLE, "item-neighbours", "user-neighbours", "ease", "als", "interest", *BLENDS)
BLOCK_BYTES = 16 << 20
"""Dense scores of one model for one chunk of users; all parts of all blends are held at once."""


@dataclass(frozen=True, eq=False)
class ModelResult:
    """One row of the table. `ndcg`, `recall`, `mrr`, `precision`: `(users measured,)` values at k.

    `slices`: name → NDCG and recall there. `coverage`, `novelty`: of all lists shown. `seconds`: of fitting.
    """

    model: str
    ndcg: Floats
    recall: Floats
    mrr: Floats
    precision: Floats
    coverage: float
    novelty: float
    slices: Mapping[str, Mapping[str, Interval]]
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found. `to_dict()` is the JSON document, `difference` the paired comparison of two rows."""

    split: dict[str, Any]
    k: int
    seed: int
    models: tuple[ModelResult, ...]
    profile: tuple[FacetAccuracy, ...] = ()

    @property
    def best_humble(self) -> ModelResult:
        """The strongest of popularity, repeat purchase and personal frequency, by NDCG."""
        return max((row for row in self.models if row.model in HUMBLE), key=lambda row: float(np.nanmean(row.ndcg)))

    @property
    def best_single(self) -> ModelResult:
        """The strongest model that is no blend, by NDCG."""
        return max((row for row in self.models if row.model in SINGLES), key=lambda row: float(np.nanmean(row.ndcg)))

    def result(self, model: str) -> ModelResult:
        """The row of a model."""
        return next(row for row in self.models if row.model == model)

    def difference(self, ours: str, theirs: str, measure: str = "ndcg") -> Interval:
        """Paired over the same users; `measure`: ndcg, recall, mrr or precision."""
        return paired_difference(
            getattr(self.result(ours), measure), getattr(self.result(theirs), measure), seed=self.seed
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of `mien evaluate --json`."""
        return {
            "split": self.split,
            "models": [self._row(row) for row in self.models],
            "profile": [facet.to_dict() for facet in self.profile],
        }

    def _row(self, row: ModelResult) -> dict[str, Any]:
        at = f"@{self.k}"
        document: dict[str, Any] = {"model": row.model}
        for name in ("ndcg", "recall", "mrr", "precision"):
            document[name + at] = bootstrap_mean(getattr(row, name), seed=self.seed).to_dict()
        document["coverage" + at] = round(row.coverage, 6)
        document["novelty" + at] = round(row.novelty, 4)
        document["slices"] = {
            name: {measure + at: interval.to_dict() for measure, interval in values.items()}
            for name, values in row.slices.items()
        }
        if row.model not in HUMBLE:
            document["against"] = self._against(row, self.best_humble)
        if row.model not in SINGLES:
            document["against_best_single"] = self._against(row, self.best_single)
        document["fit_seconds"] = round(row.seconds, 3)
        if row.notes:
            document["notes"] = list(row.notes)
        return document

    def _against(self, ours: ModelResult, theirs: ModelResult) -> dict[str, Any]:
        pairs = {f"{name}@{self.k}": self.difference(ours.model, theirs.model, name) for name in ("ndcg", "recall")}
        return {"model": theirs.model, **{name: interval.to_dict() for name, interval in pairs.items()}}


def evaluate(
    data: Interactions,
    at_us: int | None = None,
    *,
    models: Sequence[str] = DEFAULT_MODELS,
    facets: Sequence[Facet] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    k: int = 10,
    test_days: float | None = 14.0,
    active_days: float | None = None,
    max_users: int = 5000,
    seed: int = 0,
    facts: ItemFacts | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate on all interactions (`data`), purchases being what is to be foretold.

    `at_us`: the split, by default `test_days` before the end. `models`: names of models, and blends such as
    “repeat+ease”; popular, repeat and frequency always take part. `settings`: model → its settings where they differ
    from the defaults. `facets`: dimensions on which the profile's tags are judged (none: no profile table). `facts`:
    what models that read items are told of them; by default the facets. See `split_baskets` for the rest. Cost: each
    fit, and users · items · models scores, in blocks of 16 MiB a model.
    """
    report = progress or Silent()
    names = tuple(dict.fromkeys((*HUMBLE, *models)))
    for name in names:
        parts_of(name)
    baskets = split_baskets(data, at_us, test_days=test_days, active_days=active_days, max_users=max_users, seed=seed)
    told = facts or ItemFacts.of(data.n_items, facets=facets)
    fitted, seconds = _fit_all(names, baskets, settings or {}, told, seed, report)
    lists = _rank_all(names, fitted, baskets, k, report)
    counts = np.bincount(baskets.train.item, minlength=data.n_items)
    rows = tuple(_result(name, lists[name], baskets, counts, k, seed, seconds, fitted) for name in names)
    accuracies = facet_accuracies(data, baskets, facets, seed=seed, progress=report)
    return Evaluation({**baskets.to_dict(), "k": k, "seed": seed}, k, seed, rows, accuracies)


def _fit_all(
    names: Sequence[str],
    baskets: Baskets,
    settings: Mapping[str, Mapping[str, Any]],
    facts: ItemFacts,
    seed: int,
    report: Progress,
) -> tuple[dict[str, Model], dict[str, float]]:
    """Every model that a name stands for, once, and how long each took."""
    wanted = [name for name in MODELS if any(name in parts_of(asked) for asked in names)]
    fitted, seconds = {}, {}
    advance = report.step("fitting models", len(wanted))
    for name in wanted:
        begun = time.perf_counter()
        small = SMALL if name == Behaviour.name else {}
        model = model_named(name)(**{**small, **settings.get(name, {})}).use_items(facts)
        fitted[name] = model.fit(baskets.train, at_us=baskets.at_us, seed=seed)
        seconds[name] = time.perf_counter() - begun
        advance(1)
    return fitted, seconds


def _rank_all(
    names: Sequence[str], fitted: Mapping[str, Model], baskets: Baskets, k: int, report: Progress
) -> dict[str, npt.NDArray[np.int32]]:
    """Name → `(users, k)` the items ranked first."""
    lists = {name: np.full((len(baskets.users), k), -1, dtype=np.int32) for name in names}
    fallback = fitted["popular"].fitted["fallback"]
    n_items = baskets.train.n_items
    advance = report.step("ranking baskets", len(baskets.users))
    for part in chunks(len(baskets.users), n_items, block_bytes=BLOCK_BYTES):
        users = baskets.users[part]
        scores: dict[str, Scores] = {
            name: model.score(baskets.train, users, at_us=baskets.at_us) for name, model in fitted.items()
        }
        for name in names:
            lists[name][part] = best(blended(name, scores), k, fallback).items
        advance(len(users))
    return lists


def _result(
    name: str,
    items: npt.NDArray[np.int32],
    baskets: Baskets,
    counts: npt.NDArray[np.int64],
    k: int,
    seed: int,
    seconds: Mapping[str, float],
    fitted: Mapping[str, Model],
) -> ModelResult:
    hits = hit_matrix(items, baskets.basket, baskets.item)
    relevant = baskets.relevant()
    measured = baskets.measured
    parts = parts_of(name)
    return ModelResult(
        model=name,
        ndcg=ndcg_at(hits, relevant, k)[measured],
        recall=recall_at(hits, relevant, k)[measured],
        mrr=mrr_at(hits, k)[measured],
        precision=precision_at(hits, k)[measured],
        coverage=coverage(items[measured], int((counts > 0).sum())),
        novelty=novelty(items[measured], counts),
        slices=_slices(items, baskets, k, seed),
        seconds=sum(seconds[part] for part in parts),
        notes=tuple(note for part in parts for note in fitted[part].notes),
    )


def _slices(items: npt.NDArray[np.int32], baskets: Baskets, k: int, seed: int) -> dict[str, dict[str, Interval]]:
    """Where it is hard: users without a history; users with few purchases; and items the user never bought before."""
    hits, relevant = hit_matrix(items, baskets.basket, baskets.item), baskets.relevant()
    fresh = ~baskets.again
    fresh_hits, fresh_relevant = hit_matrix(items, baskets.basket[fresh], baskets.item[fresh]), baskets.relevant(fresh)
    cases = {
        "users_without_history": (~baskets.known, hits, relevant),
        "users_with_up_to_3_orders": (baskets.measured & (baskets.orders <= 3), hits, relevant),
        "items_new_to_the_user": (baskets.measured & (fresh_relevant > 0), fresh_hits, fresh_relevant),
    }
    return {
        name: {
            "ndcg": bootstrap_mean(ndcg_at(hit, total, k)[mask], seed=seed),
            "recall": bootstrap_mean(recall_at(hit, total, k)[mask], seed=seed),
        }
        for name, (mask, hit, total) in cases.items()
        if mask.any()
    }
