"""Profile accuracy: do the tags of the profile before a moment foretell what the user buys after it?

Per facet, a user's tag weights (profiles.tags: the decayed, weighted share of each value) are ranked against the
values of what was bought in the test window; beside them stand the shares of the population, the same for all.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.item import Facet
from mien.core.ports import Progress
from mien.features.state import FoldSettings
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.interactions import Interactions
from mien.models.model import chunks
from mien.studies.baskets import Baskets
from mien.studies.metrics import Interval, auroc, bootstrap_mean, paired_difference

Floats = npt.NDArray[np.float64]

TOP = 5
"""How many tags of a facet are held to the purchases for precision, recall and F1."""
BLOCK_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class FacetAccuracy:
    """One facet. All `(users,)`, of users with a profile before and a purchase after.

    `auroc`: probability that a value bought outweighs one not bought; `precision`, `recall`, `f1` of the top tags;
    `baseline_…`: the same for the population's shares.
    """

    facet: str
    level: int
    top: int
    auroc: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    baseline_auroc: Floats
    baseline_f1: Floats
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, each figure with its bootstrap interval over users."""
        names = ("auroc", "precision", "recall", "f1", "baseline_auroc", "baseline_f1")
        gain = {
            "auroc_gain": paired_difference(self.auroc, self.baseline_auroc, seed=self.seed).to_dict(),
            "f1_gain": paired_difference(self.f1, self.baseline_f1, seed=self.seed).to_dict(),
        }
        figures = {name: bootstrap_mean(getattr(self, name), seed=self.seed).to_dict() for name in names}
        return {
            "facet": self.facet,
            "level": self.level,
            "top": self.top,
            "users": len(self.auroc),
            **figures,
            **gain,
        }

    def mean(self, name: str) -> Interval:
        """The mean of a column over users, with its interval."""
        return bootstrap_mean(getattr(self, name), seed=self.seed)


def profile_accuracy(
    weights_before: npt.NDArray[np.floating[Any]],
    bought_after: npt.NDArray[np.bool_],
    shares: Floats,
    *,
    facet: str = "",
    level: int = 0,
    top: int = TOP,
    seed: int = 0,
) -> FacetAccuracy:
    """Judge `(n_users, n_values)` weights by what was bought, same shape, and by the population's `(n_values,)` shares.

    Values of equal weight, above all those the profile is silent about, are ranked by the population's share. NaN in
    `auroc` where a user bought every value. Cost: a sort a user.
    """
    top = min(top, len(shares))
    ours = _ranks(weights_before, shares)
    theirs = np.broadcast_to(_ranks(np.zeros((1, len(shares))), shares), ours.shape)
    columns = {}
    for prefix, ranks in (("", ours), ("baseline_", theirs)):
        hits = ((ranks < top) & bought_after).sum(axis=1)
        bought = bought_after.sum(axis=1)
        columns[prefix + "auroc"] = auroc(-ranks.T, bought_after.T)
        columns[prefix + "f1"] = 2.0 * hits / np.maximum(bought + top, 1)
        if not prefix:
            columns["precision"], columns["recall"] = hits / max(top, 1), hits / np.maximum(bought, 1)
    return FacetAccuracy(facet=facet, level=level, top=top, seed=seed, **columns)


def facet_accuracies(
    data: Interactions, baskets: Baskets, facets: Sequence[Facet], *, seed: int, progress: Progress
) -> tuple[FacetAccuracy, ...]:
    """Profile accuracy of each facet with at least two values, over the measured users of the split.

    The weights are those of the profile's tags: half-life and action weights are its defaults.
    """
    usable = [facet for facet in facets if len(facet.values) > 1]
    advance = progress.step("profile accuracy", len(usable))
    found = []
    for facet in usable:
        found.append(_facet_accuracy(data, baskets, facet, seed))
        advance(1)
    return tuple(found)


def _facet_accuracy(data: Interactions, baskets: Baskets, facet: Facet, seed: int) -> FacetAccuracy:
    users = baskets.users[baskets.measured]
    half_life = FoldSettings().slow_days
    liking = baskets.train.strength(asdict(DEFAULT_WEIGHTS), at_us=baskets.at_us, half_life_days=half_life)
    weights = by_value(baskets.train, liking, facet)
    after = data.since(baskets.at_us).before(baskets.end_us).doing(["purchase"])
    bought = by_value(after, np.ones(len(after)), facet)
    shares = _shares(baskets.train, liking, facet)
    judged = users[np.diff(bought.indptr)[users] > 0]
    parts = [
        profile_accuracy(
            weights[judged[part]].toarray(), bought[judged[part]].toarray() > 0, shares, top=TOP, seed=seed
        )
        for part in chunks(len(judged), 4 * len(facet.values), block_bytes=BLOCK_BYTES)
    ]
    columns = ("auroc", "precision", "recall", "f1", "baseline_auroc", "baseline_f1")
    joined = {name: np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]) for name in columns}
    return FacetAccuracy(facet.name, facet.level, min(TOP, len(facet.values)), seed=seed, **joined)


def by_value(data: Interactions, strength: Floats, facet: Facet) -> sp.csr_array:
    """`(n_users, n_values)`: summed strength per value of the facet, what comes out negative being 0."""
    code = facet.codes[np.minimum(data.item, len(facet.codes) - 1)]
    held = (code >= 0) & (data.item < len(facet.codes))
    cells = (strength[held], (data.user[held], code[held]))
    matrix = sp.coo_array(cells, shape=(data.n_users, len(facet.values))).tocsr()
    matrix.data = np.maximum(matrix.data, 0.0)
    matrix.eliminate_zeros()
    return matrix


def _shares(data: Interactions, strength: Floats, facet: Facet) -> Floats:
    """`(n_values,)`: everybody's share of each value, as the profile's lift is measured against."""
    matrix = by_value(replace(data, user=np.zeros_like(data.user), n_users=1), strength, facet)
    totals = matrix.toarray()[0]
    total = totals.sum()
    return np.asarray(totals / total if total > 0 else np.full(len(totals), 1.0 / max(len(totals), 1)))


def _ranks(weights: npt.NDArray[np.floating[Any]], shares: Floats) -> npt.NDArray[np.int64]:
    """Place of each value in its row, 0 the best: by weight, ties by share, then by code."""
    order = np.lexsort((np.broadcast_to(-shares, weights.shape), -weights), axis=1)
    ranks = np.empty(weights.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(weights.shape[1]), weights.shape), axis=1)
    return ranks
