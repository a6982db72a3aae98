"""Features of users as of a moment, as table expressions: one row a user, or one a user and key."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.core.item import Facet
from mien.core.tables import LOGGED
from mien.features.decay import weight
from mien.features.engine import micros
from mien.features.state import PASSIVE, FoldSettings
from mien.features.tables import all_transitions, moments, parts_of, placed, span_of
from mien.features.weights import DEFAULT_WEIGHTS, ActionWeights
from mien.features.windows import WINDOWS

PURCHASE = ACTION_CODE[Action.PURCHASE]


@dataclass(frozen=True, slots=True)
class UserTables:
    """Each a lazy table with `user` first. Columns are the features, named as they appear in a feature matrix.

    activity: `<action>.<window>` counts, `events.<window>`, `spend.<window>`, active_days, recency_days, tenure_days ·
    orders: orders, average_order, order_recency_days, gap_days · rhythm: n and the sums of the sines and cosines of
    hour and weekday · breadth: items · transitions: before, after, n · tallies: as in `FoldTables`.
    """

    activity: ir.Table
    orders: ir.Table
    rhythm: ir.Table
    breadth: ir.Table
    transitions: ir.Table
    tallies: ir.Table


def user_tables(
    judged: ir.Table,
    settings: FoldSettings,
    at_us: int,
    *,
    span: tuple[int, int] | None = None,
    dialect: str | None = None,
    keep: Callable[[ir.Table], ir.Table] = lambda table: table,
) -> UserTables:
    """The features of every user with an event not later than `at_us`; nothing after it is looked at.

    `span`, `dialect`, `keep`: as in `fold_tables`.
    """
    held = until(judged, at_us, dialect=dialect)
    m = moments(held, dialect=dialect)
    p = keep(placed(m))
    parts = parts_of(m, p, settings, span_of(held) if span is None else span)
    return UserTables(
        activity=_activity(parts.days, parts.tallies, settings, at_us),
        orders=_orders(parts.orders, at_us),
        rhythm=_rhythm(parts.hours, parts.days),
        breadth=_breadth(parts.tallies),
        transitions=all_transitions(p, "user"),
        tallies=parts.tallies,
    )


def until(judged: ir.Table, at_us: int, *, dialect: str | None = None) -> ir.Table:
    """The events not later than `at_us`: what "as of" means everywhere."""
    name = dialect or judged.get_backend().name
    return judged.filter(micros(judged[LOGGED.AT], name) <= at_us)


def _activity(days: ir.Table, tallies: ir.Table, settings: FoldSettings, at_us: int) -> ir.Table:
    today = settings.shifts.day(at_us)
    sums: dict[str, ir.Value] = {}
    for window, length in WINDOWS.items():
        inside = ibis.literal(True) if length is None else days.day > today - length
        sums[f"events.{window}"] = ibis.ifelse(inside, days.n, 0).sum()
        sums[f"spend.{window}"] = ibis.ifelse(inside & (days.action == PURCHASE), days.value, 0.0).sum()
        for code, action in enumerate(ACTIONS):
            sums[f"{action}.{window}"] = ibis.ifelse(inside & (days.action == code), days.n, 0).sum()
    by_day = days.group_by(days.user).aggregate(active_days=days.day.nunique(), **sums)
    seen = tallies.group_by(tallies.user).aggregate(first_us=tallies.first_us.min(), last_us=tallies.last_us.max())
    seen = seen.select(
        seen.user,
        recency_days=(at_us - seen.last_us).cast("float64") / DAY_US,
        tenure_days=(at_us - seen.first_us).cast("float64") / DAY_US,
    )
    return by_day.join(seen, "user")


def _orders(orders: ir.Table, at_us: int) -> ir.Table:
    o = orders.group_by(orders.user).aggregate(
        orders=orders.count(), spend=orders.value.sum(), first=orders.at_us.min(), last=orders.at_us.max()
    )
    between = (o.last - o.first).cast("float64") / DAY_US
    return o.select(
        o.user,
        o.orders,
        average_order=o.spend / o.orders,
        order_recency_days=(at_us - o.last).cast("float64") / DAY_US,
        gap_days=ibis.ifelse(o.orders > 1, between / ibis.greatest(o.orders - 1, 1), ibis.null("float64")),
    )


def _rhythm(hours: ir.Table, days: ir.Table) -> ir.Table:
    """Sums over events of the clock hand as sine and cosine: an average that knows that 23 h is next to 0 h."""
    turn = hours.hour.cast("float64") * (2 * np.pi / 24)
    by_hour = hours.group_by(hours.user).aggregate(
        hour_n=hours.n.sum(), hour_sin=(turn.sin() * hours.n).sum(), hour_cos=(turn.cos() * hours.n).sum()
    )
    d = days.filter(~days.action.isin(sorted(PASSIVE)))
    weekday = (((d.day.cast("int64") + 3) % 7) + 7) % 7
    turn = weekday.cast("float64") * (2 * np.pi / 7)
    by_day = d.group_by(d.user).aggregate(
        weekday_sin=(turn.sin() * d.n).sum(),
        weekday_cos=(turn.cos() * d.n).sum(),
        weekend=ibis.ifelse(weekday >= 5, d.n, 0).sum(),
    )
    return by_hour.join(by_day, "user")


def _breadth(tallies: ir.Table) -> ir.Table:
    named = tallies.filter(tallies.item >= 0)
    return named.group_by(named.user).aggregate(items=named.item.nunique())


def preference_table(
    tallies: ir.Table,
    facet: Facet,
    settings: FoldSettings,
    at_us: int,
    weights: ActionWeights = DEFAULT_WEIGHTS,
) -> ir.Table:
    """user, liked (index into `facet.values`), weight: the user's decayed, weighted acts on items of that value.

    `tallies` as in `FoldTables`. Weights may be negative where more was taken back than done.
    """
    rows = np.flatnonzero(facet.codes >= 0).astype(np.int32)
    held = ibis.memtable(pa.table({"item": rows, "liked": facet.codes[rows]}))
    t = tallies.join(held, "item")
    counted = [(t.action == code, float(w)) for code, w in enumerate(weights.array) if w]
    per_act = ibis.cases(*counted, else_=0.0) / weight(at_us, settings.slow_days)
    return t.group_by(t.user, t.liked).aggregate(weight=(t.slow * per_act).sum())
