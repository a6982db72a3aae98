"""Expected spend: boosted trees with Tweedie's loss, which takes the many zeros and the long tail as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mien.features.vector import FeatureMatrix
from mien.models.artifact import Arrays
from mien.models.heads.parts import USER_TREES, TooLittle
from mien.models.heads.trees import Trees

Floats = npt.NDArray[np.float64]
WIDE = 99.0
"""Percentile of the money spent, above which a window's spend counts as that much: one wholesale order is no habit."""


@dataclass(frozen=True, eq=False)
class SpendHead:
    """`scale`: what all was multiplied by after the trees, so that the newest window's total comes out right."""

    trees: Trees
    scale: float

    @classmethod
    def fit(
        cls, matrices: Sequence[FeatureMatrix], spent: Sequence[Floats], *, least: int, seed: int
    ) -> "SpendHead | TooLittle":
        """From windows, newest first, and the money each user spent after them. The newest sets the scale."""
        y = np.maximum(np.concatenate([*spent, np.empty(0)]), 0.0)
        yes, no = int((y > 0).sum()), int((y == 0).sum())
        if yes < 2 * least or len(matrices) < 2:
            return TooLittle("spend", yes, no, 2 * least)
        y = np.minimum(y, np.percentile(y[y > 0], WIDE))
        x = np.concatenate([matrix.values for matrix in matrices])
        newest = np.arange(len(y)) < len(spent[0])
        learnt = ~newest
        trees = Trees.fit(
            x[learnt], y[learnt], np.ones(int(learnt.sum())), settings=USER_TREES, seed=seed, goal="tweedie"
        )
        said = trees.expected(x[newest])
        scale = float(y[newest].sum() / max(said.sum(), 1e-9))
        return cls(trees, scale if scale > 0 else 1.0)

    def expected(self, values: Floats) -> Floats:
        """`(n,)` money in the shop's currency, 0 or more."""
        return np.asarray(self.trees.expected(values) * self.scale)

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays, for an artifact."""
        return {"scale": self.scale}, {"trees": np.frombuffer(self.trees.text.encode(), dtype=np.uint8)}

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart."""
        return cls(Trees.of_text(arrays["trees"].tobytes().decode()), meta["scale"])
