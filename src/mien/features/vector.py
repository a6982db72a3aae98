"""A named feature matrix: one row a user, as of a moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.errors import UnknownName
from mien.core.event import ACTIONS
from mien.core.item import Facet
from mien.features.state import FoldSettings
from mien.features.user_tables import preference_table, user_tables
from mien.features.weights import DEFAULT_WEIGHTS, ActionWeights

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMatrix:
    """`values[i, j]`: feature `names[j]` of user row `users[i]` as of `at_us`; NaN where unknown.

    `users`: `(n,) int32` ascending; `values`: `(n, len(names)) float64`.
    """

    users: npt.NDArray[np.int32]
    names: tuple[str, ...]
    values: Floats
    at_us: int

    def column(self, name: str) -> Floats:
        """One feature of all users. Raises `UnknownName`."""
        if name not in self.names:
            raise UnknownName("feature", name, self.names)
        column: Floats = self.values[:, self.names.index(name)]
        return column

    def only(self, names: Sequence[str], *, absent: float | None = None) -> "FeatureMatrix":
        """These features, in this order: to give a later matrix the columns of an earlier one.

        A name that is not here is filled with `absent`, or raises `UnknownName` where that is None.
        """
        values = np.empty((len(self.users), len(names)))
        for k, name in enumerate(names):
            values[:, k] = self.column(name) if absent is None or name in self.names else absent
        return FeatureMatrix(self.users, tuple(names), values, self.at_us)

    def beside(self, names: Sequence[str], values: Floats) -> "FeatureMatrix":
        """With further features at the end; `values`: `(n, len(names))`."""
        return FeatureMatrix(self.users, (*self.names, *names), np.hstack([self.values, values]), self.at_us)


def user_features(
    judged: ir.Table,
    settings: FoldSettings,
    at_us: int,
    *,
    facets: Iterable[Facet] = (),
    values_per_facet: int = 20,
    weights: ActionWeights = DEFAULT_WEIGHTS,
) -> FeatureMatrix:
    """The features of every user with an event not later than `at_us` (`user_tables`), and what they prefer.

    `<facet>.<level>=<value>`: share of the user's liking for the values of the facet, for the `values_per_facet` most
    liked by everybody. `<action>><action>`: share of the next actions after an action, for pairs that occur.
    Cost: some passes of the table engine; `(users, features)` float64 here.
    """
    kept: list[Any] = []

    def keep(table: ir.Table) -> ir.Table:
        kept.append(table.cache())
        return kept[-1]

    try:
        tables = user_tables(judged, settings, at_us, keep=keep)
        activity = tables.activity.order_by("user").to_pyarrow()
        users = activity["user"].to_numpy()
        blocks = [_block(users, activity, 0.0)]
        blocks.append(_block(users, tables.orders.to_pyarrow(), np.nan))
        blocks.append(_block(users, tables.breadth.to_pyarrow(), 0.0))
        blocks.append(_rhythm(users, tables.rhythm.to_pyarrow()))
        blocks.append(_transitions(users, tables.transitions.to_pyarrow()))
        for facet in facets:
            liking = preference_table(tables.tallies, facet, settings, at_us, weights).to_pyarrow()
            blocks.append(_preference(users, liking, facet, values_per_facet))
    finally:
        for table in reversed(kept):
            table.release()
    names = tuple(name for block in blocks for name in block[0])
    return FeatureMatrix(users, names, np.hstack([block[1] for block in blocks]), at_us)


Block = tuple[tuple[str, ...], Floats]


def _numbers(table: pa.Table, name: str) -> Floats:
    column: Floats = pc.fill_null(table[name].cast(pa.float64()), float("nan")).to_numpy()
    return column


def _place(users: npt.NDArray[np.int32], table: pa.Table) -> npt.NDArray[np.int64]:
    rows: npt.NDArray[np.int64] = np.searchsorted(users, table["user"].to_numpy())
    return rows


def _block(users: npt.NDArray[np.int32], table: pa.Table, absent: float) -> Block:
    names = tuple(name for name in table.column_names if name != "user")
    values = np.full((len(users), len(names)), absent)
    rows = _place(users, table)
    for k, name in enumerate(names):
        values[rows, k] = _numbers(table, name)
    if absent != absent and "orders" in names:
        values[:, names.index("orders")] = np.nan_to_num(values[:, names.index("orders")])  # none is known: 0
    return names, values


def _rhythm(users: npt.NDArray[np.int32], table: pa.Table) -> Block:
    names = ("hour.sin", "hour.cos", "weekday.sin", "weekday.cos", "weekend")
    values = np.full((len(users), len(names)), np.nan)
    rows, n = _place(users, table), _numbers(table, "hour_n")
    for k, name in enumerate(("hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "weekend")):
        values[rows, k] = _numbers(table, name) / n
    return names, values


def _transitions(users: npt.NDArray[np.int32], table: pa.Table) -> Block:
    rows, n = _place(users, table), _numbers(table, "n")
    before, after = table["before"].to_numpy().astype(int), table["after"].to_numpy().astype(int)
    from_here = np.zeros((len(users), len(ACTIONS)))
    np.add.at(from_here, (rows, before), n)
    pairs, pair = np.unique(before * len(ACTIONS) + after, return_inverse=True)
    values = np.zeros((len(users), len(pairs)))
    values[rows, pair] = n / from_here[rows, before]
    names = tuple(f"{ACTIONS[p // len(ACTIONS)]}>{ACTIONS[p % len(ACTIONS)]}" for p in pairs.tolist())
    return names, values


def _preference(users: npt.NDArray[np.int32], table: pa.Table, facet: Facet, top: int) -> Block:
    rows, liking = _place(users, table), np.maximum(_numbers(table, "weight"), 0.0)
    value = table["liked"].to_numpy()
    totals = np.bincount(value, weights=liking, minlength=len(facet.values))
    best = np.argsort(-totals, kind="stable")[:top]
    best = best[totals[best] > 0]
    column = np.full(len(facet.values), -1)
    column[best] = np.arange(len(best))
    of_user = np.bincount(rows, weights=liking, minlength=len(users))
    held = (column[value] >= 0) & (of_user[rows] > 0)
    values = np.zeros((len(users), len(best)))
    values[rows[held], column[value[held]]] = liking[held] / of_user[rows[held]]
    name = f"{facet.name}.{facet.level}" if facet.level else facet.name
    return tuple(f"{name}={facet.values[v]}" for v in best.tolist()), values
