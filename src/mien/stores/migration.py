"""Older layouts of the catalogue file, written anew as today's.

Layout 1 had ids and declarations in clear, layout 2 the live tail, layout 3 dead letters. All of it is one transaction:
a crash leaves the old layout, whole.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mien.core.tables import LOGGED
from mien.stores.idmap import UserIds
from mien.stores.letters import Letters
from mien.stores.private import ID_BYTES, OPEN, OTHER, PRIVATE, QUOTED, SAID, TOLD, TRAITS, pack, split
from mien.stores.vault import DIGEST, Vault

AT_ONCE = 10_000
_TAIL = f"""
CREATE TABLE tail (
    offset INTEGER PRIMARY KEY AUTOINCREMENT, "{LOGGED.USER}" INTEGER NOT NULL, source TEXT NOT NULL,
    fingerprint INTEGER NOT NULL, action TEXT NOT NULL, item INTEGER, "{LOGGED.AT}" INTEGER NOT NULL,
    value REAL, quantity REAL, rating REAL, sealed BLOB NOT NULL)
"""
_OTHERS = """
CREATE TABLE others (
    id INTEGER PRIMARY KEY, user INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL)
"""
_OLD_CONSENTS = (
    "INSERT OR IGNORE INTO consented "
    "SELECT user, name, at, value = 'true', at, 'tracking' FROM told WHERE kind = 'consents'"
)


def is_older(db: sqlite3.Connection, layout: int) -> bool:
    """Whether the file is of an older layout; a new one is noted as today's."""
    found = _layout(db)
    if found is None:
        with db:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('layout', ?)", (str(layout),))
    return found is not None and found < layout


def _layout(db: sqlite3.Connection) -> int | None:
    found = db.execute("SELECT value FROM meta WHERE key = 'layout'").fetchone()
    return int(found[0]) if found else None


def bring_up(db: sqlite3.Connection, vault: Vault, users: UserIds, letters: Letters, layout: int) -> None:
    """Seal what an older layout has in clear, in the caller's transaction, and note that bytes are to be purged."""
    found = _layout(db)
    if found is None or found >= layout:
        return  # another process was first
    if found < 2:
        _seal_ids(db, vault, users)
    if found < 3 and _is_there(db, "received"):
        _seal_events(db, vault)
        _seal_others(db, vault)
        _seal_told(db, vault)
        _shorten_received(db)
    if _is_there(db, "dead_letters"):
        names = ("source", "file", "row", "reason", "detail", "raw")
        rows = db.execute(f"SELECT {', '.join(names)} FROM dead_letters ORDER BY id").fetchall()
        letters.bury(db, (dict(zip(names, row, strict=True)) for row in rows))
        db.execute("DROP TABLE dead_letters")
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("layout", str(layout)), ("unsealed", "1")])


def _seal_ids(db: sqlite3.Connection, vault: Vault, users: UserIds) -> None:
    vault.note_erased([(digest[:DIGEST], 0) for (digest,) in db.execute("SELECT digest FROM tombstones")])
    users.put(db.execute("SELECT row, key FROM user_ids ORDER BY row").fetchall())
    declared = [(user, traits.encode()) for user, traits in db.execute("SELECT user, traits FROM declared")]
    db.executemany("INSERT INTO traits VALUES (?, ?)", _sealed(vault, declared, TRAITS))
    db.execute("DELETE FROM meta WHERE key = 'tombstone_key'")  # the vault has it, as what ids are hashed with
    for table in ("user_ids", "declared", "tombstones"):
        db.execute(f"DROP TABLE {table}")


def _seal_events(db: sqlite3.Connection, vault: Vault) -> None:
    """Offsets stay, and so does the count that the next one follows."""
    (seq,) = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tail'").fetchone()
    db.execute("ALTER TABLE tail RENAME TO tail_before")
    db.execute("DROP INDEX IF EXISTS tail_user")
    db.execute(_TAIL)
    columns = f'"{LOGGED.USER}", {", ".join(PRIVATE)}, offset, {QUOTED}'
    places, cut = ", ".join("?" * (len(OPEN) + 2)), 1 + len(PRIVATE)
    for part in _parts(db.execute(f"SELECT {columns} FROM tail_before ORDER BY offset")):
        sealed = _sealed(vault, [(row[0], pack(row[1:cut])) for row in part], SAID)
        rows = ((*row[cut:], one) for row, (_, one) in zip(part, sealed, strict=True))
        db.executemany(f"INSERT INTO tail (offset, {QUOTED}, sealed) VALUES ({places})", rows)
    db.execute("DROP TABLE tail_before")
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'tail'")
    db.execute("INSERT INTO sqlite_sequence VALUES ('tail', ?)", (seq,))


def _seal_others(db: sqlite3.Connection, vault: Vault) -> None:
    db.execute("ALTER TABLE others RENAME TO others_before")
    db.execute("DROP INDEX IF EXISTS others_user")
    db.execute(_OTHERS)
    for part in _parts(db.execute("SELECT user, properties, id, name, at FROM others_before ORDER BY id")):
        sealed = _sealed(vault, [(row[0], row[1].encode()) for row in part], OTHER)
        rows = ((row[2], row[0], *row[3:], one) for row, (_, one) in zip(part, sealed, strict=True))
        db.executemany("INSERT INTO others VALUES (?, ?, ?, ?, ?)", rows)
    db.execute("DROP TABLE others_before")


def _seal_told(db: sqlite3.Connection, vault: Vault) -> None:
    db.execute(_OLD_CONSENTS)
    told: defaultdict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
    for user, name, value, at in db.execute("SELECT user, name, value, at FROM told WHERE kind = 'traits'"):
        told[user][name] = (at, value)
    db.execute("CREATE TABLE IF NOT EXISTS told_traits (user INTEGER PRIMARY KEY, sealed BLOB NOT NULL)")
    packed = [(user, pack(said)) for user, said in told.items()]
    db.executemany("INSERT INTO told_traits VALUES (?, ?)", _sealed(vault, packed, TOLD))
    db.execute("DROP TABLE told")


def _shorten_received(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE received RENAME TO received_before")
    db.execute("CREATE TABLE received (digest BLOB PRIMARY KEY, fingerprint INTEGER NOT NULL) WITHOUT ROWID")
    before = db.execute("SELECT digest, fingerprint FROM received_before ORDER BY digest")
    short = (split(digest, said) if len(digest) > ID_BYTES else (digest, said) for digest, said in before)
    db.executemany("INSERT OR IGNORE INTO received VALUES (?, ?)", short)
    db.execute("DROP TABLE received_before")


def _sealed(vault: Vault, values: Sequence[tuple[int, bytes]], what: bytes) -> list[tuple[int, bytes]]:
    """Row and sealed value, in the order of the values; every row has a key."""
    return [(row, one or b"") for (row, _), one in zip(values, vault.seal_all(values, what), strict=True)]


def _is_there(db: sqlite3.Connection, table: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone() is not None


def _parts(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while part := cursor.fetchmany(AT_ONCE):
        yield part
