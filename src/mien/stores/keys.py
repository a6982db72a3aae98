"""Keys of the API: who may track, ask or administer. Hashed with scrypt, shown once, in a file of their own.

A key reads `mien_SCOPE_ID_SECRET`: the id finds its row, so that one hash is computed and not one for each row. A key
that was found right is remembered under a keyed digest for as long as the process lives, so scrypt runs once a key.
"""

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mien.core.caller import SCOPES, Caller, Scope
from mien.core.errors import TransientError, UnknownName, UsageError, WorkspaceError

LOOK_S = 1.0
"""How old what is known of the file may be: a key revoked by another process is refused that much later."""
MOST_REMEMBERED = 10_000
NAME_LENGTH = 100
SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}
"""16 MB and some 40 ms a hash."""

_TEXT = re.compile(r"mien_[a-z]_([0-9a-f]{8})_[0-9a-f]{48}")
_SCHEMA = """CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, source TEXT NOT NULL, salt BLOB NOT NULL,
    hash BLOB NOT NULL, made_us INTEGER NOT NULL, revoked_us INTEGER) WITHOUT ROWID"""

_ALL = "SELECT id, name, scope, source, salt, hash, made_us, revoked_us FROM keys"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key; the key itself is not. `revoked_us`: None while it holds."""

    key_id: str
    name: str
    scope: Scope
    source: str
    salt: bytes
    hash: bytes
    made_us: int
    revoked_us: int | None

    @property
    def caller(self) -> Caller:
        """Who asks by it."""
        return Caller(self.key_id, self.name, self.scope, self.source)


class Keys:
    """The keys of one workspace. Any thread may use it, and several processes one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Key] = {}
        self._looked_s = float("-inf")
        self._seen = False
        self._remembered: dict[bytes, str] = {}
        self._pepper = secrets.token_bytes(32)
        self._hashing = threading.Lock()  # one hash at a time: strangers with wrong keys take no more memory than that

    def add(self, name: str, scope: str, now_us: int, source: str | None = None) -> tuple[str, Key]:
        """Make a key; the text returned is kept nowhere. `source`: None is the name.

        Raises `UnknownName` for a scope nobody knows, `UsageError` for a name or source that is empty, longer than
        100 characters, not printable, or a name in use.
        """
        kind = next((one for one in SCOPES if one == scope), None)
        if kind is None:
            raise UnknownName("scope", scope, SCOPES)
        name, source = _named(name, "name"), _named(name if source is None else source, "source")
        if any(one.name == name and one.revoked_us is None for one in self.list()):
            raise UsageError(
                "There is a key “{name}” already. Name this one otherwise, or revoke that one first.", name=name
            )
        key_id, salt = secrets.token_hex(4), secrets.token_bytes(16)
        text = f"mien_{kind[0]}_{key_id}_{secrets.token_hex(24)}"
        key = Key(key_id, name, kind, source, salt, _hash(text, salt), now_us, None)
        with self._changing() as db:
            db.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (key_id, name, kind, source, salt, key.hash, now_us),
            )
        return text, key

    def revoke(self, key_id: str, now_us: int) -> Key:
        """From now on the key opens nothing; its row stays, to tell who did what. Twice changes nothing.

        Raises `UnknownName` for an id that no key has.
        """
        with self._changing() as db:
            db.execute("UPDATE keys SET revoked_us = ? WHERE id = ? AND revoked_us IS NULL", (now_us, key_id))
        known = {one.key_id: one for one in self.list()}
        if key_id not in known:
            raise UnknownName("key id", key_id, known)
        return known[key_id]

    def list(self) -> list[Key]:
        """Every key there ever was, oldest first."""
        self._look()
        return sorted(self._known.values(), key=lambda one: (one.made_us, one.key_id))

    def configured(self) -> bool:
        """Whether there ever was a key: then each question needs one, also after all of them were revoked."""
        self._look_now_and_then()
        return self._seen

    def caller(self, key_id: str) -> Caller | None:
        """Who asks by the key of an id, as sessions remember it; None where it is unknown or revoked."""
        self._look_now_and_then()
        key = self._known.get(key_id)
        return None if key is None or key.revoked_us is not None else key.caller

    def remembered(self, text: str) -> Caller | None:
        """Who asks by a key that was found right before; None where `find` has to be asked. Cost: some µs."""
        key_id = self._remembered.get(self._digest(text))
        return None if key_id is None else self.caller(key_id)

    def find(self, text: str) -> Caller | None:
        """Who asks by a key; None where it is wrong, unknown or revoked. Cost: one scrypt, the first time."""
        if (caller := self.remembered(text)) is not None:
            return caller
        shape = _TEXT.fullmatch(text)
        caller = None if shape is None else self.caller(shape[1])
        if shape is None or caller is None:
            return None
        key = self._known[shape[1]]
        with self._hashing:
            if not hmac.compare_digest(_hash(text, key.salt), key.hash):
                return None
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[self._digest(text)] = key.key_id
        return caller

    # -- the file ---------------------------------------------------------------------------------------------

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "replace"), key=self._pepper, digest_size=16).digest()

    def _look_now_and_then(self) -> None:
        if time.monotonic() - self._looked_s > LOOK_S:
            self._look()

    def _look(self) -> None:
        """Read the file: some dozens of rows. Whoever has seen a key once does not forget that there are some."""
        self._looked_s = time.monotonic()
        if not self.path.exists():
            self._known = {}
            return
        try:
            with closing(self._open()) as db:
                made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone()
                rows = db.execute(_ALL).fetchall() if made else []
        except sqlite3.OperationalError as failed:
            raise TransientError(
                "{path}: {failed}. Nobody can be let in; try again.", path=self.path, failed=failed
            ) from None
        except sqlite3.DatabaseError as broken:
            raise WorkspaceError(
                "{path}: {broken}. Nobody can be let in; restore it from a backup.", path=self.path, broken=broken
            ) from None
        self._known = {row[0]: Key(*row) for row in rows}
        self._seen = self._seen or bool(rows)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=1, isolation_level=None)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A durable transaction; the file is made for its owner's eyes alone."""
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(self._open()) as db:
                db.execute("PRAGMA synchronous = FULL")
                db.execute(_SCHEMA)
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
        except (OSError, sqlite3.OperationalError) as failed:
            raise TransientError(
                "{path}: {failed}. No key was changed; try again.", path=self.path, failed=failed
            ) from None
        self._look()


def _hash(text: str, salt: bytes) -> bytes:
    return hashlib.scrypt(text.encode(), salt=salt, dklen=32, **SCRYPT)


def _named(text: str, what: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= NAME_LENGTH or not text.isprintable():
        raise UsageError(
            "A key's {what} is 1 to {name_length} printable characters.", what=what, name_length=NAME_LENGTH
        )
    return text
