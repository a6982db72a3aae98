"""Numbers not said: what stands in for them, fitted on the log, or read off the user's own time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mien.core.ids import NO_ITEM
from mien.core.tables import LOGGED
from mien.prepare.judgement import Fill
from mien.prepare.policy import OVER_TIME, MissingPolicy
from mien.prepare.spread import Histogram

Rows = npt.NDArray[np.int64]


def fill_over_time(table: ir.Table, column: str, how: str, series: Sequence[str]) -> ir.Table:
    """`column` with its nulls filled along time within each series, where `how` is forward or linear.

    forward: the newest earlier number. linear: on the straight line between the neighbours, and forward after the
    last one. Nulls before the first number stay. Order: `at`, then `event_id`; only window functions, so any engine.
    """
    if how not in OVER_TIME:
        return table
    table = _neighbours(table, column, series, "before")
    number, before = table[column], table[_part(column, "before")]
    if how == "forward":
        return table.mutate(**{column: ibis.coalesce(number, before)}).select(*_without(table, column))
    table = _neighbours(table, column, series, "after")
    number, before, after = table[column], table[_part(column, "before")], table[_part(column, "after")]
    came, goes = table[_part(column, "before_s")], table[_part(column, "after_s")]
    now_s = table[LOGGED.AT].epoch_seconds().cast("float64")
    share = ibis.ifelse(goes > came, (now_s - came) / (goes - came).nullif(0.0), ibis.literal(0.0, "float64"))
    line = ibis.coalesce(before + (after - before) * share, before)
    return table.mutate(**{column: ibis.coalesce(number, line)}).select(*_without(table, column))


def _neighbours(table: ir.Table, column: str, series: Sequence[str], side: str) -> ir.Table:
    """The number said before (or after) each row of its series, and its time in seconds.

    A running count of the numbers said is the same for a number and for the nulls that follow it.
    """
    said = table[column].notnull()
    order = [table[name] if side == "before" else table[name].desc() for name in (LOGGED.AT, LOGGED.EVENT_ID)]
    window = ibis.window(group_by=[table[name] for name in series], order_by=order, preceding=None, following=0)
    run = _part(column, f"{side}_run")
    table = table.mutate(
        **{
            run: said.cast("int64").sum().over(window),
            _part(column, f"{side}_s"): ibis.ifelse(
                said, table[LOGGED.AT].epoch_seconds().cast("float64"), ibis.null("float64")
            ),
        }
    )
    within = ibis.window(group_by=[table[name] for name in (*series, run)])
    return table.mutate(
        **{
            _part(column, side): table[column].max().over(within),
            _part(column, f"{side}_s"): table[_part(column, f"{side}_s")].max().over(within),
        }
    )


def _part(column: str, what: str) -> str:
    return f"{column}_{what}"


def _without(table: ir.Table, column: str) -> list[str]:
    sides = ("before", "after")
    parts = {_part(column, f"{side}{part}") for side in sides for part in ("", "_s", "_run")}
    return [name for name in table.columns if name not in parts]


@dataclass(frozen=True, slots=True)
class Said:
    """How often (`n`) each `action` said each `number` of each `item` (`NO_ITEM`: of none, or of any); all `(k,)`."""

    action: npt.NDArray[np.object_]
    item: npt.NDArray[np.int32]
    number: npt.NDArray[np.float64]
    n: npt.NDArray[np.int64]


def fit_fills(
    said: Said, column: str, policy: MissingPolicy, category_of: Mapping[int, str] | None = None
) -> tuple[Fill, ...]:
    """The fills of a column: one an action, and one an item where the policy asks for it.

    `category_of`: item row → category, for `by = "category"`: its answer is resolved to items here, so that the live
    path needs no catalogue.
    """
    if policy.how == "constant":
        if policy.constant is None:
            return ()
        return tuple(Fill(column, str(action), policy.constant) for action in policy.actions)
    if policy.how not in ("median", "mode"):
        return ()

    def middle(rows: Rows) -> float:
        histogram = Histogram.of(said.number[rows], said.n[rows])
        return float(f"{histogram.mode() if policy.how == 'mode' else histogram.quantile(0.5):.6g}")

    fills = []
    concerned = np.flatnonzero(np.isin(said.action, [str(action) for action in policy.actions]))
    for name, rows in _groups(said.action, concerned):
        fills.append(Fill(column, name, middle(rows)))
        if policy.by == "item":
            fills += [Fill(column, name, middle(k), int(row)) for row, k in _groups(said.item, rows) if row != NO_ITEM]
        elif policy.by == "category":
            fills += _category_fills(column, name, said.item, rows, middle, category_of or {})
    return tuple(fills)


def _category_fills(
    column: str,
    action: str,
    item: npt.NDArray[np.int32],
    rows: Rows,
    middle: Callable[[Rows], float],
    category_of: Mapping[int, str],
) -> list[Fill]:
    """One fill for every item of a category that has numbers, those items included that have none themselves."""
    category = np.asarray([category_of.get(int(row), "") for row in item], dtype=object)
    middles = {name: middle(k) for name, k in _groups(category, rows) if name}
    return [Fill(column, action, middles[name], row) for row, name in sorted(category_of.items()) if name in middles]


def _groups(keys: npt.NDArray[Any], rows: Rows) -> list[tuple[Any, Rows]]:
    """The distinct keys of these rows, ascending, each with its rows."""
    if not len(rows):
        return []
    names, place = np.unique(keys[rows], return_inverse=True)
    order = np.argsort(place, kind="stable")
    return list(zip(names, np.split(rows[order], np.flatnonzero(np.diff(place[order])) + 1), strict=True))
