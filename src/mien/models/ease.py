"""EASE: an item is predicted from all other items at once, by one ridge regression in closed form.

    B = argmin ‖X − XB‖² + λ‖B‖², diag B = 0;   with P = (XᵀX + λI)⁻¹:  B_ij = −P_ij / P_jj, B_jj = 0.

Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equations 5–8.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg.lapack import spotrf, spotri

from mien.core.errors import UsageError
from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.ranked import Scores


@dataclass(eq=False, kw_only=True)
class Ease(Model):
    """s(u, ·) = x_u B, x the decayed weights of u's acts, that of the weightiest action counted as 1.

    Items beyond the memory allowed, the least bought ones, score 0; `notes` says how many. Cost: items³ operations
    and 12 · items² bytes while fitting (3,000 items: 103 MB, seconds), 4 · items² bytes kept.
    """

    name: ClassVar[str] = "ease"
    ridge: float = 500.0
    """λ: the larger, the more evidence a dependence between two items needs."""
    memory_mb: float = 128.0
    """Most memory the fit may take for its matrices, in MiB; decides how many items take part."""
    half_life_days: float | None = 60.0
    """Days after which an act counts half, in the fit and when scoring; none: never."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        matrix = self._input(data, at_us)
        totals = np.asarray(matrix.sum(axis=0)).ravel()
        bought = int((totals > 0).sum())
        room = min(bought, int(np.sqrt(self.memory_mb * 2**20 / 12)))
        columns = np.sort(np.lexsort((np.arange(len(totals)), -totals))[:room])
        if room < bought:
            self.notes = (
                f"ease: the {room} most bought of {bought} items, as many as {self.memory_mb:g} MiB hold "
                "(setting memory_mb)",
            )
        return {"items": columns.astype(np.int32), "weights": solve(gram(matrix[:, columns]), self.ridge)}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        columns = self.fitted["items"]
        scores = np.zeros((len(users), histories.n_items), dtype=np.float32)
        scores[:, columns] = self._input(histories, at_us)[:, columns] @ self.fitted["weights"]
        return scores

    def _input(self, data: Interactions, at_us: int) -> sp.csr_array:
        heaviest = max(self.weights.values(), default=0.0) or 1.0
        return data.matrix(self.strength(data, at_us, self.half_life_days) / heaviest).astype(np.float32)


def gram(matrix: sp.csr_array, block: int = 512) -> npt.NDArray[np.float32]:
    """XᵀX, dense `(n, n) float32` in column order, made in blocks of columns so that nothing larger ever exists."""
    n = matrix.shape[1]
    product = np.empty((n, n), dtype=np.float32, order="F")
    columns = matrix.tocsc()
    for start in range(0, n, block):
        part = slice(start, min(start + block, n))
        product[:, part] = (matrix.T @ columns[:, part]).toarray()
    return product


def solve(product: npt.NDArray[np.float32], ridge: float) -> npt.NDArray[np.float32]:
    """B from XᵀX, which is overwritten: the inverse by Cholesky, then each column over its −P_jj, diagonal 0."""
    n = len(product)
    if n == 0:
        return product
    product[np.diag_indices(n)] += ridge
    factor, failed = spotrf(product, lower=1, overwrite_a=1)
    if failed:
        raise UsageError("EASE cannot be solved with a ridge of {ridge:g}; set it higher.", ridge=ridge)
    inverse, _ = spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse, -1)
    diagonal = np.diag(inverse).copy()
    lower += lower.T
    lower /= -diagonal[None, :]
    return np.ascontiguousarray(lower)
