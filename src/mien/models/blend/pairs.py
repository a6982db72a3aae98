"""Pairs of a user and an item, and the numbers known of each: what the trees of the blend read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.models.interactions import Interactions
from mien.models.ranked import Scores, best

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]
IMPERSONAL = ("popular",)
"""Models that give everybody the same scores."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """`user (n,)`: rows of the histories at hand, ascending; `item (n,)`; each pair once, items ascending in a user."""

    user: Rows
    item: Rows
    n_users: int
    n_items: int

    @classmethod
    def of_keys(cls, keys: Keys, n_users: int, n_items: int) -> "Pairs":
        """The pairs of `user · n_items + item`, in any order, repeats allowed."""
        told_once = np.unique(keys)
        user, item = np.divmod(told_once, max(n_items, 1))
        return cls(user.astype(np.int32), item.astype(np.int32), n_users, n_items)

    def __len__(self) -> int:
        return len(self.user)

    @property
    def keys(self) -> Keys:
        """`user · n_items + item`, ascending."""
        return self.user.astype(np.int64) * self.n_items + self.item

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """`(n_users,)`: how many pairs each user has."""
        return np.bincount(self.user, minlength=self.n_users).astype(np.int64)

    def of_users(self, keep: npt.NDArray[np.bool_]) -> "Pairs":
        """The pairs of the users where `keep (n_users,)` holds; users keep their rows."""
        chosen = keep[self.user]
        return Pairs(self.user[chosen], self.item[chosen], self.n_users, self.n_items)

    def place_in_user(self, values: npt.NDArray[np.floating]) -> Floats:
        """`(n,)`: place of each pair among those of its user by `values`, 1 the highest; equals share the mean."""
        order = np.lexsort((-values, self.user))
        user, value = self.user[order], values[order]
        sizes = self.sizes
        place = np.arange(len(self)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1.0
        begins = np.ones(len(self), dtype=np.bool_)
        begins[1:] = (user[1:] != user[:-1]) | (value[1:] != value[:-1])
        group = np.cumsum(begins) - 1
        places = np.empty(len(self))
        places[order] = (np.bincount(group, weights=place) / np.bincount(group))[group] if len(self) else place
        return places


@dataclass(frozen=True, eq=False)
class Features:
    """`values (n, len(names)) float32`; NaN where something is unknown."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    @classmethod
    def of(cls, columns: Mapping[str, npt.NDArray[np.generic]], n: int) -> "Features":
        """From named columns of n entries."""
        values = np.empty((n, len(columns)), dtype=np.float32)
        for k, column in enumerate(columns.values()):
            values[:, k] = column
        return cls(tuple(columns), values)

    def only(self, names: Sequence[str]) -> npt.NDArray[np.float32]:
        """These columns in this order; one that is not here is unknown throughout."""
        if tuple(names) == self.names:
            return self.values
        values = np.full((len(self.values), len(names)), np.nan, dtype=np.float32)
        for k, name in enumerate(names):
            if name in self.names:
                values[:, k] = self.values[:, self.names.index(name)]
        return values


def candidates(scores: Mapping[str, Scores], histories: Interactions, fallback: Floats, each: int) -> Pairs:
    """The `each` best items of every model for every user, as far as they score above 0.

    `scores`: model → `(n_users, n_items)`. A user without any act has none. Cost: two passes over each array.
    """
    n_users, n_items = histories.n_users, histories.n_items
    known = np.diff(histories.offsets) > 0
    found = [np.empty(0, dtype=np.int64)]
    for dense in scores.values():
        top = best(dense, min(each, n_items), fallback)
        kept = (top.items >= 0) & (top.scores > 0) & known[:, None]
        user, _ = np.nonzero(kept)
        found.append(user * n_items + top.items[kept].astype(np.int64))
    return Pairs.of_keys(np.concatenate(found), n_users, n_items)


def part_columns(pairs: Pairs, scores: Mapping[str, Scores]) -> dict[str, Floats]:
    """Per model its score, the share of the user's best score, and the place among the user's candidates.

    A score that is the same for all users has no column of its own: it tells the moment.
    """
    columns: dict[str, Floats] = {}
    for name, dense in scores.items():
        score = dense[pairs.user, pairs.item].astype(np.float64)
        top = dense.max(axis=1, initial=0.0).astype(np.float64)[pairs.user]
        if name not in IMPERSONAL:
            columns[f"{name} score"] = score
        columns[f"{name} share"] = score / np.where(top > 0, top, 1.0)
        columns[f"{name} place"] = pairs.place_in_user(score)
    return columns
