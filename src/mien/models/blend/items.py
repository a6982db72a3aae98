"""What everybody's past says about an item: popularity in several windows, its trend, and how it is bought again."""

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.models.blend.orders import bought_pairs, orders_of
from mien.models.blend.pairs import Floats
from mien.models.interactions import Interactions

WINDOWS = (7.0, 28.0, 91.0)
"""Days before the moment."""
PRIOR_GAPS = 5.0
"""Imaginary gaps of the shop's mean length that an item's own gaps are averaged with."""


def item_columns(data: Interactions, at_us: int) -> dict[str, Floats]:
    """Name → `(n_items,)`, as of `at_us`; NaN for what an item nobody bought does not have. Cost: a sort."""
    orders = orders_of(data, at_us)
    bought = bought_pairs(orders)
    n_items = data.n_items

    def counted(rows: npt.NDArray[np.int64], values: Floats) -> Floats:
        return np.bincount(rows, weights=values, minlength=n_items).astype(np.float64)

    item, of_pair = orders.key % max(n_items, 1), bought.key % max(n_items, 1)
    buyers = counted(of_pair, np.ones(len(of_pair)))
    again = counted(of_pair, (bought.count > 1).astype(np.float64))
    lines = counted(item, np.ones(len(item)))
    sold = {days: counted(item, (orders.age_days <= days).astype(np.float64)) for days in WINDOWS}
    since = np.full(n_items, np.nan)
    order = np.argsort(-orders.age_days, kind="stable")
    since[item[order]] = orders.age_days[order]
    lately = data.until(at_us).since(at_us - int(WINDOWS[0] * DAY_US))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "item gap": _gaps(of_pair, bought.gap_days, bought.count, n_items),
            "item lines": _of_best(lines),
            "item buyers": _of_best(buyers),
            **{f"item sold {days:g}d": _of_best(count) for days, count in sold.items()},
            "item trend week": (sold[7.0] * 4 + 1) / (sold[28.0] + 1),
            "item trend month": (sold[28.0] * 3.25 + 1) / (sold[91.0] + 1),
            "item again": again / buyers,
            "item since": since,
            "item acts 7d": _of_best(np.bincount(lately.item, minlength=n_items).astype(np.float64)),
        }


def _of_best(counts: Floats) -> Floats:
    """Over that of the best seller: a plain count grows with the log and would tell the moment, not the item."""
    return np.asarray(counts / max(counts.max(initial=0.0), 1.0))


def _gaps(item: npt.NDArray[np.int64], gap_days: Floats, count: npt.NDArray[np.int64], n_items: int) -> Floats:
    """Mean days from one purchase of an item to the same user's next, drawn towards the mean of all items."""
    known = count > 1
    gaps = (count - 1)[known].astype(np.float64)
    number = np.bincount(item[known], weights=gaps, minlength=n_items)
    days = np.bincount(item[known], weights=gaps * gap_days[known], minlength=n_items)
    usual = days.sum() / number.sum() if number.sum() else np.nan
    return np.asarray((days + PRIOR_GAPS * usual) / (number + PRIOR_GAPS))
