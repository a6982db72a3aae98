"""Legal holds: what somebody bought outlives their erasure for a stated time, as purchases of nobody.

What is kept of a purchase or refund is its time, item, pieces and money, in a Parquet file of `held/` that no profile,
model or count reads. The file's name bears the day it ends on; a sweep removes it then.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.core.clock import from_us, parse_time, to_us
from mien.core.errors import UsageError
from mien.core.event import Action
from mien.core.tables import EVENT, LOGGED
from mien.shop.stock import Stock
from mien.stores.durable import whole
from mien.stores.holds import Hold
from mien.stores.letters import words_of

KEPT = (LOGGED.AT, LOGGED.ACTION, LOGGED.QUANTITY, LOGGED.VALUE)
REASON_LENGTH = 500


def hold(stock: Stock, row: int, until: datetime, reason: str, now_us: int) -> dict[str, Any]:
    """Hold what a person bought, under all their ids. Raises `UsageError` for a past day or no reason."""
    if to_us(until) <= now_us:
        raise UsageError("A hold ends in the future; {until} is past.", until=until.date())
    if not reason.strip() or len(reason) > REASON_LENGTH:
        raise UsageError("Say why, in up to {reason_length} characters, naming nobody.", reason_length=REASON_LENGTH)
    for one in stock.persons(row):
        stock.catalog.holds.put(one, to_us(until), reason.strip())
    return {"until": until.isoformat(), "reason": reason.strip()}


def release(stock: Stock, row: int) -> bool:
    """End the hold on a person; whether there was one."""
    ended = [stock.catalog.holds.release(one) for one in stock.persons(row)]
    return True in ended


def detach(stock: Stock, rows: Sequence[int], now_us: int) -> int:
    """Keep the purchases of rows on hold as nobody's, before these are erased; how many. Twice is once."""
    digests = {stock.catalog.users.digest(row) for row in rows}
    kept = 0
    for one, whose in _held_rows(stock, rows):
        path = stock.workspace.held / f"{from_us(one.until_us):%Y%m%dT%H%M%SZ}.{one.name}.parquet"
        if one.until_us <= now_us or path.exists():
            continue
        bought = pa.concat_tables([_bought(stock, row) for row in whose])
        named = any(stock.catalog.vault.digest(word) in digests for word in words_of(one.reason))
        if len(bought):
            reason = {b"reason": b"" if named else one.reason.encode()}
            with whole(path) as file:
                pq.write_table(bought.replace_schema_metadata(reason), file, compression="zstd")
        kept += len(bought)
    return kept


def _held_rows(stock: Stock, rows: Sequence[int]) -> list[tuple[Hold, list[int]]]:
    """Each hold with the rows it is on; an id that the person had only later is under the one that ends last."""
    holds = sorted(stock.catalog.holds.of(rows), key=lambda one: one.until_us)
    own, last = {one.user for one in holds}, {stock.catalog.person(one.user): one for one in holds}
    under = {row: last.get(stock.catalog.person(row)) for row in rows if row not in own}
    return [(one, [one.user, *(row for row, hold in under.items() if hold is one)]) for one in holds]


def _bought(stock: Stock, row: int) -> pa.Table:
    logged = stock.log_of(row)
    bought = pa.array([str(Action.PURCHASE), str(Action.REFUND)])
    mine = logged.filter(pc.is_in(logged[LOGGED.ACTION], bought))
    items = stock.catalog.items.keys(-1 if item is None else item for item in mine[LOGGED.ITEM].to_pylist())
    return mine.select(list(KEPT)).append_column(EVENT.ITEM_ID, pa.array(items, pa.string()))


def held(stock: Stock) -> list[dict[str, Any]]:
    """What is held of users who were erased: until when, how many purchases and refunds, and why."""
    found = []
    for path in sorted(stock.workspace.held.glob("*.parquet")):
        facts = pq.read_metadata(path)
        reason = (facts.metadata or {}).get(b"reason", b"").decode()
        found.append({"until": _until(path.name).isoformat(), "events": facts.num_rows, "reason": reason})
    return found


def sweep_held(stock: Stock, now_us: int) -> int:
    """Remove what is held no longer; how many purchases and refunds that were."""
    gone = 0
    for path in stock.workspace.held.glob("*.parquet"):
        if to_us(_until(path.name)) <= now_us:
            gone += pq.read_metadata(path).num_rows
            path.unlink()
    return gone


def _until(name: str) -> datetime:
    stamp = name.split(".", 1)[0]
    return parse_time(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:15]}Z")
