"""Taste: the person as a vector beside the items' vectors, solved for from what they chose (ALS)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.models.factor import Als
from mien.models.model import Model

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taste:
    """The items' vectors `(n, d)` of a fitted ALS, and how a person's is found: with C − 1 the sureness of their items,

        x = (YᵀY + Σ_i (c_i − 1) y_i y_iᵀ + λI)⁻¹ Σ_i c_i y_i.

    Source: Hu, Koren, Volinsky, ICDM 2008, equation 4.
    """

    vectors: Floats
    ridge: float
    alpha: float
    heaviest: float

    @classmethod
    def of(cls, model: Model) -> "Taste":
        """Of a fitted ALS; it keeps item vectors, and no person."""
        assert isinstance(model, Als), "a taste is made of an ALS"
        heaviest = max(model.weights.values(), default=0.0) or 1.0
        return cls(model.fitted["vectors"].astype(np.float64), model.ridge, model.alpha, heaviest)

    @cached_property
    def _gram(self) -> Floats:
        gram: Floats = self.vectors.T @ self.vectors + self.ridge * np.eye(self.vectors.shape[1])
        return gram

    def person(self, items: Rows, strength: Floats) -> Floats:
        """`(d,)` the vector of one who has these items with this decayed weight. Cost: items · d², d³."""
        known = items < len(self.vectors)
        mine = self.vectors[items[known]]
        sure = strength[known] * (self.alpha / self.heaviest)
        left = self._gram + (mine * sure[:, None]).T @ mine
        return np.asarray(np.linalg.solve(left, mine.T @ (1.0 + sure)), dtype=np.float64)

    def products(self, person: Floats, rows: Rows) -> Floats:
        """`(n,)` x · y of each item; 0 for those that came after the fit."""
        known = rows < len(self.vectors)
        found = np.zeros(len(rows))
        found[known] = np.asarray(self.vectors[rows[known]] @ person, dtype=np.float64)
        return found

    def nearest_own(self, row: int, items: Rows) -> int:
        """Place in `items` of the one whose vector points most the way that the item's does."""
        known = np.flatnonzero(items < len(self.vectors))
        if row >= len(self.vectors) or not len(known):
            return 0
        mine = self.vectors[items[known]]
        length = np.linalg.norm(mine, axis=1)
        along = (mine @ self.vectors[row]) / np.where(length > 0, length, 1.0)
        return int(known[np.argmax(along)])
