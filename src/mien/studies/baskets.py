"""Next basket: a split of all users at one moment, and what each of them bought first after it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, from_us
from mien.core.errors import UsageError
from mien.core.ids import Rows
from mien.models.interactions import Interactions
from mien.prepare.split import TimeSplit


@dataclass(frozen=True, eq=False)
class Baskets:
    """What is known before `at_us`, and the first order of each user in [`at_us`, `end_us`).

    `users (n,)`: rows with an order then. `basket`, `item`: one entry a different item of an order, the place of its
    user in `users` and the item. `known (n,)`: who did anything before; `measured (n,)`: those whom the main figures
    are about; `orders (n,)`: how many orders each had before. `again`: per entry, whether the user had bought the item
    before.
    """

    train: Interactions
    at_us: int
    end_us: int
    active_days: float | None
    users: Rows
    basket: Rows
    item: Rows
    known: npt.NDArray[np.bool_]
    measured: npt.NDArray[np.bool_]
    orders: npt.NDArray[np.int64]
    again: npt.NDArray[np.bool_]

    def relevant(self, entries: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
        """`(n,)`: different items in each basket, or those of the chosen entries."""
        chosen = self.basket if entries is None else self.basket[entries]
        return np.bincount(chosen, minlength=len(self.users)).astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """How the split was made, JSON-ready."""
        measured = self.relevant()[self.measured]
        return {
            "at": from_us(self.at_us).isoformat().replace("+00:00", "Z"),
            "end": from_us(self.end_us).isoformat().replace("+00:00", "Z"),
            "active_days": self.active_days,
            "train_events": len(self.train),
            "users": int(self.measured.sum()),
            "users_without_history": int((~self.known).sum()),
            "mean_basket": round(float(measured.mean()), 3) if len(measured) else None,
            "already_bought": round(float(self.again.mean()), 6) if len(self.again) else None,
        }


def split_baskets(
    data: Interactions,
    at_us: int | None = None,
    *,
    test_days: float | None = 14.0,
    active_days: float | None = None,
    max_users: int = 5000,
    seed: int = 0,
) -> Baskets:
    """Split at `at_us`; by default the last `test_days` of the data are the test window.

    An order: what a user bought at one instant. Only the first one counts, and with `test_days` None any later one
    does. `active_days` keeps to users who bought in that many days before the split. Past `max_users` users a seeded
    sample is drawn. Raises `UsageError` where nothing was bought before or after the split.
    """
    bought = data.doing(["purchase"])
    if not len(bought):
        raise UsageError("There is no purchase in the data, so there is no next basket to evaluate on.")
    newest = int(data.at_us.max())
    split = TimeSplit.last_days(newest, test_days=test_days or 14.0) if at_us is None else None
    at_us = split.test_us if split is not None else int(at_us or 0)
    end_us = newest + 1 if test_days is None else at_us + round(test_days * DAY_US)
    past, orders = bought.before(at_us), bought.since(at_us).before(end_us)
    if not len(past) or not len(orders):
        raise UsageError(
            "Nothing was bought after {at:%Y-%m-%d %H:%M}; choose another moment with --at."
            if len(past)
            else "Nothing was bought before {at:%Y-%m-%d %H:%M}; choose another moment with --at.",
            at=from_us(at_us),
        )
    users = _sample(np.unique(orders.user), max_users, seed)
    first = _first_orders(orders, users)
    basket = np.searchsorted(users, first.user).astype(np.int32)
    train = data.before(at_us)
    known = np.isin(users, train.user)
    active = past if active_days is None else past.since(at_us - round(active_days * DAY_US))
    return Baskets(
        train=train,
        at_us=at_us,
        end_us=end_us,
        active_days=active_days,
        users=users,
        basket=basket,
        item=first.item,
        known=known,
        measured=np.isin(users, active.user) if active_days is not None else known,
        orders=_orders(past)[users],
        again=np.isin(_pair(first), _pair(past)),
    )


def _sample(users: Rows, most: int, seed: int) -> Rows:
    if len(users) <= most:
        return users
    return np.sort(np.random.default_rng(seed).choice(users, most, replace=False))


def _first_orders(orders: Interactions, users: Rows) -> Interactions:
    """The rows of each of these users at the first instant (rows come sorted by user, then time)."""
    starts = orders.at_us[orders.offsets[users]]
    place = np.searchsorted(users, orders.user)
    mine = np.isin(orders.user, users)
    first = mine & (orders.at_us == starts[np.minimum(place, len(users) - 1)])
    return orders.select(first)


def _orders(bought: Interactions) -> npt.NDArray[np.int64]:
    """`(n_users,)`: at how many instants each user bought (rows come sorted by user, then time)."""
    begins = np.ones(len(bought), dtype=np.bool_)
    begins[1:] = (bought.user[1:] != bought.user[:-1]) | (bought.at_us[1:] != bought.at_us[:-1])
    return np.bincount(bought.user[begins], minlength=bought.n_users).astype(np.int64)


def _pair(data: Interactions) -> npt.NDArray[np.int64]:
    return data.user.astype(np.int64) * data.n_items + data.item
