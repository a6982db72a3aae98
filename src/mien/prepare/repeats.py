"""Exact repeats: rows that say the same in every column but the id.

They are counted, and kept unless the policy says otherwise: two equal lines of an invoice are two sales as often as
they are a mistake. What the policy drops is told from the id alone (`rules.REPEATED_ID`), which collecting gives to
the second and later equal rows of one file; rows that bear ids of their own are different by their source's word.
"""

import ibis
import ibis.expr.types as ir

from mien.core.tables import LOG, LOGGED

CONTENT = tuple(name for name in LOG.names if name not in (LOGGED.EVENT_ID, LOGGED.FINGERPRINT))
"""The columns that two equal rows share."""


def exact_repeats(log: ir.Table) -> ir.Table:
    """The rows that repeat another one in all but their id, the one of the smallest id excepted. Cost: one sort."""
    within = ibis.window(group_by=[log[name] for name in CONTENT], order_by=log[LOGGED.EVENT_ID])
    numbered = log.mutate(nth=ibis.row_number().over(within))
    return numbered.filter(numbered.nth > 0).drop("nth")
