"""Scores of labels from what a user did with everything else: EASE on labels, and ridge regression on what came next.

    Forward:  W = argmin Σ_cuts ‖Y_c − X_c W‖² + λ ‖W‖²  over standardised columns of X,

X_c anything known of users at an earlier cut c (a frozen vector, what they bought), Y_c what they bought in the days
after it. Its normal equations are sums over cuts, so that a stack of cuts costs no more than one pass over each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.models.ease import gram, solve
from mien.models.heads.cuts import Cut, buyers
from mien.models.heads.targets import LabelSet, as_values
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]
Reader = Callable[[Rows, int], Values]
"""`read(users, at_us) -> (len(users), width)`: what is known of users at a moment."""


@dataclass(frozen=True, eq=False)
class Context:
    """The labels and the most bought other values of their kind: what scores are computed from.

    `acts`: purchases with context columns as items; `label_columns (n_labels,)`: where the labels stand;
    `values (width,)`: which value each column is.
    """

    acts: Interactions
    label_columns: Rows
    values: Rows

    @classmethod
    def of(cls, data: Interactions, labels: LabelSet, at_us: int, *, width: int) -> "Context":
        """The `width` values most bought before `at_us`, and the labels. `data` may reach further than `at_us`."""
        acts = labels.acts(data.doing(["purchase"]))
        often = np.bincount(acts.before(at_us).item, minlength=labels.n)
        kept = np.union1d(np.argsort(-often, kind="stable")[:width], labels.chosen)
        column = np.full(labels.n, -1, dtype=np.int32)
        column[kept] = np.arange(len(kept))
        told = as_values(acts, column[acts.item], len(kept))
        return cls(told, column[labels.chosen], kept.astype(np.int32))

    def taste(self, at_us: int, half_life_days: float, power: float, users: Rows | None = None) -> sp.csr_array:
        """`(n, width) float32`: (decayed purchases before `at_us`) ** power; a power below 1 holds bulk down."""
        acts = self.acts.before(at_us)
        acts = acts if users is None else acts.of_users(users)
        taste = acts.matrix(np.exp2(-(at_us - acts.at_us) / DAY_US / half_life_days)).astype(np.float32)
        taste.data = taste.data**power
        return taste

    def ease(
        self, at_us: int, users: Rows, *, half_life_days: float = 120.0, power: float = 0.4, ridge: float = 100.0
    ) -> Values:
        """`(len(users), n_labels)`: EASE scores of the labels, fitted on everybody's taste before `at_us`."""
        everybody = self.taste(at_us, half_life_days, power)
        weights = solve(gram(everybody), ridge)[:, self.label_columns]
        return np.asarray(everybody[users] @ weights, dtype=np.float32)

    def neighbours(
        self,
        at_us: int,
        users: Rows,
        *,
        half_life_days: float = 120.0,
        power: float = 0.4,
        days: float = 28.0,
        k: int = 100,
    ) -> Values:
        """`(len(users), n_labels)`: share of the k users of nearest taste (cosine) who lately bought a label.

        Lately: in the last `days`. Own purchases do not count. Cost: `len(users) · n_users` float32.
        """
        taste = self.taste(at_us, half_life_days, power)
        length = np.sqrt(np.asarray(taste.multiply(taste).sum(axis=1)).ravel())
        unit = sp.diags_array((1.0 / np.maximum(length, 1e-6)).astype(np.float32)) @ taste
        likeness = np.asarray((unit[users] @ unit.T).toarray(), dtype=np.float32)
        likeness[np.arange(len(users)), users] = 0.0
        if likeness.shape[1] > k:
            likeness[likeness < -np.partition(-likeness, k, axis=1)[:, k : k + 1]] = 0.0
        lately = self.acts.before(at_us).since(at_us - round(days * DAY_US))
        bought = lately.matrix(np.ones(len(lately)))[:, self.label_columns] > 0
        shares = likeness @ bought.astype(np.float32).toarray()
        return np.asarray(shares / np.maximum(likeness.sum(axis=1, keepdims=True), 1e-6), dtype=np.float32)


@dataclass(eq=False)
class Forward:
    """Scores of all labels by one ridge regression, fitted on the cuts before each moment it is asked about.

    `read`: what X is made of; `active_days`: users who bought in so many days before a cut count; `ridge`: λ per
    row, on standardised columns.
    """

    data: Interactions
    labels: LabelSet
    read: Reader
    active_days: float | None
    days: float = 14.0
    cuts: int = 3
    ridge: float = 1.0
    sums: dict[int, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    def scores(self, users: Rows, at_us: int) -> Values:
        """`(len(users), n_labels)`: expected share of 1s, fitted on `cuts` windows that end at `at_us`."""
        weights, bias = self._fit(at_us)
        return np.asarray(self.read(users, at_us) @ weights + bias, dtype=np.float32)

    def _fit(self, at_us: int) -> tuple[Floats, Floats]:
        step = round(self.days * DAY_US)
        both = [self._sums(Cut(at_us - k * step, at_us - (k - 1) * step)) for k in range(1, self.cuts + 1)]
        square, product = sum(part[0] for part in both), sum(part[1] for part in both)
        assert isinstance(square, np.ndarray)
        assert isinstance(product, np.ndarray)
        n = max(float(square[-1, -1]), 1.0)
        mean = square[-1, :-1] / n
        variance = np.diag(square)[:-1] / n - mean**2
        # A column that hardly varies is not blown up to unit size.
        deviation = np.sqrt(np.maximum(variance, 1e-4 * max(float(variance.max(initial=0.0)), 1e-12)))
        inner = (square[:-1, :-1] - n * np.outer(mean, mean)) / np.outer(deviation, deviation)
        outer = (product[:-1] - np.outer(mean, product[-1])) / deviation[:, None]
        inner[np.diag_indices(len(inner))] += self.ridge * n
        weights = np.linalg.solve(inner, outer) / deviation[:, None]
        return weights, product[-1] / n - mean @ weights

    def _sums(self, cut: Cut) -> tuple[Floats, Floats]:
        """[X 1]ᵀ[X 1] and [X 1]ᵀY of one cut, kept for the next question."""
        if cut.at_us not in self.sums:
            users = buyers(self.data, cut.at_us, self.active_days)
            known = np.column_stack([self.read(users, cut.at_us), np.ones(len(users), dtype=np.float32)])
            after = self.labels.bought(self.data, cut)[users].astype(np.float32)
            self.sums[cut.at_us] = ((known.T @ known).astype(np.float64), (known.T @ after).astype(np.float64))
        return self.sums[cut.at_us]


def tastes(context: Context, half_lives_days: Sequence[float] = (30.0, 120.0), power: float = 0.4) -> Reader:
    """A reader of what users bought, dense: the decayed purchases of each context value at several half-lives."""

    def read(users: Rows, at_us: int) -> Values:
        parts = [context.taste(at_us, half_life, power, users).toarray() for half_life in half_lives_days]
        return np.hstack(parts).astype(np.float32)

    return read
