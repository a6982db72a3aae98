"""Habits: the beat, the size and the drift of a user's orders; features beside those of the product's matrix."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, HOUR_US
from mien.models.heads.orders import Orders, orders_of
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]

COUNT_DAYS = (3, 14, 28, 56, 182)
HALF_LIVES_DAYS = (7, 14, 30, 60, 120)


def habits(data: Interactions, at_us: int) -> Columns:
    """Feature → `(n_users,)`. `data` holds nothing after `at_us`. NaN: too few orders to tell."""
    orders = orders_of(data)
    age = orders.age_days(at_us)
    columns = _counts(orders, age) | _gaps(orders, age) | _sizes(orders, age) | _clock(orders)
    return columns | _repeats(data, at_us)


def _counts(orders: Orders, age: Floats) -> Columns:
    columns: Columns = {f"orders.{days}d": orders.total((age <= days) * 1.0) for days in COUNT_DAYS}
    for half_life in HALF_LIVES_DAYS:
        columns[f"orders.half{half_life}"] = orders.total(np.exp2(-age / half_life))
    for half_life in (14, 60):
        faded = np.exp2(-age / half_life)
        columns[f"spend.half{half_life}"] = orders.total(orders.value * faded)
        columns[f"lines.half{half_life}"] = orders.total(orders.lines * faded)
    columns["orders.trend"] = ratio(columns["orders.half14"] * 60, columns["orders.half60"] * 14)
    columns["spend.trend"] = ratio(columns["spend.half14"] * 60, columns["spend.half60"] * 14)
    weeks = np.unique(orders.user.astype(np.int64) * 4096 + np.minimum(age // 7, 4095).astype(np.int64))
    week, user = weeks % 4096, weeks // 4096
    columns["weeks_with_orders.12"] = np.bincount(user[week < 12], minlength=orders.n_users).astype(np.float64)
    return columns


def _gaps(orders: Orders, age: Floats) -> Columns:
    gaps = orders.gaps_days()
    known = ~np.isnan(gaps)
    gap, n = np.where(known, gaps, 0.0), orders.total(known * 1.0)
    mean = ratio(orders.total(gap), n)
    spread = np.sqrt(np.maximum(ratio(orders.total(gap**2), n) - mean**2, 0.0))
    spread[n < 2] = np.nan
    faded = np.exp2(-age / 60) * known
    late = ratio(orders.total(gap * faded), orders.total(faded))
    _, end = orders.places()
    total, some = orders.total(), orders.total() > 0
    since = np.full(orders.n_users, np.nan)
    since[some] = age[end[some] - 1]
    columns: Columns = {"gap.spread_days": spread, "gap.late_days": late, "gap.irregularity": ratio(spread, mean)}
    columns["gap.last_days"] = np.full(orders.n_users, np.nan)
    columns["gap.last_days"][total > 1] = gaps[end[total > 1] - 1]
    longest = np.zeros(orders.n_users)
    np.maximum.at(longest, orders.user, gap)
    columns["gap.longest_days"] = np.where(n > 0, longest, np.nan)
    columns["due"] = ratio(since, mean)
    columns["due.late"] = ratio(since, late)
    columns["due.longest"] = ratio(since, columns["gap.longest_days"])
    columns["due.spread"] = ratio(since - mean, spread)
    for back in (2, 3, 5, 10):
        far = np.full(orders.n_users, np.nan)
        enough = total >= back
        far[enough] = age[end[enough] - back]
        columns[f"order_{back}_back_days"] = far
    return columns


def _sizes(orders: Orders, age: Floats) -> Columns:
    n, columns = orders.total(), {}
    faded = np.exp2(-age / 60)
    for name, what in (("lines", orders.lines), ("value", orders.value), ("pieces", orders.pieces)):
        mean = ratio(orders.total(what), n)
        columns[f"order.{name}"] = mean
        columns[f"order.{name}.late"] = ratio(orders.total(what * faded), orders.total(faded))
        columns[f"order.{name}.trend"] = ratio(columns[f"order.{name}.late"], mean)
        spread = np.sqrt(np.maximum(ratio(orders.total(what**2), n) - mean**2, 0.0))
        columns[f"order.{name}.spread"] = spread
        _, end = orders.places()
        last = np.full(orders.n_users, np.nan)
        last[n > 0] = what[end[n > 0] - 1]
        columns[f"order.{name}.last"] = last
    columns["price_of_piece"] = ratio(orders.total(orders.value), orders.total(orders.pieces))
    columns["small_orders"] = ratio(orders.total((orders.lines <= 3) * 1.0), n)
    return columns


def _clock(orders: Orders) -> Columns:
    """Shares of the orders by weekday (Monday 0) and by quarter of the day, UTC."""
    n = orders.total()
    weekday = (orders.at_us // DAY_US + 3) % 7
    quarter = orders.at_us // (6 * HOUR_US) % 4
    columns: Columns = {f"orders.weekday{k}": ratio(orders.total((weekday == k) * 1.0), n) for k in range(7)}
    for k in range(4):
        columns[f"orders.quarter{k}"] = ratio(orders.total((quarter == k) * 1.0), n)
    return columns


def _repeats(data: Interactions, at_us: int) -> Columns:
    """How much of what is bought was bought before, how wide and how evenly the user buys."""
    bought = data.doing(["purchase"])
    n_items = max(data.n_items, 1)
    pair = bought.user.astype(np.int64) * n_items + bought.item
    pairs, first, count = np.unique(pair, return_index=True, return_counts=True)
    user = (pairs // n_items).astype(np.int64)
    again = np.ones(len(bought))
    again[first] = 0.0  # rows come sorted by time within a user, so the first of a pair is the earliest
    n = np.bincount(bought.user, minlength=data.n_users).astype(np.float64)
    late = bought.at_us >= at_us - 60 * DAY_US
    distinct = np.bincount(user, minlength=data.n_users).astype(np.float64)
    share = count / np.maximum(n[user], 1.0)
    return {
        "repeat.share": ratio(np.bincount(bought.user, again, data.n_users), n),
        "repeat.share.60d": ratio(
            np.bincount(bought.user, again * late, data.n_users), np.bincount(bought.user, late, data.n_users)
        ),
        "items.again": np.bincount(user[count > 1], minlength=data.n_users).astype(np.float64),
        "items.favourite": _most(user, count, data.n_users),
        "items.per_line": ratio(distinct, n),
        "items.evenness": _sum(user, -share * np.log(share), data.n_users),
        "items.new.60d": _sum(bought.user, (1 - again) * late, data.n_users),
    }


def _sum(user: npt.NDArray[Any], what: Floats, n_users: int) -> Floats:
    return np.bincount(user, weights=what, minlength=n_users).astype(np.float64)


def _most(user: npt.NDArray[np.int64], count: npt.NDArray[np.int64], n_users: int) -> Floats:
    most = np.zeros(n_users)
    np.maximum.at(most, user, count.astype(np.float64))
    return most


def ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    """`above / below`, NaN where there is nothing below; never infinite."""
    result: Floats = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 1e-9)
    return result
