"""Neighbours: items liked by the same people, and people who like the same items.

Both by cosine with shrinkage: with x the 0/1 column of an item (who acted on it),
    sim(i, j) = x_i · x_j / √((‖x_i‖² + λ)(‖x_j‖² + λ)),
λ imaginary acts by nobody else: likeness that rests on few people shrinks towards 0, λ = 0 is the plain cosine.
(Put on the norms, the shrinkage stays a dot product, so the exact K nearest come from one pass without n_items²
memory.) Sources: Sarwar, Karypis, Konstan, Riedl, WWW 2001 (items); Herlocker et al., SIGIR 1999 (users).
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from implicit.nearest_neighbours import all_pairs_knn

from mien.core.ids import Rows
from mien.models.artifact import Arrays, as_arrays, from_arrays
from mien.models.interactions import Interactions
from mien.models.model import BLOCK_BYTES, Model
from mien.models.ranked import Scores


@dataclass(eq=False, kw_only=True)
class ItemNeighbours(Model):
    """s(u, i) = Σ_j h_uj · sim(j, i) over the items j of u's history, h their decayed weights; i's own is left out.

    Cost of the fit: Σ over users of (items of the user)²; memory: 8 bytes · items · k, three times that while it fits.
    """

    name: ClassVar[str] = "item-neighbours"
    zero_allowed: ClassVar[tuple[str, ...]] = ("shrinkage",)
    k: int = 100
    """Neighbours kept per item."""
    shrinkage: float = 5.0
    """λ: imaginary acts that damp likeness resting on few people."""
    half_life_days: float = 30.0
    """Days after which an act of the history counts half when scoring."""
    history: int = 1000
    """Strongest items of a user that the fit looks at; bounds its cost for users who touch everything."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        columns = binary(data, self.strength(data, at_us, None), self.history)
        norms = np.sqrt(np.bincount(columns.indices, minlength=data.n_items) + self.shrinkage)
        columns.data = 1.0 / norms[columns.indices]
        return _nearest(columns, self.k)

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        matrix = histories.matrix(self.strength(histories, at_us, self.half_life_days)).astype(np.float32)
        return np.asarray((matrix @ from_arrays("near", self.fitted, self.n_items)).toarray())

    def neighbours(self, item: int) -> tuple[Rows, npt.NDArray[np.float32]]:
        """The items most like `item` and their likeness, best first; empty for an item nobody shares. Cost: a slice."""
        self._check_fitted()
        if not 0 <= item < self.n_items:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        part = slice(*self.fitted["near_indptr"][item : item + 2])
        return self.fitted["near_indices"][part], self.fitted["near_data"][part]

    def of_all(self, items: Rows) -> tuple[npt.NDArray[np.int64], Rows, npt.NDArray[np.float32]]:
        """The neighbours of many items in three columns: place in `items`, neighbour, likeness. Cost: one gather."""
        self._check_fitted()
        known = np.flatnonzero((items >= 0) & (items < self.n_items))
        indptr = self.fitted["near_indptr"]
        starts, counts = indptr[items[known]], indptr[items[known] + 1] - indptr[items[known]]
        first = np.cumsum(counts) - counts
        at = np.arange(int(counts.sum())) + np.repeat(starts - first, counts)
        return np.repeat(known, counts), self.fitted["near_indices"][at], self.fitted["near_data"][at]


@dataclass(eq=False, kw_only=True)
class UserNeighbours(Model):
    """s(u, i) = Σ_v sim(u, v) · h_vi over the k users v most like u, h their decayed weights; u's own is left out.

    The model holds the histories it was fitted on (`forget` drops them user by user). Cost of a score: the acts of
    all users who share an item with u.
    """

    name: ClassVar[str] = "user-neighbours"
    zero_allowed: ClassVar[tuple[str, ...]] = ("shrinkage",)
    k: int = 100
    """Users asked."""
    shrinkage: float = 5.0
    """λ: imaginary acts that damp likeness resting on few items."""
    half_life_days: float = 60.0
    """Days after which an act counts half in what the neighbours pass on."""
    history: int = 1000
    """Strongest items of a user that count."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        liked = binary(data, self.strength(data, at_us, None), self.history)
        taste = data.matrix(self.strength(data, at_us, self.half_life_days)).multiply(liked > 0).tocsr()
        return {**as_arrays("others", self._unit(liked).T.tocsr()), **as_arrays("taste", taste)}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        own = self._unit(binary(histories, self.strength(histories, at_us, None), self.history)).astype(np.float32)
        taste = from_arrays("taste", self.fitted, self.n_items)
        others = from_arrays("others", self.fitted, taste.shape[0])
        scores = np.zeros((len(users), self.n_items), dtype=np.float32)
        step = max(1, BLOCK_BYTES // (4 * max(others.shape[1], 1)))
        for start in range(0, len(users), step):
            part = slice(start, start + step)
            near = self._nearest_users((own[part] @ others).tocsr(), users[part])
            scores[part] = (near @ taste).toarray()
        return scores

    def forget(self, users: npt.ArrayLike) -> Self:
        """Drop the histories of these users from the fit."""
        self._check_fitted()
        taste = from_arrays("taste", self.fitted, self.n_items)
        others = from_arrays("others", self.fitted, taste.shape[0])
        gone = np.isin(np.arange(taste.shape[0]), np.asarray(users))
        taste.data[np.repeat(gone, np.diff(taste.indptr))] = 0.0
        others.data[gone[others.indices]] = 0.0
        for name, matrix in (("taste", taste), ("others", others)):
            matrix.eliminate_zeros()
            self.fitted |= as_arrays(name, matrix)
        return self

    def _nearest_users(self, likeness: sp.csr_array, users: Rows) -> sp.csr_array:
        """The k largest of each row, without the user's own, ties by user row."""
        row = np.repeat(np.arange(likeness.shape[0]), np.diff(likeness.indptr))
        likeness.data[likeness.indices == users[row]] = 0.0
        return keep_largest(likeness, self.k)

    def _unit(self, liked: sp.csr_array) -> sp.csr_array:
        counts = np.diff(liked.indptr)
        return sp.diags_array(1.0 / np.sqrt(counts + max(self.shrinkage, 1e-9))).tocsr() @ liked


def binary(data: Interactions, strength: npt.NDArray[np.float64], history: int) -> sp.csr_array:
    """`(n_users, n_items) float64` of 1 at each user's strongest `history` items, strength being positive."""
    matrix = data.matrix(strength)
    counts = np.diff(matrix.indptr)
    if len(counts) and counts.max() > history:
        matrix = keep_largest(matrix, history)
    matrix.sort_indices()
    matrix.data[:] = 1.0
    return matrix


def keep_largest(matrix: sp.csr_array, k: int) -> sp.csr_array:
    """The k largest positive entries of each row, sorted from the largest down; ties by column. Cost: one sort."""
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    positive = matrix.data > 0
    row, column, value = row[positive], matrix.indices[positive], matrix.data[positive]
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    counts = np.bincount(row, minlength=matrix.shape[0])
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < k
    indptr = np.concatenate([[0], np.cumsum(np.minimum(counts, k))])
    return sp.csr_array((value[kept], column[kept], indptr), shape=matrix.shape)


def _nearest(columns: sp.csr_array, k: int) -> Arrays:
    """The k largest dot products of each column with the others, as CSR arrays, best first, ties by row."""
    n_items = columns.shape[1]
    if columns.nnz == 0:
        return as_arrays("near", sp.csr_array((n_items, n_items)))
    # One more than k, since an item is near itself. The kernel answers `width` pairs an item, short rows padded with 0.
    width = min(k + 1, n_items)
    parts = (columns.data, columns.indices.astype(np.int32), columns.indptr.astype(np.int32))
    pairs = all_pairs_knn(sp.csr_matrix(parts, shape=columns.shape), width, num_threads=0, show_progress=False)
    near = pairs.col.reshape(n_items, width)
    likeness = np.where(near == np.arange(n_items)[:, None], 0.0, pairs.data.reshape(n_items, width)).astype(np.float32)
    order = np.lexsort((near, -likeness), axis=1)  # by likeness, ties by item row
    near, likeness = np.take_along_axis(near, order, axis=1), np.take_along_axis(likeness, order, axis=1)
    kept = likeness[:, :k] > 0
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    table = sp.csr_array((likeness[:, :k][kept], near[:, :k][kept], indptr), shape=(n_items, n_items))
    return as_arrays("near", table)
