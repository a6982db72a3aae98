"""The fold as table expressions: the same definitions as `fold`, for all users at once, on any engine.

Portable Ibis only: bound columns, no ordered collect, ties broken by the full order of a `Moment`. Every table has
one row per user and key; `assemble` turns them into states.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from mien.core.clock import DAY_US, HOUR_US, ZoneShifts
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import NO_ITEM
from mien.core.tables import JUDGED, LOGGED
from mien.features.decay import weight_expr
from mien.features.engine import micros
from mien.features.state import PASSIVE, FoldSettings


@dataclass(frozen=True, slots=True)
class FoldTables:
    """Each a lazy table; `user int32` comes first everywhere, actions are codes, times µs.

    tallies: item, action, n, fast, slow, quantity, value, first_us, last_us, newest · days: day, action, n, quantity,
    value · hours: hour, n · orders: at_us, n, value · recent: at_us, action, item, event_id, pos (0 = newest) ·
    pairs, inside the prefix: before, after, n · prefix: sessions · lasts: at_us, event_id, action, item (the newest
    of the prefix) · queries, texts: at_us, event_id, written.
    """

    tallies: ir.Table
    days: ir.Table
    hours: ir.Table
    orders: ir.Table
    recent: ir.Table
    pairs: ir.Table
    prefix: ir.Table
    lasts: ir.Table
    queries: ir.Table
    texts: ir.Table


def span_of(judged: ir.Table) -> tuple[int, int]:
    """First and last µs of the events; (0, 0) without any. Cost: one pass over one column."""
    at_us = micros(judged[LOGGED.AT], judged.get_backend().name)
    row = judged.aggregate(first=at_us.min(), last=at_us.max()).to_pyarrow().to_pylist()[0]
    return (row["first"] or 0, row["last"] or 0)


def local_us(at_us: ir.IntegerValue, shifts: ZoneShifts, span: tuple[int, int]) -> ir.IntegerValue:
    """The shop's wall clock in µs; `span`: between which times the events lie (fewer shifts to compare with)."""
    first, last = span
    held = [k for k, start in enumerate(shifts.starts_us) if first < start <= last]
    before = held[0] - 1 if held else sum(start <= first for start in shifts.starts_us) - 1
    offset = shifts.offsets_us[max(0, before)]
    if not held:
        return at_us + offset
    cases = [(at_us >= shifts.starts_us[k], ibis.literal(shifts.offsets_us[k], "int64")) for k in reversed(held)]
    return at_us + ibis.cases(*cases, else_=ibis.literal(offset, "int64"))


def moments(judged: ir.Table, *, dialect: str | None = None) -> ir.Table:
    """Judged events in the numbers of the fold: what has a verdict is left out, actions become codes.

    `judged`: columns of the log, and `verdict` where it was judged. `dialect`: Ibis's name of the engine, found by
    itself where the table is bound to one.
    """
    t = judged
    if JUDGED.VERDICT in t.columns:
        t = t.filter(t[JUDGED.VERDICT].isnull())
    name = dialect or t.get_backend().name
    codes = [(t[LOGGED.ACTION] == str(action), ACTION_CODE[action]) for action in Action]
    return t.select(
        user=t[LOGGED.USER].cast("int32"),
        event_id=t[LOGGED.EVENT_ID],
        action=ibis.cases(*codes, else_=-1).cast("int16"),
        item=t[LOGGED.ITEM].cast("int32").fill_null(int(NO_ITEM)),
        at_us=micros(t[LOGGED.AT], name).cast("int64"),
        value=t[LOGGED.VALUE].cast("float64").fill_null(0.0),
        quantity=t[LOGGED.QUANTITY].cast("float64").fill_null(1.0),
        query=t[LOGGED.QUERY],
        text=t[LOGGED.TEXT],
    )


def placed(m: ir.Table) -> ir.Table:
    """Moments in their place: `pos` counts back from the user's newest (0), `before`, `before_us` are the event before.

    Passive events are placed among themselves, so that the order of what the user did is not broken by them.
    """
    newest_first = ibis.window(
        group_by=[m.user, _passive(m)], order_by=[m.at_us.desc(), m.event_id.desc(), m.action.desc(), m.item.desc()]
    )
    return m.select(
        m.user,
        m.event_id,
        m.action,
        m.item,
        m.at_us,
        m.value,
        m.quantity,
        pos=ibis.row_number().over(newest_first).cast("int64"),
        before=m.action.lead().over(newest_first),
        before_us=m.at_us.lead().over(newest_first),
    )


def _passive(m: ir.Table) -> ir.BooleanValue:
    return m.action.isin(sorted(PASSIVE))


def fold_tables(
    judged: ir.Table,
    settings: FoldSettings,
    *,
    span: tuple[int, int] | None = None,
    dialect: str | None = None,
    keep: Callable[[ir.Table], ir.Table] = lambda table: table,
) -> FoldTables:
    """All parts of the state of every user in `judged`.

    `span`: a range of µs that holds all events; asked of the engine where not given. `keep`: what to do with
    the sorted table nearly everything else reads, `lambda table: table.cache()` to compute it once.
    """
    if span is None:
        span = span_of(judged)
    m = moments(judged, dialect=dialect)
    return parts_of(m, keep(placed(m)), settings, span)


def parts_of(m: ir.Table, p: ir.Table, settings: FoldSettings, span: tuple[int, int]) -> FoldTables:
    """All parts of the states from `moments` and `placed` moments."""
    done = p.filter(~_passive(p))
    early = done.filter(done.pos >= settings.recent)
    return FoldTables(
        tallies=_tallies(p, settings),
        days=_days(p, settings, span),
        hours=_hours(done, settings, span),
        orders=_orders(p),
        recent=done.filter(done.pos < settings.recent).select("user", "at_us", "action", "item", "event_id", "pos"),
        pairs=_pairs(early),
        prefix=_prefix(early, settings),
        lasts=done.filter(done.pos == settings.recent).select("user", "at_us", "event_id", "action", "item"),
        queries=_written(m, m.query, settings.queries, settings.text_length),
        texts=_written(m, m.text, settings.texts, settings.text_length),
    )


def all_transitions(p: ir.Table, *keys: str) -> ir.Table:
    """`keys`, before, after, n: how often what the users did was followed by what, from `placed` moments."""
    followed = p.filter(p.before.notnull() & ~_passive(p))
    by = [followed[key] for key in keys]
    return followed.group_by(*by, followed.before, after=followed.action).aggregate(n=followed.count())


def _tallies(p: ir.Table, settings: FoldSettings) -> ir.Table:
    return p.group_by(p.user, p.item, p.action).aggregate(
        n=p.count(),
        fast=weight_expr(p.at_us, settings.fast_days).sum(),
        slow=weight_expr(p.at_us, settings.slow_days).sum(),
        quantity=p.quantity.sum(),
        value=p.value.sum(),
        first_us=p.at_us.min(),
        last_us=p.at_us.max(),
        newest=p.event_id.argmin(p.pos),
    )


def _days(p: ir.Table, settings: FoldSettings, span: tuple[int, int]) -> ir.Table:
    day = (local_us(p.at_us, settings.shifts, span) // DAY_US).cast("int32").name("day")
    return p.group_by(p.user, day, p.action).aggregate(n=p.count(), quantity=p.quantity.sum(), value=p.value.sum())


def _hours(done: ir.Table, settings: FoldSettings, span: tuple[int, int]) -> ir.Table:
    hours = local_us(done.at_us, settings.shifts, span) // HOUR_US
    hour = (((hours % 24) + 24) % 24).cast("int16").name("hour")  # engines differ in the sign before 1970
    return done.group_by(done.user, hour).aggregate(n=done.count())


def _orders(p: ir.Table) -> ir.Table:
    bought = p.filter(p.action == ACTION_CODE[Action.PURCHASE])
    return bought.group_by(bought.user, bought.at_us).aggregate(n=bought.count(), value=bought.value.sum())


def _pairs(early: ir.Table) -> ir.Table:
    followed = early.filter(early.before.notnull())
    return followed.group_by(followed.user, followed.before, after=followed.action).aggregate(n=followed.count())


def _prefix(early: ir.Table, settings: FoldSettings) -> ir.Table:
    begins = early.before_us.isnull() | ((early.at_us - early.before_us) >= settings.session_gap_us)
    return early.group_by(early.user).aggregate(sessions=ibis.ifelse(begins, 1, 0).sum())


def _written(m: ir.Table, words: ir.StringValue, limit: int, length: int) -> ir.Table:
    w = m.filter(words.notnull() & (words != "")).select(m.user, m.at_us, m.event_id, written=words.substr(0, length))
    newest_first = ibis.window(group_by=w.user, order_by=[w.at_us.desc(), w.event_id.desc(), w.written.desc()])
    ranked = w.mutate(pos=ibis.row_number().over(newest_first))
    return ranked.filter(ranked.pos < limit)
