"""Churn and conversion: what is foretold of a user as a whole, by each way of knowing them."""

from dataclasses import dataclass
from time import process_time

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.features.vector import FeatureMatrix
from mien.models.heads.classifier import Classifier, ClassifierSettings
from mien.models.heads.cuts import Cut
from mien.models.heads.parts import FOLDS
from mien.models.heads.trees import TreeSettings
from mien.studies.value_rows import Said, TargetTable

Floats = npt.NDArray[np.float64]
RFM = ("order_recency_days", "orders", "spend.all")
REPEAT = ("orders.half60",)
PLAIN = ClassifierSettings(kind="probe", calibration="platt")
TREES = TreeSettings(rounds=250, rate=0.04, leaves=7, least_rows=40, columns=0.3, rows=0.7, penalty=10.0, patience=0)
LEARNT = ClassifierSettings(kind="trees", trees=TREES, calibration="platt")
NARROW = ClassifierSettings(kind="probe", penalty=100.0, calibration="platt")


@dataclass(frozen=True, eq=False)
class UserWindow:
    """One cut: the users who count, their features, and whether they bought after it (`(n,)` 0/1)."""

    cut: Cut
    matrix: FeatureMatrix
    bought: Floats

    def of(self, users: Rows) -> "UserWindow":
        """These users only (ascending)."""
        held = np.isin(self.matrix.users, users)
        kept = FeatureMatrix(self.matrix.users[held], self.matrix.names, self.matrix.values[held], self.matrix.at_us)
        return UserWindow(self.cut, kept, self.bought[held])


def user_table(
    target: str,
    test: UserWindow,
    train: list[UserWindow],
    sets: dict[str, tuple[str, ...]],
    *,
    churn: bool,
    seeds: tuple[int, ...],
    calibrate: str = "newest",
) -> TargetTable:
    """Every set of features as a model. `train`: newest first. `churn`: foretell the no.

    `calibrate`: on the `newest` window, or on a fifth of the `users` in all windows, others with each seed.
    """
    happened = test.bought if not churn else 1 - test.bought
    table = TargetTable(target, happened[:, None] > 0)
    x = np.concatenate([window.matrix.values for window in train])
    bought = np.concatenate([window.bought for window in train])
    y = bought if not churn else 1 - bought
    users = np.concatenate([window.matrix.users for window in train])
    newest = np.arange(len(y)) < len(train[0].bought)
    for model, names in sets.items():
        places = [test.matrix.names.index(name) for name in names]
        settings = PLAIN if len(names) <= 3 else NARROW if model.startswith("vector") else LEARNT
        began, said, figures = process_time(), [], []
        for seed in seeds if settings is LEARNT else seeds[:1]:
            held_out = newest if calibrate == "newest" else users % FOLDS == seed % FOLDS
            head = Classifier.fit(names, x[:, places], y, held_out=held_out, settings=settings, seed=seed)
            said.append(head.probabilities(test.matrix.values[:, places])[:, None])
            figures.append(table.macro(said[-1]))
        mean = np.mean(said, axis=0)
        table.rows.append(Said(model, mean, mean, tuple(figures), process_time() - began))
    return table
