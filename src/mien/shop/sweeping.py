"""What is too old or too much goes: events past retention, other acts, dead letters, purchases held no longer.

Nothing goes uncounted (`swept`). States follow: persons whose events went are folded again from what remains.
"""

import json
import sqlite3
from collections.abc import Iterable

from mien.core.clock import DAY_US
from mien.shop.folding import TailFold
from mien.shop.holding import sweep_held
from mien.shop.stock import Stock

_META = "swept"


def sweep(stock: Stock, now_us: int) -> dict[str, int]:
    """Remove what settings let go, as of a moment; what was removed now. The caller holds the writer's lock."""
    privacy = stock.settings.privacy
    gone = {"held": sweep_held(stock, now_us), "letters": stock.catalog.letters.keep(privacy.letters_most)}
    days = [days for days in (privacy.others_days, privacy.retention_days) if days]
    if days:
        gone["others"] = stock.tail.forget_others(now_us - round(min(days) * DAY_US))
    if privacy.retention_days:
        gone["events"] = _forget_events(stock, now_us - round(privacy.retention_days * DAY_US))
    gone = {name: n for name, n in gone.items() if n}
    if gone:
        stock.catalog.set_meta(_META, json.dumps(_added(swept(stock), gone), sort_keys=True))
        stock.catalog.purge()
    return gone


def swept(stock: Stock) -> dict[str, int]:
    """How many of what went, ever."""
    found: dict[str, int] = json.loads(stock.catalog.meta(_META, "{}"))
    return found


def _added(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    return {name: before.get(name, 0) + now.get(name, 0) for name in {*before, *now}}


def _forget_events(stock: Stock, cutoff_us: int) -> int:
    """Persons are noted to be folded again in the transaction that lets their events go; then they are."""

    def note(db: sqlite3.Connection, users: Iterable[int]) -> None:
        persons = {stock.catalog.person(user) for user in users}
        db.executemany("INSERT OR IGNORE INTO unfolded VALUES (?)", ((person,) for person in persons))

    events = stock.history.forget_before(cutoff_us, note)
    with stock.changing_states():
        events += stock.tail.forget_before(cutoff_us, note)
    if events:
        TailFold(stock).catch_up()
        stock.states.purge()
    return events
