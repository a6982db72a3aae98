"""Gradient-boosted trees (LightGBM), deterministic, kept as text: never a pickle."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from mien.core.errors import UsageError
from mien.core.extras import require

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]
Goal = Literal["binary", "regression", "poisson", "tweedie"]


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """How the trees are grown."""

    rounds: int = field(default=300, metadata={"help": "most trees"})
    rate: float = field(default=0.05, metadata={"help": "learning rate: how much of each tree counts"})
    leaves: int = field(default=15, metadata={"help": "most leaves of a tree"})
    least_rows: int = field(default=50, metadata={"help": "fewest rows of a leaf"})
    columns: float = field(default=0.5, metadata={"help": "share of the features that each tree may look at"})
    rows: float = field(default=0.8, metadata={"help": "share of the rows that each tree sees"})
    penalty: float = field(default=5.0, metadata={"help": "L2 pull of the leaves towards 0"})
    patience: int = field(
        default=40, metadata={"help": "trees without gain on the held-out rows after which it stops; 0: never"}
    )
    bins: int = field(default=127, metadata={"help": "steps into which a feature is cut"})
    threads: int = field(default=1, metadata={"help": "threads; equal seeds give equal trees with any number"})

    def __post_init__(self) -> None:
        if min(self.rounds, self.least_rows, self.threads) < 1 or min(self.leaves, self.bins) < 2:
            raise UsageError("Trees need rounds, least_rows and threads ≥ 1, leaves and bins ≥ 2.")
        if not (self.rate > 0 and 0 < self.columns <= 1 and 0 < self.rows <= 1 and self.penalty >= 0):
            raise UsageError(
                "Trees need a rate above 0, shares of columns and rows in (0, 1] and a penalty of 0 or more."
            )

    def params(self, goal: Goal, seed: int) -> dict[str, Any]:
        """The same in LightGBM's words."""
        return {
            "objective": goal,
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.least_rows,
            "feature_fraction": self.columns,
            "bagging_fraction": self.rows,
            "bagging_freq": 1 if self.rows < 1 else 0,
            "lambda_l2": self.penalty,
            "max_bin": self.bins,
            "num_threads": self.threads,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A grown ensemble: `booster` is LightGBM's. `text` is its model text, from which it is read again without loss."""

    booster: Any
    threads: int = 1

    @classmethod
    def fit(
        cls,
        values: Numbers,
        labels: Floats,
        row_weights: Floats,
        *,
        settings: TreeSettings,
        seed: int,
        goal: Goal = "binary",
        held_out: tuple[Numbers, Floats, Floats] | None = None,
    ) -> Self:
        """From `(n, d)` values (NaN: unknown). `held_out`: values, labels, weights on which growth may stop early.

        Cost: rounds · n · d · columns steps. Raises `MissingExtra` without LightGBM.
        """
        lightgbm = require("models", "lightgbm")
        params = settings.params(goal, seed)
        data = lightgbm.Dataset(values, labels, weight=row_weights, params=params, free_raw_data=True)
        if held_out is None or not settings.patience:
            return cls(lightgbm.train(params, data, settings.rounds), settings.threads)
        judge = data.create_valid(held_out[0], held_out[1], weight=held_out[2])
        stop = lightgbm.early_stopping(settings.patience, verbose=False)
        grown = lightgbm.train(params, data, settings.rounds, valid_sets=[judge], callbacks=[stop])
        return cls(grown, settings.threads)

    @property
    def rounds(self) -> int:
        """Trees in use: up to the best round where growth stopped early."""
        best: int = self.booster.best_iteration
        return best if best > 0 else int(self.booster.current_iteration())

    def scores(self, values: Numbers) -> Floats:
        """`(n,)` raw scores: log-odds for a binary goal, the expected quantity's own link for others."""
        raw = self.booster.predict(values, raw_score=True, num_iteration=self.rounds, num_threads=self.threads)
        return np.asarray(raw, dtype=np.float64)

    def expected(self, values: Numbers) -> Floats:
        """`(n,)` in the unit of the labels."""
        said = self.booster.predict(values, num_iteration=self.rounds, num_threads=self.threads)
        return np.asarray(said, dtype=np.float64)

    def contributions(self, values: Numbers) -> Floats:
        """`(n, d + 1)` TreeSHAP values, the base last; rows sum to the raw score. Cost: ms for a few rows.

        Source: Lundberg, Erion, Lee, Consistent Individualized Feature Attribution, arXiv 1802.03888.
        """
        told = self.booster.predict(values, pred_contrib=True, num_iteration=self.rounds, num_threads=self.threads)
        return np.asarray(told, dtype=np.float64)

    def importance(self, names: Sequence[str]) -> dict[str, float]:
        """Feature → share of all gain, the largest first."""
        gain = self.booster.feature_importance("gain", iteration=self.rounds)
        total = float(gain.sum()) or 1.0
        order = np.argsort(-gain, kind="stable")
        return {names[k]: float(gain[k]) / total for k in order.tolist() if gain[k] > 0}

    @property
    def text(self) -> str:
        """The model as LightGBM writes it, cut at the rounds in use."""
        return str(self.booster.model_to_string(num_iteration=self.rounds))

    @classmethod
    def of_text(cls, text: str, threads: int = 1) -> Self:
        """What `text` wrote."""
        return cls(require("models", "lightgbm").Booster(model_str=text), threads)
