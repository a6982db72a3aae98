"""Orders: what a user bought at one instant, as columns sorted by (user, time); the beat that everything else keeps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Orders:
    """`user`, `at_us`, `lines` (different items), `value`, `pieces`: one row an order."""

    user: Rows
    at_us: npt.NDArray[np.int64]
    lines: Floats
    value: Floats
    pieces: Floats
    n_users: int

    def __len__(self) -> int:
        return len(self.user)

    def age_days(self, at_us: int) -> Floats:
        """`(n,)` days before `at_us`."""
        return np.asarray((at_us - self.at_us) / DAY_US)

    def total(self, weights: npt.NDArray[Any] | None = None) -> Floats:
        """`(n_users,)`: the weights of each user's orders summed; without weights their number."""
        return np.bincount(self.user, weights=weights, minlength=self.n_users).astype(np.float64)

    def gaps_days(self) -> Floats:
        """`(n,)` days since the order before of the same user, NaN for the first."""
        gaps = np.full(len(self), np.nan)
        same = self.user[1:] == self.user[:-1]
        gaps[1:][same] = np.diff(self.at_us)[same] / DAY_US
        return gaps

    def places(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """`(n_users,)` first row of each user and the row after the last."""
        users = np.arange(self.n_users)
        return np.searchsorted(self.user, users, "left"), np.searchsorted(self.user, users, "right")


def orders_of(data: Interactions) -> Orders:
    """The orders in the purchases of `data`. Cost: one pass."""
    bought = data.doing(["purchase"])
    starts = np.flatnonzero(order_starts(bought))
    if not len(starts):
        none = np.empty(0)
        return Orders(bought.user, bought.at_us, none, none, none, data.n_users)
    lines, value, pieces = (
        np.add.reduceat(column, starts) for column in (np.ones(len(bought)), bought.value, bought.quantity)
    )
    return Orders(bought.user[starts], bought.at_us[starts], lines, value, pieces, data.n_users)


def order_starts(bought: Interactions) -> npt.NDArray[np.bool_]:
    """`(n,)`: rows with which an order begins; rows come sorted by user, then time."""
    begins = np.ones(len(bought), dtype=np.bool_)
    begins[1:] = (bought.user[1:] != bought.user[:-1]) | (bought.at_us[1:] != bought.at_us[:-1])
    return begins
