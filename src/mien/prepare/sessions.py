"""Sessions: a user's events without a pause of 30 minutes between them; as a table, and live."""

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from mien.core.clock import SECOND_US
from mien.core.tables import LOGGED

GAP_S = 1_800
"""A pause of this many seconds or more ends a session (the rule of web analytics since its beginning)."""
SESSION = "session"
"""The column added: the number of the session among its user's, from 0 on."""


def with_sessions(log: ir.Table, gap_s: int = GAP_S) -> ir.Table:
    """The log with `session` int64. Only window functions: any engine. Cost: one sort by user and time."""
    order = [log[LOGGED.AT], log[LOGGED.EVENT_ID]]
    previous = log[LOGGED.AT].lag().over(ibis.window(group_by=log[LOGGED.USER], order_by=order))
    log = log.mutate(session_starts=(log[LOGGED.AT] >= previous + ibis.interval(seconds=gap_s)).fill_null(False))
    order = [log[LOGGED.AT], log[LOGGED.EVENT_ID]]
    upto = ibis.window(group_by=log[LOGGED.USER], order_by=order, preceding=None, following=0)
    return log.mutate(**{SESSION: log.session_starts.cast("int64").sum().over(upto)}).drop("session_starts")


def starts_session(previous_us: int | None, at_us: int, gap_s: int = GAP_S) -> bool:
    """Whether an event at `at_us` begins a session, after the same user's previous one (None: it is the first)."""
    return previous_us is None or at_us - previous_us >= gap_s * SECOND_US


def session_numbers(times_us: Iterable[int], gap_s: int = GAP_S) -> list[int]:
    """The session of each event of one user, given their times ascending, as `with_sessions` numbers them."""
    numbers: list[int] = []
    previous: int | None = None
    for at_us in times_us:
        started = starts_session(previous, at_us, gap_s)
        numbers.append(0 if previous is None else numbers[-1] + started)
        previous = at_us
    return numbers
