"""Fused features: the named aggregates of a user beside their frozen vector.

A head that sees only the vector loses to plain counts on churn, one that sees only counts loses to the vector on what
is bought next; trees over both lose to neither.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mien.core.errors import UsageError
from mien.core.ids import Rows
from mien.core.vectors import unit
from mien.features.vector import FeatureMatrix
from mien.models.interactions import Interactions
from mien.models.interest import item_vectors

Vectors = npt.NDArray[np.float32]
VectorSource: TypeAlias = Callable[[Interactions, Rows, int], Vectors]
"""`vectors(histories, users, at_us) -> (len(users), dim) float32`: `users` are rows of `histories`; only what is known
at `at_us` counts. The source is frozen: the same histories give the same vectors whenever it is asked."""
VectorMaker: TypeAlias = Callable[[Interactions, int, int], VectorSource]
"""`make(data, at_us, seed) -> VectorSource`: fitted on what `data` holds before `at_us`, then frozen."""

PREFIX = "vector."


def fused(matrix: FeatureMatrix, vectors: Vectors) -> FeatureMatrix:
    """The aggregates with `vector.0`, `vector.1`, … at the end; `vectors`: one row for each of `matrix.users`."""
    if len(vectors) != len(matrix.users):
        raise UsageError(
            "There are {n_users} users with aggregates, but {n_vectors} vectors.",
            n_users=len(matrix.users),
            n_vectors=len(vectors),
        )
    return matrix.beside(vector_names(vectors.shape[1]), vectors.astype(np.float64))


def vector_names(dim: int) -> tuple[str, ...]:
    """What the numbers of a vector are called."""
    return tuple(f"{PREFIX}{k}" for k in range(dim))


def svd_vectors(
    data: Interactions, at_us: int, seed: int, *, dim: int = 64, half_life_days: float = 60.0
) -> VectorSource:
    """The plainest source: a user is the decayed sum of the item vectors of a PPMI-SVD, at length 1.

    Fitted on what is before `at_us`. Users without a history are 0. Cost: one sparse SVD; then a product a question.
    """
    past = data.before(at_us)
    weights = {"view": 1.0, "cart": 4.0, "favourite": 3.0, "purchase": 8.0}
    items = item_vectors(past.matrix(past.strength(weights)), dim, seed)

    def vectors(histories: Interactions, users: Rows, at_us: int) -> Vectors:
        chosen = histories.of_users(users).until(at_us)
        strength = chosen.strength(weights, at_us=at_us, half_life_days=half_life_days)
        liked = chosen.matrix(strength)[:, : len(items)]
        liked = liked.astype(np.float32)  # else the whole table of vectors would be cast at every question
        liked.data = np.log1p(liked.data)  # the tenth tin of the same says less than the first
        return unit(np.asarray(liked @ items[: liked.shape[1]], dtype=np.float32))

    return vectors
