"""Propensity: who buys which label next, by each way of knowing users; one row a user and label, pooled over labels."""

from dataclasses import dataclass
from time import process_time

import numpy as np
import numpy.typing as npt

from mien.models.heads.classifier import Classifier, ClassifierSettings
from mien.models.heads.pairs import PairMatrix
from mien.models.heads.parts import FOLDS, Sample, sampled
from mien.models.heads.trees import TreeSettings
from mien.studies.value_rows import Said, TargetTable

RFM = ("since", "orders.n", "value.half30", "label.28d")
REPEAT = "own.half90"
EASE = "ease"
TREES = TreeSettings(
    rounds=250, rate=0.06, leaves=7, least_rows=200, columns=0.4, rows=0.7, penalty=20.0, patience=0, bins=63
)
LEARNT = ClassifierSettings(kind="blend", trees=TREES, refit=False)
PLAIN = ClassifierSettings(kind="probe", refit=False)


@dataclass(frozen=True, eq=False)
class PairWindow:
    """One cut: the features of all pairs, and `bought (n_users, n_labels)` after it."""

    pairs: PairMatrix
    bought: npt.NDArray[np.bool_]


def pair_table(
    target: str,
    test: PairWindow,
    train: list[PairWindow],
    sets: dict[str, tuple[str, ...]],
    *,
    seeds: tuple[int, ...],
    rows: int,
) -> TargetTable:
    """Every set of features as a model; a set of one feature ranks by it as it is, and is calibrated beside."""
    table = TargetTable(target, test.bought)
    samples: dict[int, Sample] = {}
    for model, names in sets.items():
        places = [test.pairs.names.index(name) for name in names]
        learnt = len(names) > len(RFM)
        settings = LEARNT if learnt else PLAIN
        began, said, figures = process_time(), [], []
        for seed in seeds if learnt else seeds[:1]:
            if seed not in samples:
                samples[seed] = sampled([w.pairs for w in train], [w.bought for w in train], rows, seed)
            one = samples[seed]
            head = Classifier.fit(
                names,
                one.values[:, places],
                one.labels,
                row_weights=one.weights,
                held_out=one.users % FOLDS == seed % FOLDS,
                settings=settings,
                seed=seed,
            )
            said.append(head.probabilities(test.pairs.values[:, places]).reshape(test.bought.shape))
            figures.append(table.macro(said[-1]))
        mean = np.mean(said, axis=0)
        scores = test.pairs.column(names[0]) if len(names) == 1 else mean
        figures = figures if learnt else [table.macro(scores)]
        table.rows.append(Said(model, scores, mean, tuple(figures), process_time() - began))
    return table
