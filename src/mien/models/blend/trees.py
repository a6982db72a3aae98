"""The trees of the blend: two boosted ensembles, one asking how likely, one in which order.

The first is fitted by log-loss, pair by pair, on all features; the second by LambdaRank (Burges, MSR-TR-2010-82) on
NDCG, basket by basket, without what tells items apart whoever asks (`item …`): what sold in one fortnight for a reason
that does not return (a promotion, a feast) is learnt by heart from such columns. Their mean is steadier than either.
"""

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
    "num_leaves": 15,
    "max_bin": 63,
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
OF_ITEM = "item "
"""How the names of the columns begin that are the same for every user."""
SAFE = ("item gap", "item due", "item again")
"""Of those the ones that say how an item is used up, not how it sells."""
OBJECTIVES: dict[str, dict[str, Any]] = {
    "binary": {"objective": "binary"},
    "lambdarank": {"objective": "lambdarank", "lambdarank_truncation_level": 20},
}


@dataclass(frozen=True, eq=False)
class Trees:
    """One ensemble an objective, the `names` of the features each one reads, and `spread`: the standard deviation of
    each one's margins on the examples."""

    ensembles: tuple[Any, ...]
    names: tuple[tuple[str, ...], ...]
    spread: Floats

    def probability(self, features: Features) -> npt.NDArray[np.float32]:
        """`(n,)` in (0, 1): the mean margin of the ensembles, each over its spread, put through a logistic curve.

        It orders the pairs; as a probability it is not calibrated.
        """
        margin = np.zeros(len(features.values))
        if len(margin):
            for ensemble, names, spread in zip(self.ensembles, self.names, self.spread, strict=True):
                margin += ensemble.predict(features.only(names), raw_score=True, num_threads=1) / spread
        return (1.0 / (1.0 + np.exp(-margin / len(self.spread)))).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """As plain arrays: LightGBM's own text, in bytes."""
        texts = {f"trees {k}": _bytes(ensemble.model_to_string()) for k, ensemble in enumerate(self.ensembles)}
        names = {f"trees names {k}": _bytes("\n".join(names)) for k, names in enumerate(self.names)}
        return {**texts, **names, "trees spread": self.spread}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Trees":
        """What `to_arrays` made. Raises `MissingExtra` where LightGBM is not installed."""
        lightgbm = require("models", "lightgbm")
        spread = arrays["trees spread"]
        each = range(len(spread))
        ensembles = tuple(lightgbm.Booster(model_str=_text(arrays[f"trees {k}"])) for k in each)
        return cls(ensembles, tuple(tuple(_text(arrays[f"trees names {k}"]).split("\n")) for k in each), spread)


def learn_trees(examples: Examples, rounds: int, seed: int) -> Trees:
    """Fit both ensembles. Raises `MissingExtra` without LightGBM. Cost: rounds · rows · features, one thread."""
    lightgbm = require("models", "lightgbm")
    ensembles, spread, read = [], [], []
    steady = tuple(name for name in examples.names if not name.startswith(OF_ITEM) or name in SAFE)
    features = Features(examples.names, examples.values)
    for objective, chosen in OBJECTIVES.items():
        ranks = objective == "lambdarank"
        names = steady if ranks else examples.names
        values = features.only(names)
        data = lightgbm.Dataset(
            values,
            label=examples.labels.astype(np.float32),
            group=examples.sizes if ranks else None,
            feature_name=[name.replace(" ", "_") for name in names],
        )
        ensemble = lightgbm.train({**SETTINGS, **chosen, "seed": seed}, data, rounds)
        ensembles.append(ensemble)
        read.append(names)
        spread.append(max(float(np.std(ensemble.predict(values, raw_score=True, num_threads=1))), 1e-6))
    return Trees(tuple(ensembles), tuple(read), np.array(spread))


def _bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _text(told: npt.NDArray[np.uint8]) -> str:
    return told.tobytes().decode()
