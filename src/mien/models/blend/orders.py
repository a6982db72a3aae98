"""Orders: what a user bought at one instant. Numbered from the last one backwards, they tell habit and rhythm."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.models.blend.pairs import Floats, Keys
from mien.models.interactions import Interactions

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Orders:
    """The purchases of some histories. Lines `(n_lines,)`: one a different item of an order; `ago`: how many orders of
    the user came after it (0: the last one); `key`: user · n_items + item, `age_days` before the moment.

    Of users `(n_users,)`: `orders`, `since_days` the last one, `tenure_days` since the first one (NaN without any).
    """

    key: Keys
    ago: Counts
    age_days: Floats
    orders: Counts
    since_days: Floats
    tenure_days: Floats
    n_items: int


def orders_of(histories: Interactions, at_us: int) -> Orders:
    """The orders before or at `at_us`. Cost: a pass over the purchases."""
    bought = histories.doing(["purchase"]).until(at_us)
    user = bought.user.astype(np.int64)
    begins = np.ones(len(bought), dtype=np.bool_)
    begins[1:] = (bought.user[1:] != bought.user[:-1]) | (bought.at_us[1:] != bought.at_us[:-1])
    orders = np.bincount(user[begins], minlength=histories.n_users).astype(np.int64)
    number = np.cumsum(begins) - 1  # of all users' orders, in a row
    ago = np.cumsum(orders)[user] - 1 - number
    age_days = (at_us - bought.at_us) / DAY_US
    since, tenure = (np.full(histories.n_users, np.nan) for _ in range(2))
    since[user] = age_days  # rows go forward in time: the last one stays
    tenure[user[::-1]] = age_days[::-1]
    key = user * histories.n_items + bought.item
    return Orders(key, ago, age_days, orders, since, tenure, histories.n_items)


@dataclass(frozen=True, eq=False)
class Bought:
    """One row a pair of user and item bought, `key` ascending: `count` of orders, `last`, `first` in days before the
    moment, `last_ago`, `first_ago` in orders, `gap_days` mean from one to the next (NaN where bought once).

    `start`: of each pair in `order`, the lines sorted by key and then from the oldest on.
    """

    key: Keys
    start: Keys
    order: Keys
    count: Counts
    last: Floats
    first: Floats
    last_ago: Counts
    first_ago: Counts
    gap_days: Floats

    def sums(self, values: npt.NDArray[np.floating]) -> Floats:
        """`(n_pairs,)`: `values` of the lines, summed by pair."""
        if not len(self.key):
            return np.empty(0)
        return np.asarray(np.add.reduceat(values[self.order], self.start), dtype=np.float64)


def bought_pairs(orders: Orders) -> Bought:
    """Each user's items with when and how often. Cost: one sort of the lines."""
    order = np.lexsort((orders.ago * -1, orders.key))
    key = orders.key[order]
    begins = np.ones(len(key), dtype=np.bool_)
    begins[1:] = key[1:] != key[:-1]
    start = np.flatnonzero(begins)
    count = np.diff(np.append(start, len(key)))
    end = start + count - 1
    age, ago = orders.age_days[order], orders.ago[order]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (age[start] - age[end]) / np.where(count > 1, count - 1, np.nan)
    return Bought(key[start], start, order, count, age[end], age[start], ago[end], ago[start], gap)
