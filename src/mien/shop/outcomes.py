"""What followed on what was shown: outcomes joined to impressions, for learning a ranking and for judging searches."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from mien.core.clock import HOUR_US, from_us
from mien.core.event import Action
from mien.core.impression import Impression
from mien.core.tables import JUDGED, LOGGED
from mien.ranking.shown import GAINS, Shown
from mien.shop.stock import Stock

_JOINED = """
WITH named AS (
    SELECT s.n, s.item, a.action, a.user AS who FROM acts a JOIN shown s ON a.impression_id = s.id AND a.item = s.item),
later AS (
    SELECT s.n, s.item, a.action, a.user AS who FROM acts a ASOF JOIN shown s
    ON a.person = s.person AND a.item = s.item AND a.at >= s.at
    WHERE a.at - s.at <= $window AND (a.impression_id IS NULL OR a.impression_id NOT IN (SELECT id FROM shown)))
SELECT n, item, action, min(who) AS who FROM (FROM named UNION ALL FROM later) GROUP BY ALL ORDER BY ALL
"""
"""An act belongs to the answer that it names, else to the last one of the window that showed the person the item."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An impression, and the actions that followed on each of its items (by row). `who`: whose acts named it."""

    impression: Impression
    acts: dict[int, frozenset[str]]
    who: int | None = None


def followed(stock: Stock, judged: ir.Table, impressions: Sequence[Impression]) -> list[Followed]:
    """The impressions with what followed, in their order. `judged`: the log, history and tail.

    Cost: the events since the oldest of them are read.
    """
    if not impressions:
        return []
    acts = _acts(stock, judged, min(one.at_us for one in impressions))
    person = stock.catalog.stitches()
    shown = [
        (n, one.impression_id, person.get(one.user, one.user) if one.user is not None else None, item, one.at_us)
        for n, one in enumerate(impressions)
        for item in one.items
    ]
    names, kinds = ("n", "id", "person", "item", "at"), (pa.int64(), pa.string(), pa.int64(), pa.int64(), pa.int64())
    columns = list(zip(*shown, strict=True)) or [()] * len(names)
    table = pa.table({name: pa.array(c, kind) for name, kind, c in zip(names, kinds, columns, strict=True)})
    window = int(stock.settings.impressions.window_hours * HOUR_US)
    with duckdb.connect() as con:
        con.register("acts", acts)
        con.register("shown", table)
        found = con.execute(_JOINED, {"window": window}).fetchall()
    told: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    who: dict[int, int] = {}
    for n, item, action, user in found:
        told[n][item].add(action)
        who[n] = user
    return [
        Followed(one, {item: frozenset(actions) for item, actions in told[n].items()}, who.get(n))
        for n, one in enumerate(impressions)
    ]


def _acts(stock: Stock, judged: ir.Table, since_us: int) -> pa.Table:
    """What may be an outcome, from a moment on: user, person, item, action, at (µs) and the impression it names."""
    kept = judged.filter(
        judged[JUDGED.VERDICT].isnull(),
        judged[LOGGED.ITEM].notnull(),
        judged[LOGGED.ACTION].isin([str(action) for action in GAINS]),
        judged[LOGGED.AT] >= from_us(since_us),
    )
    columns = (LOGGED.USER, LOGGED.ITEM, LOGGED.ACTION, LOGGED.AT, LOGGED.IMPRESSION_ID)
    acts = kept.select(*columns).to_pyarrow()
    person = stock.catalog.stitches()
    users = acts[LOGGED.USER].to_pylist()
    return pa.table(
        {
            "user": acts[LOGGED.USER].cast(pa.int64()),
            "person": pa.array([person.get(user, user) for user in users], pa.int64()),
            "item": acts[LOGGED.ITEM].cast(pa.int64()),
            "action": acts[LOGGED.ACTION],
            "at": acts[LOGGED.AT].cast(pa.int64()),
            "impression_id": acts[LOGGED.IMPRESSION_ID],
        }
    )


def live_answers(stock: Stock, judged: ir.Table, span: tuple[int, int], n_items: int) -> list[Shown]:
    """The kept answers to a query of `span` on which something followed, as a ranking is learnt from them.

    What the log tells of itself (events of the action impression: a page that was seen) is not told twice.
    """
    seen = judged.filter(judged[LOGGED.ACTION] == str(Action.IMPRESSION), judged[LOGGED.IMPRESSION_ID].notnull())
    known = set(seen.select(LOGGED.IMPRESSION_ID).distinct().to_pyarrow()[LOGGED.IMPRESSION_ID].to_pylist())
    kept = [
        one
        for one in stock.impressions.between(span[0] - 1, span[1] - 1)
        if one.query and one.items and one.impression_id not in known
    ]
    answers = []
    for one in followed(stock, judged, kept):
        user = one.impression.user if one.impression.user is not None else one.who
        gains = [
            max((GAINS[Action(act)] for act in one.acts.get(item, ())), default=0) for item in one.impression.items
        ]
        rows = np.array(one.impression.items, dtype=np.int32)
        held = np.flatnonzero(rows < n_items)
        if user is None or not any(gains):
            continue
        order = held[np.argsort(rows[held], kind="stable")]
        places = np.arange(len(rows), dtype=np.int64) + one.impression.first
        answers.append(
            Shown(
                user, one.impression.at_us, one.impression.query, rows[order], places[order],
                np.array(gains, dtype=np.int64)[order],
            )
        )  # fmt: skip
    return answers
