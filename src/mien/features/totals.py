"""What everybody did, added up: small tables that a population snapshot is fitted from."""

from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.features.decay import weight_expr
from mien.features.state import FoldSettings
from mien.features.tables import all_transitions, moments, placed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ItemTotals:
    """One row an (item, action), item −1 for none: events, users, forward-decayed counts, pieces and money of all."""

    item: npt.NDArray[np.int32]
    action: npt.NDArray[np.int8]
    n: Ints
    users: Ints
    fast: Floats
    slow: Floats
    quantity: Floats
    value: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """`actions`: `(n_actions,)` events; `transitions`: `(n_actions, n_actions)`, from row to column; `buyers`:
    `(n_buyers, 3)` last order in µs, orders, money."""

    users: int
    items: ItemTotals
    actions: Ints
    transitions: Ints
    buyers: Floats


def gather(judged: ir.Table, settings: FoldSettings, *, dialect: str | None = None) -> Totals:
    """Run the aggregates over all events. Cost: some passes, one sorted by user; memory goes with items and buyers."""
    expressions = total_tables(judged, settings, dialect=dialect)
    items, transitions, buyers, users = (expression.to_pyarrow() for expression in expressions.values())
    totals = ItemTotals(
        _column(items, "item", np.int32),
        _column(items, "action", np.int8),
        _column(items, "n", np.int64),
        _column(items, "users", np.int64),
        *(_column(items, name, np.float64) for name in ("fast", "slow", "quantity", "value")),
    )
    order = np.lexsort((totals.action, totals.item))
    totals = ItemTotals(*(getattr(totals, name)[order] for name in ItemTotals.__slots__))
    n_actions = len(ACTIONS)
    matrix = np.zeros((n_actions, n_actions), dtype=np.int64)
    matrix[_column(transitions, "before", np.int64), _column(transitions, "after", np.int64)] = _column(
        transitions, "n", np.int64
    )
    ordered = np.stack([_column(buyers, name, np.float64) for name in ("last_us", "orders", "spend")], axis=1)
    return Totals(
        users=int(users["users"][0].as_py()),
        items=totals,
        actions=np.bincount(totals.action, weights=totals.n, minlength=n_actions).astype(np.int64),
        transitions=matrix,
        buyers=ordered,
    )


def total_tables(judged: ir.Table, settings: FoldSettings, *, dialect: str | None = None) -> dict[str, ir.Table]:
    """The aggregates as expressions: items, transitions, buyers, users."""
    m = moments(judged, dialect=dialect)
    items = m.group_by(m.item, m.action).aggregate(
        n=m.count(),
        users=m.user.nunique(),
        fast=weight_expr(m.at_us, settings.fast_days).sum(),
        slow=weight_expr(m.at_us, settings.slow_days).sum(),
        quantity=m.quantity.sum(),
        value=m.value.sum(),
    )
    bought = m.filter(m.action == ACTION_CODE[Action.PURCHASE])
    buyers = bought.group_by(bought.user).aggregate(
        last_us=bought.at_us.max(), orders=bought.at_us.nunique(), spend=bought.value.sum()
    )
    return {
        "items": items,
        "transitions": all_transitions(placed(m)),
        "buyers": buyers.select("last_us", "orders", "spend"),
        "users": m.aggregate(users=m.user.nunique()),
    }


def _column(table: pa.Table, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
    column: npt.NDArray[Any] = table[name].to_numpy().astype(kind)
    return column
