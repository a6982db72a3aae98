"""Complements: what goes into one basket together more often than chance would have it.

With n_a the baskets that hold a, n_ab those that hold both, and s the sizes of the baskets, chance alone would put
    μ_ab = n_a · n_b · max(1 / N, Σ s(s − 1) / (Σ s)²)
of N baskets together: drawn apart, or the same baskets filled at random by popularity, since in large baskets all
meets all. n_ab is taken as Poisson with mean λ_ab · μ_ab, the lift λ_ab as Gamma(κ, κ) before anything was seen, hence
Gamma(κ + n_ab, κ + μ_ab) after. What counts is the logarithm of its lower 5 % bound, and 0 where that is not above 1: a
rare pair has a high lift and a low bound, and two popular things that meet as often as chance has it have none. Source:
DuMouchel, The American Statistician 53(3), 1999 (the gamma-Poisson shrinker; one gamma instead of two).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import ndtri

from mien.core.clock import HOUR_US
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.models.artifact import Arrays, as_arrays, from_arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.neighbours import keep_largest
from mien.models.ranked import Scores

Floats = npt.NDArray[np.float64]
BLOCK = 4_096
"""Items whose pairs are counted at once; memory goes with it."""


@dataclass(eq=False, kw_only=True)
class Complements(Model):
    """s(u, i) = Σ over the items j of u's last basket of max(0, log lower bound of the lift of i and j).

    Cost of the fit: Σ over baskets of size²; memory: 12 bytes · items · k, and the pairs of 4,096 items.
    """

    name: ClassVar[str] = "complements"
    k: int = 200
    """Complements kept per item."""
    prior: float = 2.0
    """κ: baskets' worth of doubt that two things have anything to do with each other."""
    doubt: float = 0.05
    """Probability that the lift lies below the bound."""
    basket_hours: float = 1.0
    """Purchases of one user that follow each other within this long are one basket."""
    largest: int = 200
    """Baskets of more items are left out: they say little of any pair and cost the most."""
    fewest: int = 5
    """Items in fewer baskets have no complements."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        baskets = basket_matrix(data, self.basket_hours)
        baskets = baskets[np.diff(baskets.indptr) <= self.largest]
        counts = np.bincount(baskets.indices, minlength=data.n_items).astype(np.float64)
        sizes = np.diff(baskets.indptr).astype(np.float64)
        baskets = _often(baskets, counts >= self.fewest)
        per_pair = max(1.0 / max(len(sizes), 1), (sizes * (sizes - 1)).sum() / max(sizes.sum() ** 2, 1.0))
        parts = [self._bounds(baskets, counts, per_pair, start) for start in range(0, data.n_items, BLOCK)]
        empty = sp.csr_array((data.n_items, data.n_items))
        bounds = sp.csr_array(sp.vstack([one for one, _ in parts])) if parts else empty
        together = np.concatenate([n for _, n in parts]) if parts else np.empty(0)
        return {**as_arrays("near", bounds), "together": together.astype(np.int32), "baskets": np.array([len(sizes)])}

    def _bounds(
        self, baskets: sp.csr_array, counts: Floats, per_pair: float, start: int
    ) -> tuple[sp.csr_array, npt.NDArray[np.int64]]:
        """The k highest bounds of each item of a block, best first, and how many baskets hold each such pair."""
        mine = baskets[:, start : start + BLOCK]
        pairs = (mine.T @ baskets).tocoo()
        row, column = pairs.coords
        expected = counts[row + start] * counts[column] * per_pair
        told = (row + start != column) & (pairs.data > expected)  # else the bound is below 1 for sure
        row, column, n, expected = row[told], column[told], pairs.data[told], expected[told]
        bound = np.log(lower_bound(self.prior + n, self.prior + expected, self.doubt))
        above = bound > 0
        row, column, n, bound = row[above], column[above], n[above], bound[above]
        shape = (mine.shape[1], baskets.shape[1])
        best = keep_largest(sp.csr_array(sp.coo_array((bound, (row, column)), shape=shape)), self.k)
        key = row.astype(np.int64) * shape[1] + column
        order = np.argsort(key)
        kept = np.repeat(np.arange(shape[0], dtype=np.int64), np.diff(best.indptr)) * shape[1] + best.indices
        return best, n[order][np.searchsorted(key[order], kept)].astype(np.int64)

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        last = last_baskets(histories, self.basket_hours).astype(np.float32)
        return np.asarray((last @ from_arrays("near", self.fitted, self.n_items)).toarray(), dtype=np.float32)

    def complements(self, item: int) -> tuple[Rows, npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        """What goes with `item`: items, log bounds of the lift, baskets that hold both; best first. Cost: a slice."""
        self._check_fitted()
        if not 0 <= item < self.n_items:
            return np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32)
        part = slice(*self.fitted["near_indptr"][item : item + 2])
        return self.fitted["near_indices"][part], self.fitted["near_data"][part], self.fitted["together"][part]


def lower_bound(shape: Floats, rate: Floats, doubt: float) -> Floats:
    """The quantile `doubt` of Gamma(shape, rate), for shapes of 1 and more.

    By the cube root's normality (Wilson, Hilferty, PNAS 17, 1931), within 2 % from shape 2 on; never below 0.001.
    """
    cube = np.maximum(1.0 - 1.0 / (9.0 * shape) + float(ndtri(doubt)) / (3.0 * np.sqrt(shape)), 0.1)
    return np.asarray(shape * cube**3 / rate)


def _often(baskets: sp.csr_array, often: npt.NDArray[np.bool_]) -> sp.csr_array:
    """Without the other items: what is in few baskets has no bound above 1, and there is much of it."""
    held = often[baskets.indices]
    row = np.repeat(np.arange(baskets.shape[0]), np.diff(baskets.indptr))[held]
    return sp.csr_array(sp.coo_array((baskets.data[held], (row, baskets.indices[held])), shape=baskets.shape))


def basket_of(data: Interactions, hours: float) -> npt.NDArray[np.int64]:
    """`(len(data),)`: the basket each purchase lies in, numbered by user, then time. `data`: purchases only."""
    fresh = np.ones(len(data), dtype=np.bool_)
    pause = data.at_us[1:] - data.at_us[:-1] > int(hours * HOUR_US)
    fresh[1:] = (data.user[1:] != data.user[:-1]) | pause
    return np.cumsum(fresh) - 1


def basket_matrix(data: Interactions, hours: float) -> sp.csr_array:
    """`(baskets, n_items)` of 1 where a basket holds an item."""
    bought = data.select(data.action == ACTION_CODE[Action.PURCHASE])
    basket = basket_of(bought, hours)
    shape = (int(basket[-1]) + 1 if len(basket) else 0, data.n_items)
    matrix = sp.csr_array(sp.coo_array((np.ones(len(bought)), (basket, bought.item)), shape=shape))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def last_baskets(data: Interactions, hours: float) -> sp.csr_array:
    """`(n_users, n_items)` of 1 at what each user's last basket holds."""
    bought = data.select(data.action == ACTION_CODE[Action.PURCHASE])
    basket = basket_of(bought, hours)
    newest = np.full(data.n_users, -1, dtype=np.int64)
    newest[bought.user] = basket  # the last assignment, the newest basket, stays
    mine = basket == newest[bought.user]
    cells = (np.ones(int(mine.sum())), (bought.user[mine], bought.item[mine]))
    matrix = sp.csr_array(sp.coo_array(cells, shape=(data.n_users, data.n_items)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
