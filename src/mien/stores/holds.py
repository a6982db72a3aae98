"""Legal holds in the catalogue file: whose purchases outlive an erasure, until when, and why."""

import secrets
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from mien.stores.vault import Vault

HOLD = b"hold"
"""What a sealed reason is, as the vault binds it."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS holds (
    user INTEGER PRIMARY KEY, until_us INTEGER NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """`user`: the row it is on. `name`: what the purchases will be called once they are nobody's."""

    user: int
    until_us: int
    name: str
    reason: str


class Holds:
    """The holds of one workspace. `writing`: opens a transaction of the catalogue file."""

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[sqlite3.Connection]], vault: Vault
    ) -> None:
        self._db, self._writing, self._vault = db, writing, vault

    def put(self, user: int, until_us: int, reason: str) -> None:
        """Hold what a user bought until a moment, in place of an earlier hold; nothing for one who was erased."""
        sealed = self._vault.seal(user, reason.encode(), HOLD)
        if sealed is not None:
            with self._writing() as db:
                row = (user, until_us, secrets.token_hex(8), sealed)
                db.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?)", row)

    def release(self, user: int) -> bool:
        """End a hold; whether there was one."""
        with self._writing() as db:
            return db.execute("DELETE FROM holds WHERE user = ?", (user,)).rowcount > 0

    def of(self, users: Iterable[int]) -> list[Hold]:
        """The holds on these rows."""
        query = "SELECT user, until_us, name, sealed FROM holds WHERE user = ?"
        rows = [row for user in users for row in self._db.execute(query, (user,))]
        plain = self._vault.open_all([(user, sealed) for user, _, _, sealed in rows], HOLD)
        pairs = zip(rows, plain, strict=True)
        return [Hold(user, until_us, name, (one or b"").decode()) for (user, until_us, name, _), one in pairs]

    def erase(self, db: sqlite3.Connection, user: int) -> None:
        db.execute("DELETE FROM holds WHERE user = ?", (user,))
