"""Activity and value: how much, when, how regular, and where the user stands in their life with the shop."""

import numpy as np

from mien.core.clock import DAY_US, from_us
from mien.core.event import ACTION_CODE, Action
from mien.core.profile import Activity, Value
from mien.features.population import Population
from mien.features.state import State, TallyArrays
from mien.features.transitions import order_gap_days, sessions
from mien.features.windows import windows

NEW_DAYS = 30
ACTIVE_DAYS = 30
LOST_DAYS = 90
REFUND = ACTION_CODE[Action.REFUND]


def read_activity(state: State, at_us: int) -> Activity | None:
    """Counts per window, visits, hours and weekdays; None where nothing is known of the user."""
    if not state.events:
        return None
    return Activity(
        first_seen=from_us(state.first_us),
        last_seen=from_us(state.last_us),
        lifecycle=lifecycle(state, at_us),
        counts=windows(state, at_us),
        sessions=sessions(state),
        hours=tuple(state.hours),
        weekdays=tuple(state.weekdays),
    )


def lifecycle(state: State, at_us: int) -> str:
    """new, active, lapsing or lost: how long the user has been away, against their own rhythm.

    With g the mean days between the user's orders (0 with fewer than two): *new* came first within the last 30 days;
    *active* was seen within max(30, 2 g) days; *lost* not within max(90, 6 g); *lapsing* is between the two.
    """
    idle_days = (at_us - state.last_us) / DAY_US
    gap = order_gap_days(state) or 0.0
    if at_us - state.first_us <= NEW_DAYS * DAY_US:
        return "new"
    if idle_days <= max(ACTIVE_DAYS, 2 * gap):
        return "active"
    return "lapsing" if idle_days <= max(LOST_DAYS, 6 * gap) else "lost"


def read_value(state: State, tallies: TallyArrays, population: Population, at_us: int) -> Value | None:
    """Orders and money; None for who has never ordered. What was refunded is taken off the money.

    Where no order said what it cost money is unknown, not 0.
    """
    orders = len(state.orders)
    if not orders:
        return None
    refunded = float(np.abs(tallies.value[tallies.action == REFUND]).sum())
    paid = sum(value for _, value in state.orders.values())
    recency_days = (at_us - max(state.orders)) / DAY_US
    said = paid > 0 or refunded > 0
    spend = paid - refunded if said else None
    return Value(
        orders=orders,
        spend=spend,
        average_order=None if spend is None else spend / orders,
        gap_days=order_gap_days(state),
        rfm=population.rfm.score(recency_days, orders, paid) if said and population.rfm is not None else None,
    )
