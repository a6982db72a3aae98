"""Pairs: the features of a user and a label together: how often, how lately, how regularly, and is it due?

One row a (user, label). The user's own acts on the label, on what it is a part of (its families), how the label fares
with everybody, and the user's own beat. All as of a cut; nothing later is looked at.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.models.heads.habits import ratio
from mien.models.heads.orders import Orders, orders_of
from mien.models.heads.targets import Family, LabelSet, as_values
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]
HALF_LIVES_DAYS = (7, 14, 30, 90, 180)
NEVER_DAYS = 999.0
"""Days since something that never happened."""
PRIOR_ORDERS, PRIOR_DAYS = 0.5, 60.0
"""What the shrunk gap between two purchases of a label supposes beside what was seen."""


@dataclass(frozen=True, slots=True, eq=False)
class PairMatrix:
    """`values[u · n_labels + l, j]`: feature `names[j]` of user `users[u]` and label l; float32, NaN where unknown."""

    users: Rows
    n_labels: int
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    def column(self, name: str) -> npt.NDArray[np.float32]:
        """`(n_users, n_labels)`: one feature of all pairs."""
        return self.values[:, self.names.index(name)].reshape(len(self.users), self.n_labels)

    def only(self, names: tuple[str, ...]) -> "PairMatrix":
        """These features, in this order."""
        places = [self.names.index(name) for name in names]
        return PairMatrix(self.users, self.n_labels, names, self.values[:, places])


def pair_features(
    past: Interactions,
    labels: LabelSet,
    users: Rows,
    at_us: int,
    extra: dict[str, npt.NDArray[Any]] | None = None,
    fate: Columns | None = None,
) -> PairMatrix:
    """The features of `users` × labels, from `past` (nothing in it later than `at_us`).

    `extra`: further features of pairs, `(len(users), n_labels)` each, put at the end: scores of other models.
    `fate`: how the labels fare with everybody, from `label_fate`, where `past` holds a single user.
    Cost: some passes over the past; `len(users) · n_labels · 70` float32.
    """
    own = past.of_users(users).doing(["purchase"])
    orders = orders_of(own)
    by_pair = _own(own, orders, labels, at_us)
    for family in labels.families:
        by_pair |= _family(own, family, at_us)
    by_pair |= {name: np.asarray(column, dtype=np.float64) for name, column in (extra or {}).items()}
    by_user = _beat(orders, at_us)
    by_label = label_fate(past, labels, at_us) if fate is None else fate
    n, m = len(users), len(labels)
    names = (*by_pair, *by_user, *by_label)
    values = np.empty((n, m, len(names)), dtype=np.float32)
    for k, column in enumerate(by_pair.values()):
        values[:, :, k] = column
    for k, column in enumerate(by_user.values(), start=len(by_pair)):
        values[:, :, k] = column[:, None]
    for k, column in enumerate(by_label.values(), start=len(by_pair) + len(by_user)):
        values[:, :, k] = column[None, :]
    return PairMatrix(np.asarray(users, dtype=np.int32), m, names, values.reshape(n * m, len(names)))


def label_acts(past: Interactions, labels: LabelSet) -> Interactions:
    """The purchases of chosen labels, labels being the items now: one row a user, label and order."""
    place = np.full(labels.n, -1, dtype=np.int32)
    there = labels.chosen >= 0
    place[labels.chosen[there]] = np.flatnonzero(there)
    code = labels.codes[past.item]
    label = np.where(code >= 0, place[code], -1).astype(np.int32)
    return as_values(past, label, len(labels))


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """The acts sorted by (user, label, time); a run: all of one user and label. `cell`: user · n_labels + label."""

    acts: Interactions
    cell: npt.NDArray[np.int64]
    age: Floats
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, acts: Interactions, at_us: int) -> "_Runs":
        order = np.lexsort((acts.at_us, acts.item, acts.user))
        names = ("user", "item", "action", "at_us", "value", "quantity")
        sorted_acts = replace(acts, **{name: getattr(acts, name)[order] for name in names})
        cell = sorted_acts.user.astype(np.int64) * acts.n_items + sorted_acts.item
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        ends = np.append(starts[1:], len(cell)) - 1 if len(cell) else starts
        return cls(sorted_acts, cell, (at_us - sorted_acts.at_us) / DAY_US, starts, ends)

    def total(self, weights: npt.NDArray[Any] | None = None) -> Floats:
        """`(n_users, n_labels)`: summed weights of each pair; without weights the number of orders."""
        shape = (self.acts.n_users, self.acts.n_items)
        return np.bincount(self.cell, weights, shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def put(self, values: Floats, absent: float = np.nan) -> Floats:
        """`(n_users, n_labels)` from one value a run."""
        table = np.full(self.acts.n_users * self.acts.n_items, absent)
        table[self.cell[self.starts]] = values
        return table.reshape(self.acts.n_users, self.acts.n_items)


def _own(own: Interactions, orders: Orders, labels: LabelSet, at_us: int) -> Columns:
    runs = _Runs.of(label_acts(own, labels), at_us)
    columns: Columns = {f"own.half{h}": runs.total(np.exp2(-runs.age / h)) for h in HALF_LIVES_DAYS}
    columns["own.n"] = runs.total()
    for days in (14, 28, 91):
        columns[f"own.{days}d"] = runs.total((runs.age <= days) * 1.0)
    faded = np.exp2(-runs.age / 60)
    columns["own.pieces"] = runs.total(np.clip(runs.acts.quantity, 0, 50) * faded)
    columns["own.value"] = runs.total(np.clip(runs.acts.value, 0, None) * faded)
    columns |= _due(runs) | _by_orders(runs, orders)
    of_user = {h: orders.total(np.exp2(-orders.age_days(at_us) / h)) for h in (30, 90)}
    for h, beat in of_user.items():
        columns[f"own.per_order{h}"] = columns[f"own.half{h}"] / np.maximum(beat, 1e-9)[:, None]
    liked = columns["own.half90"]
    columns["own.share"] = liked / np.maximum(liked.sum(axis=1, keepdims=True), 1e-9)
    columns["own.place"] = np.argsort(np.argsort(-liked, axis=1, kind="stable"), axis=1).astype(np.float64)
    return columns


def _due(runs: _Runs) -> Columns:
    """Days since, between, and the one over the other: at 1 the label is due as it usually is."""
    since, first = runs.age[runs.ends], runs.age[runs.starts]
    n = (runs.ends - runs.starts + 1).astype(np.float64)
    gap = ratio(first - since, n - 1)
    steps = np.diff(runs.acts.at_us, prepend=0) / DAY_US
    steps[runs.starts] = 0.0
    squares = np.add.reduceat(steps**2, runs.starts) if len(steps) else steps
    spread = np.sqrt(np.maximum(ratio(squares, n - 1) - gap**2, 0.0))
    last_step = np.where(n > 1, steps[runs.ends], np.nan)
    last_pieces = np.clip(runs.acts.quantity[runs.ends], 0, 50)
    mean_pieces = np.add.reduceat(np.clip(runs.acts.quantity, 0, 50), runs.starts) / n if len(steps) else n
    return {
        "own.since": runs.put(since, NEVER_DAYS),
        "own.first": runs.put(first),
        "own.gap": runs.put(gap),
        "own.gap_spread": runs.put(np.where(n > 2, spread, np.nan)),
        "own.gap_last": runs.put(last_step),
        "own.due": runs.put(ratio(since, gap)),
        "own.due_last": runs.put(ratio(since, last_step)),
        "own.due_shrunk": runs.put(since * (n + PRIOR_ORDERS) / (first + PRIOR_DAYS)),
        "own.due_spread": runs.put(ratio(since - gap, np.where(n > 2, spread, np.nan))),
        "own.stock": runs.put(ratio(last_pieces, mean_pieces)),
    }


def _by_orders(runs: _Runs, orders: Orders) -> Columns:
    """The same beat counted in the user's orders instead of days: since the last, and in how many of all."""
    moment = (orders.user.astype(np.int64), orders.at_us)
    _, end = orders.places()
    user, at = runs.acts.user, runs.acts.at_us
    since = end[user[runs.ends]] - 1 - _find(moment, user[runs.ends], at[runs.ends])
    span = end[user[runs.starts]] - _find(moment, user[runs.starts], at[runs.starts])
    n = (runs.ends - runs.starts + 1).astype(np.float64)
    return {
        "own.orders_since": runs.put(since.astype(np.float64), -1.0),
        "own.orders_share": runs.put(n / np.maximum(span, 1), 0.0),
        "own.orders_due": runs.put(since * n / np.maximum(span, 1)),
    }


def _find(
    moment: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], user: Rows, at_us: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The row of the order of each (user, time); it exists."""
    times = np.unique(moment[1])
    order_key = moment[0] * max(len(times), 1) + np.searchsorted(times, moment[1])
    key = user.astype(np.int64) * max(len(times), 1) + np.searchsorted(times, at_us)
    return np.asarray(np.searchsorted(order_key, key), dtype=np.int64)


def _family(own: Interactions, family: Family, at_us: int) -> Columns:
    """What the user does with the other labels and goods of the same family."""
    code = family.codes[own.item]
    held = code >= 0
    cell = own.user[held].astype(np.int64) * family.n + code[held]
    age = (at_us - own.at_us[held]) / DAY_US
    shape = (own.n_users, family.n)
    known = family.of_label >= 0
    of_label = np.where(known, family.of_label, 0)
    columns: Columns = {}
    for h in (30, 120):
        table = np.bincount(cell, np.exp2(-age / h), shape[0] * shape[1]).reshape(shape)[:, of_label]
        columns[f"{family.name}.half{h}"] = np.where(known, table, 0.0)
    since = np.full(shape[0] * shape[1], NEVER_DAYS)
    order = np.argsort(-age, kind="stable")
    since[cell[order]] = age[order]  # the newest assignment stays
    columns[f"{family.name}.since"] = np.where(known, since.reshape(shape)[:, of_label], NEVER_DAYS)
    return columns


def _beat(orders: Orders, at_us: int) -> Columns:
    """The user's orders: how many, how lately, how regularly, how large."""
    age, n = orders.age_days(at_us), orders.total()
    columns: Columns = {f"orders.{days}d": orders.total((age <= days) * 1.0) for days in (7, 14, 28, 91)}
    for h in (7, 14, 30, 60, 120):
        columns[f"orders.half{h}"] = orders.total(np.exp2(-age / h))
    first, end = orders.places()
    some = n > 0
    since, tenure = np.full(orders.n_users, np.nan), np.full(orders.n_users, np.nan)
    since[some], tenure[some] = age[end[some] - 1], age[first[some]]
    gaps = np.nan_to_num(orders.gaps_days())
    gap = ratio(tenure - since, n - 1)
    spread = np.sqrt(np.maximum(ratio(orders.total(gaps**2), n - 1) - gap**2, 0.0))
    faded = np.exp2(-age / 60)
    columns |= {"orders.n": n, "since": since, "tenure": tenure, "gap": gap, "gap.spread": spread}
    columns["due"] = ratio(since, gap)
    for name, what in (("lines", orders.lines), ("value", orders.value)):
        columns[f"order.{name}"] = ratio(orders.total(what), n)
        columns[f"order.{name}.late"] = ratio(orders.total(what * faded), orders.total(faded))
        columns[f"{name}.half30"] = orders.total(what * np.exp2(-age / 30))
    return columns


def label_fate(past: Interactions, labels: LabelSet, at_us: int) -> Columns:
    """How each label fares with everybody: share of all users who bought it lately, its drift, how often again."""
    acts = label_acts(past.doing(["purchase"]), labels)
    age, m = (at_us - acts.at_us) / DAY_US, len(labels)

    def people(inside: npt.NDArray[np.bool_]) -> Floats:
        pairs = np.unique(acts.user[inside].astype(np.int64) * m + acts.item[inside])
        return np.bincount(pairs % m, minlength=m) / max(past.n_users, 1)

    share = {days: people(age <= days) for days in (14, 28, 91)}
    before = people((age > 14) & (age <= 28))
    columns: Columns = {f"label.{days}d": part for days, part in share.items()}
    columns["label.trend"] = ratio(share[14], np.maximum(before, 1e-4))
    columns["label.drift"] = ratio(share[28], np.maximum(share[91], 1e-4))
    ever = people(np.ones(len(acts), dtype=np.bool_))
    columns["label.again"] = np.bincount(acts.item, minlength=m) / np.maximum(ever * past.n_users, 1.0)
    return columns
