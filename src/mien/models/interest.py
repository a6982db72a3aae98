"""The interest vector V = Σ w_a v_i: what a user did, as one vector in the space of the items.

The weight w_a of an action says how much one act of it moves V. Three ways to them, to be compared: set by hand; by
ridge least squares; by logistic regression. Both of the latter predict what the user bought next: with v the item's
unit vector and z_a(u) = Σ 2^(−age/h) v over u's acts of kind a, the features of a pair (u, i) are φ_a = z_a(u)·v_i,
one per action, so that w·φ = V·v_i is the score itself. Positives are the items bought in the days after a cut, each
beside `negatives` items drawn from what others bought then.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName, UsageError
from mien.core.event import ACTIONS
from mien.core.ids import Rows
from mien.core.vectors import unit
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.ranked import Scores

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Learner = Literal["hand", "ridge", "logistic"]
NEWTON_STEPS = 50
"""Far more than a convex loss of a dozen weights needs."""


@dataclass(eq=False, kw_only=True)
class Interest(Model):
    """s(u, i) = V_u · v_i, v the unit rows of a PPMI-SVD of co-purchase unless vectors are handed in.

    After `fit`, `learnt` holds the action weights in use. Cost: one sparse SVD of `dim` factors, and a regression on
    (1 + negatives) rows per purchase after the cut.
    """

    name: ClassVar[str] = "interest"
    dim: int = 128
    """Length of the item vectors."""
    half_life_days: float = 30.0
    """Days after which an act counts half."""
    learner: Learner = "ridge"
    """Where the action weights come from: `hand` (the default weights), `ridge` or `logistic`."""
    cut_days: float = 14.0
    """The last days before the fit that serve as “next”."""
    negatives: int = 4
    """Items not bought that each bought one is compared with."""
    penalty: float = 1.0
    """Strength of the regression's pull towards 0."""
    given: Vectors | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.learner not in get_args(Learner):
            raise UnknownName("learner", self.learner, get_args(Learner))

    def use_vectors(self, vectors: npt.NDArray[np.generic]) -> Self:
        """Item vectors from elsewhere for the next fit, `(n_items, dim)`: facet one-hots, text embeddings, …"""
        self.given = unit(np.asarray(vectors, dtype=np.float32))
        return self

    @property
    def learnt(self) -> dict[str, float]:
        """Action → weight in V, for every action the fit saw."""
        self._check_fitted()
        return {str(ACTIONS[code]): float(w) for code, w in enumerate(self.fitted["action_weights"]) if w != 0}

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        vectors = self.given
        if vectors is None:
            vectors = item_vectors(data.matrix(self.strength(data, at_us, None)), self.dim, seed)
        if len(vectors) != data.n_items:
            raise UsageError(
                "There are {n_items} items, but vectors for {n_vectors} of them.",
                n_items=data.n_items,
                n_vectors=len(vectors),
            )
        return {"vectors": vectors, "action_weights": self._learn(data, vectors, at_us, seed)}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        weight = self.fitted["action_weights"][histories.action] * decay(histories, at_us, self.half_life_days)
        interest = (signed_matrix(histories, weight) @ self.fitted["vectors"]).astype(np.float32)
        return np.asarray(interest @ self.fitted["vectors"].T)

    def _learn(self, data: Interactions, vectors: Vectors, at_us: int, seed: int) -> Floats:
        hand = np.array([self.weights.get(action, 0.0) for action in ACTIONS])
        cut_us = at_us - int(self.cut_days * DAY_US)
        bought = data.since(cut_us).doing(["purchase"])
        past = data.before(cut_us)
        if self.learner == "hand" or not len(bought) or not len(past):
            return hand
        users, items, labels = _pairs(bought, self.negatives, np.random.default_rng(seed))
        features = action_features(past, vectors, users, items, cut_us, self.half_life_days)
        seen = np.flatnonzero(np.abs(features).sum(axis=0))
        if not len(seen) or labels.min() == labels.max():
            return hand
        learnt = np.zeros(len(ACTIONS))
        learnt[seen] = regress(features[:, seen], labels, self.learner, self.penalty)
        return learnt if np.abs(learnt).max() > 0 else hand


def item_vectors(matrix: sp.csr_array, dim: int, seed: int) -> Vectors:
    """`(n_items, dim) float32` unit rows: the right factors of an SVD of the positive pointwise mutual information.

    PPMI of user u and item i: max(0, log N / (n_u n_i)), N the pairs, n_u those of u, n_i those of i. Items of
    nobody are 0. Source: Levy and Goldberg, NIPS 2014 (words and contexts), read as items and people. Cost: some
    passes over the pairs.
    """
    vectors = np.zeros((matrix.shape[1], dim), dtype=np.float32)
    rank = min(dim, *matrix.shape)
    if not matrix.nnz:
        return vectors
    pairs = matrix.tocoo()
    user, item = pairs.coords
    expected = np.bincount(user)[user] * np.bincount(item)[item] / matrix.nnz
    # The small floor keeps apart “co-occurs as often as by chance” and “never”, also in a world of one user.
    information = np.maximum(-np.log(expected), 0.0) + 1e-3
    ppmi = sp.csr_matrix((information, (user, item)), shape=matrix.shape)
    strength, factors = right_factors(ppmi, rank, seed)
    vectors[:, :rank] = factors.T * np.sqrt(strength)
    return unit(vectors)


def right_factors(matrix: sp.csr_matrix, rank: int, seed: int) -> tuple[Floats, Floats]:
    """Singular values `(rank,)` and right factors `(rank, n)` by a randomised range finder with four power steps.

    Source: Halko, Martinsson, Tropp, SIAM Review 2011, algorithms 4.4 and 5.1. Cost: ten passes over the matrix.
    """
    width = min(rank + 10, *matrix.shape)
    basis = matrix @ np.random.default_rng(seed).standard_normal((matrix.shape[1], width))
    for _ in range(4):
        basis = matrix @ np.linalg.qr(matrix.T @ np.linalg.qr(basis)[0])[0]
    basis = np.linalg.qr(basis)[0]
    _, strength, factors = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    return strength[:rank], factors[:rank]


def action_features(
    past: Interactions, vectors: Vectors, users: Rows, items: Rows, at_us: int, half_life_days: float
) -> Floats:
    """φ `(len(users), actions)`: per pair and action, how near the item is to what the user did by that action."""
    features = np.zeros((len(users), len(ACTIONS)))
    weight = decay(past, at_us, half_life_days)
    for code in np.unique(past.action):
        interest = signed_matrix(past, weight * (past.action == code)) @ vectors
        features[:, code] = np.einsum("nd,nd->n", interest[users], vectors[items])
    return features


def regress(features: Floats, labels: Floats, learner: Learner, penalty: float) -> Floats:
    """One weight a column: ridge least squares on 0/1, or logistic regression, with an L2 penalty on unit columns.

    Both with an intercept that is not penalised. Written out on numpy and scipy: a learning library would cost every
    command more time to load than the two fits take.
    """
    spread = features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    learn = ridge if learner == "ridge" else logistic
    return np.asarray(learn(features / scale, labels, penalty) / scale, dtype=np.float64)


def ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    """argmin_w ‖y − b − xw‖² + penalty · ‖w‖²: (X'X + penalty·I)⁻¹ X'y on centred columns."""
    centred = x - x.mean(axis=0)
    return np.linalg.solve(centred.T @ centred + penalty * np.eye(x.shape[1]), centred.T @ (y - y.mean()))


def logistic(x: Floats, y: Floats, penalty: float) -> Floats:
    """argmin_w Σ log(1 + exp(−(2y − 1)(b + xw))) + ½ penalty · ‖w‖², by Newton's steps; y has both 0 and 1."""
    design = np.column_stack([np.ones(len(x)), x])
    pull = penalty * np.diag([0.0, *np.ones(x.shape[1])])
    theta = np.zeros(design.shape[1])
    for _ in range(NEWTON_STEPS):
        likely = expit(design @ theta)
        slope = design.T @ (likely - y) + pull @ theta
        step = np.linalg.solve((design.T * (likely * (1.0 - likely))) @ design + pull, slope)
        theta -= step
        if np.abs(step).max() < 1e-10:
            break
    return theta[1:]


def decay(data: Interactions, at_us: int, half_life_days: float) -> Floats:
    """Per row 2^(−age / half-life)."""
    return np.asarray(np.exp2(-np.maximum(at_us - data.at_us, 0) / DAY_US / half_life_days))


def signed_matrix(data: Interactions, strength: Floats) -> sp.csr_array:
    """`(n_users, n_items)` summed strength, what is negative (a refund) kept."""
    return sp.coo_array((strength, (data.user, data.item)), shape=(data.n_users, data.n_items)).tocsr()


def _pairs(bought: Interactions, negatives: int, random: np.random.Generator) -> tuple[Rows, Rows, Floats]:
    """Users, items and labels: each (user, item) bought once, and for each `negatives` items that others bought."""
    pairs = np.unique(np.stack([bought.user, bought.item]), axis=1)
    users, items = np.repeat(pairs[0], negatives), random.choice(bought.item, pairs.shape[1] * negatives)
    key = pairs[0].astype(np.int64) * bought.n_items + pairs[1]
    other = ~np.isin(users.astype(np.int64) * bought.n_items + items, key)
    labels = np.concatenate([np.ones(pairs.shape[1]), np.zeros(int(other.sum()))])
    return np.concatenate([pairs[0], users[other]]), np.concatenate([pairs[1], items[other]]), labels
