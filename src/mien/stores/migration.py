"""Older layouts of the catalogue file, written anew as today's.

Layout 1 had ids and declarations in clear. All of it is one transaction: a crash leaves the old layout, whole.
"""

import sqlite3

from mien.stores.idmap import UserIds
from mien.stores.vault import DIGEST, Vault

TRAITS = b"traits"
"""What sealed traits are, as the vault binds them."""


def is_older(db: sqlite3.Connection, layout: int) -> bool:
    """Whether the file is of an older layout; a new one is noted as today's."""
    found = db.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    if found is None:
        with db:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('layout', ?)", (str(layout),))
        return False
    return int(found[0]) < layout


def seal_older(db: sqlite3.Connection, vault: Vault, users: UserIds, layout: int) -> None:
    """Seal what an older layout has in clear, in the caller's transaction, and note that bytes are to be purged."""
    if not is_older(db, layout):
        return  # another process was first
    vault.note_erased([(digest[:DIGEST], 0) for (digest,) in db.execute("SELECT digest FROM tombstones")])
    pairs = db.execute("SELECT row, key FROM user_ids ORDER BY row").fetchall()
    users.put(pairs)
    for user, traits in db.execute("SELECT user, traits FROM declared").fetchall():
        db.execute("INSERT INTO traits VALUES (?, ?)", (user, vault.seal(user, traits.encode(), TRAITS)))
    db.execute("DELETE FROM meta WHERE key = 'tombstone_key'")  # the vault has it, as what ids are hashed with
    for table in ("user_ids", "declared", "tombstones"):
        db.execute(f"DROP TABLE {table}")
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("layout", str(layout)), ("unsealed", "1")])
