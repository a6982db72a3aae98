"""The trees of the blend: two boosted ensembles over the same features, one asking how likely, one in which order.

The first is fitted by log-loss, pair by pair; the second by LambdaRank (Burges, MSR-TR-2010-82) on NDCG, basket by
basket. Their mean orders better than either, since they err differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.extras import require
from mien.models.artifact import Arrays
from mien.models.blend.examples import Examples
from mien.models.blend.pairs import Features, Floats

SETTINGS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "verbosity": -1,
    # One thread, counted row by row: equal seeds give equal trees on any machine.
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "binary": {"objective": "binary"},
    "lambdarank": {"objective": "lambdarank", "lambdarank_truncation_level": 20},
}


@dataclass(frozen=True, eq=False)
class Trees:
    """One ensemble an objective, and `spread`: the standard deviation of each one's margins on the examples."""

    ensembles: tuple[Any, ...]
    spread: Floats
    names: tuple[str, ...]

    def probability(self, features: Features) -> npt.NDArray[np.float32]:
        """`(n,)` in (0, 1): the mean margin of the ensembles, each over its spread, put through a logistic curve.

        It orders the pairs; as a probability it is not calibrated.
        """
        values = features.only(self.names)
        margin = np.zeros(len(values))
        if len(values):
            for ensemble, spread in zip(self.ensembles, self.spread, strict=True):
                margin += ensemble.predict(values, raw_score=True, num_threads=1) / spread
        return (1.0 / (1.0 + np.exp(-margin / len(self.spread)))).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """As plain arrays: LightGBM's own text, in bytes."""
        texts = {
            f"trees {k}": np.frombuffer(ensemble.model_to_string().encode(), dtype=np.uint8)
            for k, ensemble in enumerate(self.ensembles)
        }
        names = np.frombuffer("\n".join(self.names).encode(), dtype=np.uint8)
        return {**texts, "trees spread": self.spread, "trees names": names}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Trees":
        """What `to_arrays` made. Raises `MissingExtra` where LightGBM is not installed."""
        lightgbm = require("models", "lightgbm")
        spread = arrays["trees spread"]
        texts = (arrays[f"trees {k}"].tobytes().decode() for k in range(len(spread)))
        ensembles = tuple(lightgbm.Booster(model_str=text) for text in texts)
        return cls(ensembles, spread, tuple(arrays["trees names"].tobytes().decode().split("\n")))


def learn_trees(examples: Examples, rounds: int, seed: int) -> Trees:
    """Fit both ensembles. Raises `MissingExtra` without LightGBM. Cost: rounds · rows · features, one thread."""
    lightgbm = require("models", "lightgbm")
    ensembles, spread = [], []
    for objective, chosen in OBJECTIVES.items():
        data = lightgbm.Dataset(
            examples.values,
            label=examples.labels.astype(np.float32),
            group=examples.sizes if objective == "lambdarank" else None,
            feature_name=_plain(examples.names),
        )
        ensemble = lightgbm.train({**SETTINGS, **chosen, "seed": seed}, data, rounds)
        margins = ensemble.predict(examples.values, raw_score=True, num_threads=1)
        ensembles.append(ensemble)
        spread.append(max(float(np.std(margins)), 1e-6))
    return Trees(tuple(ensembles), np.array(spread), examples.names)


def _plain(names: Sequence[str]) -> list[str]:
    return [name.replace(" ", "_") for name in names]
