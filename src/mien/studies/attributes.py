"""Attribute inference: can a person's age band, children, income or gender be told from what they do?

Cross-validated over people: the labels of a fold are never seen by what foretells them; their behaviour is (the SVD and
the rarities are fitted on everybody's), as it would be of people who have not said. Definitions: docs/studies.md.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.core.extras import require
from mien.core.ports import Progress, Silent
from mien.studies.attribute_features import PersonFeatures, person_features
from mien.studies.labelled import SOURCES, TASKS, Behaviour, Task
from mien.studies.metrics import Interval, draws

Floats = npt.NDArray[np.float64]
Part = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
NAME = "attributes"
MODELS = ("activity", "items", "probe", "trees", "blend")
ALL_TASKS = tuple(one.name for one in TASKS)
ROUNDS = 1000
TREES: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 15,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}
TREE_ROUNDS = 200
ENSEMBLES = 3
"""Ensembles of trees whose log-odds are averaged: with hundreds of people one alone is unsteady."""


def study(
    folder: str | Path,
    *,
    tasks: Sequence[str] = ALL_TASKS,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1, 2),
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """AUROC of each attribute by stratified cross-validation, with intervals over people, as a JSON-ready document.

    `folder`: where the data sets lie. `tasks`: names of `TASKS`. `seeds`: one partition into folds each; the figure is
    the mean over them. `seed`: of the bootstrap. Models: `activity` (logistic, amounts and rhythm only), `items`
    (logistic on the items themselves), `probe` (logistic on shares and tastes beside), `trees` (LightGBM on the same),
    `blend` (mean log-odds of the last three). `covers_floor`: the interval reaches down to the reference figure or
    below. Raises `UnknownName` for a task, `MissingExtra` without LightGBM.
    """
    by_name = {one.name: one for one in TASKS}
    for name in tasks:
        if name not in by_name:
            raise UnknownName("task", name, by_name)
    advance = (progress or Silent()).step("attributes", len(tasks) * len(seeds))
    documents: list[dict[str, Any]] = []
    for source in dict.fromkeys(by_name[name].source for name in tasks):
        told = SOURCES[source](Path(folder))
        features = person_features(told)
        asked = (by_name[name] for name in tasks if by_name[name].source == source)
        documents += [_task(one, told, features, folds, seeds, seed, advance) for one in asked]
    return {"study": NAME, "folds": folds, "seeds": list(seeds), "seed": seed, "tasks": documents}


def _task(
    task: Task,
    told: Behaviour,
    features: PersonFeatures,
    folds: int,
    seeds: Sequence[int],
    seed: int,
    advance: Callable[[int], None],
) -> dict[str, Any]:
    label = told.labels[task.attribute]
    lines = np.bincount(told.user, minlength=told.n_users)
    people = np.flatnonzero(~np.isnan(label) & (lines >= task.fewest_lines))
    y = label[people]
    if min(y.sum(), len(y) - y.sum()) < folds:
        raise UsageError("{name}: too few people of one kind for {folds} folds.", name=task.name, folds=folds)
    said: dict[str, list[Floats]] = {name: [] for name in MODELS}
    for one in seeds:
        for name, margins in cross_validated(features, people, y, folds_of(y, folds, one), one).items():
            said[name].append(margins)
        advance(1)
    rounds = {name: _rounds(np.stack(rows), y, seed) for name, rows in said.items()}
    figures = {name: [area(row, y) for row in rows] for name, rows in said.items()}
    rows = [_row(name, figures[name], rounds[name], task.floor) for name in MODELS]
    for single in ("items", "probe", "trees"):
        gain = np.percentile(rounds["blend"] - rounds[single], [2.5, 97.5])
        mean = float(np.mean(figures["blend"]) - np.mean(figures[single]))
        rows[-1].setdefault("against", {})[single] = Interval(mean, float(gain[0]), float(gain[1])).to_dict()
    return {
        "task": task.name,
        "attribute": task.attribute,
        "people": len(y),
        "share": round(float(y.mean()), 6),
        "floor": task.floor,
        "models": rows,
    }


def _row(name: str, figures: list[float], rounds: Floats, floor: float) -> dict[str, Any]:
    low, high = np.percentile(rounds, [2.5, 97.5])
    interval = Interval(float(np.mean(figures)), float(low), float(high))
    return {
        "model": name,
        "auroc": interval.to_dict(),
        "by_seed": [round(figure, 6) for figure in figures],
        "above_floor": interval.mean > floor,
        "covers_floor": interval.low <= floor,
    }


def folds_of(y: Floats, folds: int, seed: int) -> list[Part]:
    """The rows to learn from and those to judge by, of each fold; every row is judged once."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros((len(y), 1)), y))


def cross_validated(
    features: PersonFeatures, people: npt.NDArray[np.int64], y: Floats, parts: Sequence[Part], seed: int
) -> dict[str, Floats]:
    """Model → `(n,)` log-odds of each of `people`, said by what never saw their label."""
    margins = {name: np.zeros(len(y)) for name in MODELS}
    activity, dense, items = features.activity[people], features.dense[people], features.items[people]
    for learn, judge in parts:
        margins["activity"][judge] = _logistic(activity, y, learn, judge, 1.0)
        margins["items"][judge] = _on_items(items, y, learn, judge)
        margins["probe"][judge] = _logistic(dense, y, learn, judge, 0.003)
        margins["trees"][judge] = _trees(dense, y, learn, judge, seed)
    margins["blend"] = (margins["items"] + margins["probe"] + margins["trees"]) / 3.0
    return margins


def _logistic(
    x: Floats, y: Floats, learn: npt.NDArray[np.int64], judge: npt.NDArray[np.int64], strength: float
) -> Floats:
    """L2 logistic regression on columns of unit deviation, held to ±5; `strength`: scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = x[learn].mean(axis=0), x[learn].std(axis=0)
    scaled = np.clip((x - mean) / np.where(spread > 1e-9, spread, np.inf), -5.0, 5.0)
    model = LogisticRegression(C=strength, max_iter=500).fit(scaled[learn], y[learn])
    return np.asarray(model.decision_function(scaled[judge]))


def _on_items(x: Any, y: Floats, learn: npt.NDArray[np.int64], judge: npt.NDArray[np.int64]) -> Floats:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=3.0, max_iter=500).fit(x[learn], y[learn])
    return np.asarray(model.decision_function(x[judge]))


def _trees(x: Floats, y: Floats, learn: npt.NDArray[np.int64], judge: npt.NDArray[np.int64], seed: int) -> Floats:
    lightgbm = require("models", "lightgbm")
    fewest = max(10, len(learn) // 100)
    said = np.zeros(len(judge))
    for k in range(ENSEMBLES):
        settings = {**TREES, "min_data_in_leaf": fewest, "seed": seed * ENSEMBLES + k}
        trees = lightgbm.train(settings, lightgbm.Dataset(x[learn], label=y[learn]), TREE_ROUNDS)
        said += trees.predict(x[judge], raw_score=True, num_threads=1) / ENSEMBLES
    return said


def area(scores: Floats, y: Floats) -> float:
    """AUROC of one column, ties half. Cost: one sort."""
    return _area(np.unique(scores, return_inverse=True)[1], y, 1.0 - y)


def _rounds(said: Floats, y: Floats, seed: int) -> Floats:
    """`(rounds,)`: the mean AUROC of the seeds, people drawn again; the same people for every model."""
    groups = [np.unique(row, return_inverse=True)[1] for row in said]
    found = []
    for block in draws(len(y), seed, ROUNDS):
        for draw in block:
            times = np.bincount(draw, minlength=len(y)).astype(np.float64)
            found.append(np.mean([_area(group, times * y, times * (1.0 - y)) for group in groups]))
    return np.array(found)


def _area(group: npt.NDArray[np.int64], positives: Floats, negatives: Floats) -> float:
    positive, negative = np.bincount(group, weights=positives), np.bincount(group, weights=negatives)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2.0)).sum() / (positive.sum() * negative.sum()))
