"""What a user's own past says about an item: how often, how lately, in which rhythm, and whether it is due."""

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTION_CODE
from mien.models.blend.orders import Bought, Orders, bought_pairs, orders_of
from mien.models.blend.pairs import Floats, Pairs
from mien.models.interactions import Interactions

HALF_LIVES = (7.0, 30.0, 90.0)
"""Days; between them the trees find the shop's own."""
FADES = (0.6, 0.9)
"""What an order counts, over the one that came after it."""
LATEST = (3, 10)
"""Numbers of last orders in which an item is counted."""
INTEREST = ("view", "cart", "favourite", "click")
"""Acts that tell of an interest before a purchase."""


def own_columns(pairs: Pairs, histories: Interactions, at_us: int, item_gap_days: Floats) -> dict[str, Floats]:
    """Of each pair and of its user; NaN where never bought. `item_gap_days (n_items,)`: everybody's gap of the item."""
    orders = orders_of(histories, at_us)
    bought = bought_pairs(orders)
    columns = _user_columns(pairs, orders, bought)
    columns |= _pair_columns(pairs, orders, bought, item_gap_days)
    return columns | _interest_columns(pairs, histories, at_us)


def _user_columns(pairs: Pairs, orders: Orders, bought: Bought) -> dict[str, Floats]:
    """The same for all items of a user: how much, how often, how much of it again.

    Nothing here grows with the log alone, as days since the first order would: the trees could tell the windows they
    learn from by it, and take what held in the last of them for what holds now.
    """
    n_users = pairs.n_users
    lines = np.bincount(orders.key // max(orders.n_items, 1), minlength=n_users)
    different = np.bincount(bought.key // max(orders.n_items, 1), minlength=n_users)
    last = np.bincount((orders.key // max(orders.n_items, 1))[orders.ago == 0], minlength=n_users)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = (orders.tenure_days - orders.since_days) / np.where(orders.orders > 1, orders.orders - 1, np.nan)
        told = {
            "user orders": orders.orders.astype(np.float64),
            "user since": orders.since_days,
            "user gap": gap,
            "user due": orders.since_days / gap,
            "user basket": lines / orders.orders,
            "user last basket": last.astype(np.float64),
            "user items": different.astype(np.float64),
            "user again": 1.0 - different / lines,
        }
    return {name: _finite(column)[pairs.user] for name, column in told.items()}


def _pair_columns(pairs: Pairs, orders: Orders, bought: Bought, item_gap_days: Floats) -> dict[str, Floats]:
    """The item in the user's orders: counts, shares, fading sums, gaps and dueness."""
    row = np.searchsorted(bought.key, pairs.keys)
    row = np.minimum(row, max(len(bought.key) - 1, 0))
    held = bought.key[row] == pairs.keys if len(bought.key) else np.zeros(len(pairs), dtype=np.bool_)

    def told(values: npt.NDArray[np.generic], absent: float = np.nan) -> Floats:
        column = np.full(len(pairs), absent)
        column[held] = values[row[held]]
        return column

    count, last, own_gap = told(bought.count, 0.0), told(bought.last), told(bought.gap_days)
    usual = item_gap_days[pairs.item]
    n_orders = orders.orders[pairs.user]
    columns = {
        "own count": count,
        "own share": count / np.maximum(n_orders, 1),
        "own share since first": count / (told(bought.first_ago) + 1),
        "own since": last,
        "own orders since": told(bought.last_ago),
        "own gap": own_gap,
        "item gap": usual,
        "own due": last / np.maximum(own_gap, 0.5),
        "own late": last - own_gap,
        "item due": last / np.maximum(usual, 0.5),
        "own rate": count / np.maximum(told(bought.first), 1.0),
    }
    for days in HALF_LIVES:
        columns[f"own decayed {days:g}d"] = told(bought.sums(np.exp2(-orders.age_days / days)), 0.0)
    for fade in FADES:
        columns[f"own faded {fade:g}"] = told(bought.sums(fade ** orders.ago.astype(np.float64)), 0.0)
    for latest in LATEST:
        columns[f"own in last {latest}"] = told(bought.sums((orders.ago < latest).astype(np.float64)), 0.0)
    for name in ("own count", "own decayed 30d", "own faded 0.9"):
        columns[f"{name} place"] = pairs.place_in_user(columns[name])
    return columns


def _interest_columns(pairs: Pairs, histories: Interactions, at_us: int) -> dict[str, Floats]:
    """Acts other than purchases, one group of two columns an action: how often, and days since the last."""
    columns: dict[str, Floats] = {}
    for action in INTEREST:
        acts = histories.select(histories.action == ACTION_CODE[action])
        key = acts.user.astype(np.int64) * pairs.n_items + acts.item
        age_days = (at_us - acts.at_us) / 86_400e6
        order = np.lexsort((age_days, key))
        told_once, start, count = np.unique(key[order], return_index=True, return_counts=True)
        row = np.minimum(np.searchsorted(told_once, pairs.keys), max(len(told_once) - 1, 0))
        held = told_once[row] == pairs.keys if len(told_once) else np.zeros(len(pairs), dtype=np.bool_)
        times, since = np.zeros(len(pairs)), np.full(len(pairs), np.nan)
        times[held], since[held] = count[row[held]], age_days[order][start[row[held]]]
        columns[f"own {action}s"], columns[f"own since {action}"] = times, since
    return columns


def _finite(column: Floats) -> Floats:
    return np.where(np.isfinite(column), column, np.nan)
