"""What cleaning learns from a log: its bounds, its fills and its bots.

Never give it events after the training window.
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np

from mien.core.event import Action
from mien.core.ids import NO_ITEM
from mien.core.tables import LOGGED
from mien.prepare.judge import NEW_ACTION, SCREEN, new_column, screened
from mien.prepare.judgement import Bound, Fill, Judgement
from mien.prepare.missing import Said, fit_fills
from mien.prepare.policy import MONEY, BotPolicy, CleanPolicy, OutlierPolicy
from mien.prepare.rules import NUMBERS
from mien.prepare.spread import Histogram, allowed_range, robust_spread

NOT_DONE_BY_HAND = (Action.PURCHASE, Action.REFUND, Action.IMPRESSION)
"""Actions that tell no bot from a shopper: programs rarely pay, and impressions are the shop's own doing."""


SAMPLED_USERS = 20_000
"""How many users at most tell how busy users are; the bots themselves are sought among all."""


def fit_judgement(
    log: ir.Table,
    policy: CleanPolicy | None = None,
    *,
    now_us: int | None = None,
    category_of: Mapping[int, str] | None = None,
) -> Judgement:
    """Fit bounds, fills and bots on a log (schema LOG); rows that get a verdict teach nothing.

    `category_of`: item row → category, where a missing policy says `by = "category"`. Only counts leave the engine
    (per action and distinct number, per user for bots). Cost: one grouped pass a column, and one
    to three for bots.
    """
    policy = policy or CleanPolicy()
    usable = screened(log, policy, now_us)
    usable = usable.filter(usable[SCREEN].isnull())
    bounds: list[Bound] = []
    fills: list[Fill] = []
    for column in NUMBERS:
        counted = _counted(usable, column, by_item=policy.missing(column).by != "action")
        fills += fit_fills(counted, column, policy.missing(column), category_of)
        bounds += _fit_bounds(counted, column, policy.outliers(column))
    per_day, users = _fit_bots(usable, policy.bots)
    return Judgement(policy, tuple(bounds), tuple(fills), per_day, users)


def _counted(usable: ir.Table, column: str, *, by_item: bool) -> Said:
    """How often each action said each number, of each item where that is asked for."""
    number = usable[new_column(column)]
    item = usable[LOGGED.ITEM].fill_null(NO_ITEM) if by_item else ibis.literal(NO_ITEM, "int32")
    rows = usable.select(action=usable[NEW_ACTION], item=item, number=number)
    rows = rows.filter(rows.number.notnull())
    found = rows.group_by(["action", "item", "number"]).agg(n=rows.count()).to_pyarrow()
    action = np.asarray(found["action"].to_pylist(), dtype=object)
    return Said(action, found["item"].to_numpy(), found["number"].to_numpy(), found["n"].to_numpy())


def _fit_bounds(said: Said, column: str, policy: OutlierPolicy) -> list[Bound]:
    """Purchases and refunds share a bound: what went out comes back, and a bounded order taken back leaves nothing."""
    if policy.method == "none":
        return []
    actions = np.where(said.action == Action.REFUND, str(Action.PURCHASE), said.action)
    bounds = []
    for action in sorted(set(actions)):
        numbers = Histogram.of(said.number[actions == action], said.n[actions == action])
        low, high = allowed_range(numbers, policy)
        if low is not None or high is not None:
            sharing = MONEY if action == Action.PURCHASE else (action,)
            bounds += [Bound(column, str(name), low, high, len(numbers)) for name in sharing]
    return bounds


def _fit_bots(usable: ir.Table, policy: BotPolicy) -> tuple[float | None, tuple[int, ...]]:
    """Users whose events per active day lie far above the others', nearly all of them one action.

    Distance is measured on logarithms, as activity spreads by factors; the median user and the robust deviation are
    taken over users, of whom every k-th is asked where there are many. Nothing is fitted where nobody is busy and
    monotonous enough to come into question.
    """
    if policy.action == "keep":
        return None, ()
    done = usable.filter(~usable[LOGGED.ACTION].isin([str(action) for action in NOT_DONE_BY_HAND]))
    actions = done.group_by([LOGGED.USER, LOGGED.ACTION]).agg(n=done.count())
    users = actions.group_by(LOGGED.USER).agg(n=actions.n.sum(), top=actions.n.max())
    suspect = (users.n > policy.min_per_day) & (users.top >= policy.min_share * users.n)
    seen = users.agg(newest=users[LOGGED.USER].max(), suspects=suspect.sum()).to_pyarrow().to_pylist()[0]
    if not seen["suspects"]:
        return None, ()
    sampled = done.filter(done[LOGGED.USER] % -(-(seen["newest"] + 1) // SAMPLED_USERS) == 0)
    limit = max(policy.min_per_day, _usual_rate(sampled, policy.threshold))
    busy = _rates(done.semi_join(users.filter(suspect).select(LOGGED.USER), LOGGED.USER))
    found = busy.filter(busy.rate > limit)[LOGGED.USER].to_pyarrow().to_pylist()
    return limit, tuple(sorted(int(user) for user in found))


def _usual_rate(done: ir.Table, threshold: float) -> float:
    """The events per active day that lie `threshold` robust deviations (of logarithms) above the median user."""
    rates = _rates(done)
    counted = rates.group_by(rate=rates.rate.round(1)).agg(n=rates.count()).to_pyarrow()
    if counted.num_rows == 0:
        return 0.0
    centre, spread = robust_spread(Histogram.of(np.log(counted["rate"].to_numpy()), counted["n"].to_numpy()))
    return float(f"{np.exp(centre + threshold * spread):.6g}")


def _rates(done: ir.Table) -> ir.Table:
    """Per user: events per day (UTC) with any, 1 or more."""
    day = done[LOGGED.AT].epoch_seconds() // 86_400
    days = done.group_by(LOGGED.USER).agg(n=done.count(), days=day.nunique())
    return days.select(LOGGED.USER, rate=days.n / days.days)
