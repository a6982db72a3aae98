"""Refunds and cancellations, each paired with the purchase that it takes back.

A refund belongs to the nearest earlier purchase of the same user, item and quantity that no other refund has taken,
as a closing bracket belongs to the nearest open one. The pairs inform the report and `pair_refunds` tables; the
judgement of an event does not depend on them, so that the live path judges as the batch does.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from mien.core.event import Action
from mien.core.tables import JUDGED, LOGGED

PAIRS = ("user", "item", "quantity", "refund_id", "refund_at", "purchase_id", "purchase_at")
"""The columns of `pair_refunds`; `purchase_id` and `purchase_at` are null where no purchase was found."""


@dataclass(frozen=True, slots=True)
class RefundCounts:
    """How many refunds found their purchase, and how many did not."""

    paired: int
    unpaired: int


def pair_refunds(judged: ir.Table) -> ir.Table:
    """One row a kept refund, with its purchase if there is one; columns `PAIRS`.

    `judged`: schema JUDGED_LOG, where a purchase of a negative quantity is a refund already. Walking a series (user,
    item, quantity) in time, a purchase climbs one level and a refund steps down from one; the refund's purchase is
    the last one that climbed to its level. Only window functions: any engine. Cost: two sorts of what was bought.
    """
    moved = judged.filter(
        judged[JUDGED.VERDICT].isnull(),
        judged[LOGGED.ACTION].isin([str(Action.PURCHASE), str(Action.REFUND)]),
        judged[LOGGED.ITEM].notnull(),
    )
    step = ibis.ifelse(moved[LOGGED.ACTION] == Action.REFUND, -1, 1).cast("int64")
    moved = moved.select(LOGGED.USER, LOGGED.ITEM, LOGGED.QUANTITY, LOGGED.AT, LOGGED.EVENT_ID, step=step)
    series = [moved[name] for name in (LOGGED.USER, LOGGED.ITEM, LOGGED.QUANTITY)]
    walk = ibis.window(group_by=series, order_by=_in_time(moved), preceding=None, following=0)
    height = moved.step.sum().over(walk)
    moved = moved.mutate(level=ibis.ifelse(moved.step < 0, height + 1, height))
    series = [moved[name] for name in (LOGGED.USER, LOGGED.ITEM, LOGGED.QUANTITY, "level")]
    within = ibis.window(group_by=series, order_by=_in_time(moved))
    moved = moved.mutate(
        before_step=moved.step.lag().over(within),
        before_id=moved[LOGGED.EVENT_ID].lag().over(within),
        before_at=moved[LOGGED.AT].lag().over(within),
    )
    refunds = moved.filter(moved.step < 0)
    found = (refunds.before_step == 1).fill_null(False)
    return refunds.select(
        LOGGED.USER,
        LOGGED.ITEM,
        LOGGED.QUANTITY,
        refund_id=refunds[LOGGED.EVENT_ID],
        refund_at=refunds[LOGGED.AT],
        purchase_id=ibis.ifelse(found, refunds.before_id, ibis.null("string")),
        purchase_at=ibis.ifelse(found, refunds.before_at, ibis.null("timestamp('UTC', 6)")),
    )


def count_refunds(judged: ir.Table) -> RefundCounts:
    """How many refunds `pair_refunds` pairs. Cost: as that."""
    pairs = pair_refunds(judged)
    found = pairs.agg(n=pairs.count(), paired=pairs.purchase_id.count()).to_pyarrow().to_pylist()[0]
    return RefundCounts(int(found["paired"]), int(found["n"] - found["paired"]))


def _in_time(table: ir.Table) -> list[ir.Value]:
    """At one instant purchases come first: a basket may be bought and cancelled in one line each."""
    return [table[LOGGED.AT], table.step.desc(), table[LOGGED.EVENT_ID]]
