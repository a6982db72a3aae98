"""ALS: users and items as short vectors whose product says how sure we are of a liking.

    min Σ_ui c_ui (p_ui − x_u·y_i)² + λ (Σ ‖x_u‖² + Σ ‖y_i‖²),  p = 1 where acted upon, c = 1 + α · weight.

Source: Hu, Koren, Volinsky, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008. Solved by `implicit`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.ranked import Scores


@dataclass(eq=False, kw_only=True)
class Als(Model):
    """s(u, i) = x_u · y_i; x_u is solved for from the history given, so the model keeps item vectors only.

    Cost of the fit: iterations · (acts · factors² + (users + items) · factors³), one thread, so that equal seeds give
    equal answers; memory: 4 · factors · (users + items) bytes.
    """

    name: ClassVar[str] = "als"
    factors: int = 64
    """Length of the vectors."""
    ridge: float = 10.0
    """λ: pulls vectors with little behind them towards 0."""
    alpha: float = 2.0
    """How much surer one act of the weightiest action makes us."""
    iterations: int = 10
    """Rounds of solving for users, then for items."""
    half_life_days: float | None = 90.0
    """Days after which an act counts half, in the fit and when scoring."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        matrix = self._confidence(data, at_us)
        if matrix.nnz == 0:
            return {"vectors": np.zeros((data.n_items, self.factors), dtype=np.float32)}
        with threadpool_limits(1, "blas"):
            model = self._engine(seed)
            model.fit(matrix, show_progress=False)
        # An item without an act would keep the random vector it started from.
        model.item_factors[np.diff(matrix.tocsc().indptr) == 0] = 0.0
        return {"vectors": model.item_factors}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        with threadpool_limits(1, "blas"):
            model = self._engine(0)
            model.item_factors = self.fitted["vectors"]
            vectors = model.recalculate_user(np.arange(len(users)), self._confidence(histories, at_us))
        return np.asarray(vectors @ self.fitted["vectors"].T)

    def _confidence(self, data: Interactions, at_us: int) -> sp.csr_matrix:
        """c of every pair that has one above 1; `implicit` takes the others to be 1."""
        heaviest = max(self.weights.values(), default=0.0) or 1.0
        matrix = data.matrix(self.strength(data, at_us, self.half_life_days) * (self.alpha / heaviest))
        parts = (
            (1.0 + matrix.data).astype(np.float32),
            matrix.indices.astype(np.int32),
            matrix.indptr.astype(np.int32),
        )
        return sp.csr_matrix(parts, shape=matrix.shape)

    def _engine(self, seed: int) -> AlternatingLeastSquares:
        return AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.ridge,
            alpha=1.0,
            iterations=self.iterations,
            num_threads=1,
            random_state=seed,
        )
