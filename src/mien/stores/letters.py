"""Dead letters: rows and messages that could not be used, as the catalogue file keeps them.

What one says is sealed: under the key of the user it is of, where that is known, else under the workspace's.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from mien.core.errors import UsageError
from mien.stores.vault import Vault

LETTER = b"letter"
"""What a sealed letter is, as the vault binds it."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, file TEXT, row INTEGER, reason TEXT NOT NULL,
    user INTEGER, sealed BLOB NOT NULL, digest BLOB NOT NULL UNIQUE);
"""
_SELECT = "SELECT id, source, file, row, reason, user, sealed FROM letters"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that could not be used, kept so that it can be looked at, mended and sent again."""

    id: int
    source: str
    file: str | None
    row: int | None
    reason: str
    detail: str | None
    raw: str | None


class Letters:
    """The dead letters of one workspace. `writing`: opens a transaction of the catalogue file."""

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[sqlite3.Connection]], vault: Vault
    ) -> None:
        self._db, self._writing, self._vault = db, writing, vault
        self._key = vault.secret("ids")

    def bury_all(self, verdicts: Path) -> int:
        """`bury` the rows of a Parquet file of the schema VERDICTS in a transaction of their own."""
        with self._writing() as db:
            return self.bury(db, read_letters(verdicts))

    def bury(self, db: sqlite3.Connection, letters: Iterable[Mapping[str, Any]]) -> int:
        """Keep rows that could not be used; the same row of the same file again is kept once. Returns how many new.

        A letter: source, file, row, reason, detail, raw, and the row of the `user` it is of, where that is known. One
        that names somebody who was erased is not kept.
        """
        before = db.total_changes
        rows = (self._stored(letter) for letter in letters if not self._names_erased(letter["detail"], letter["raw"]))
        db.executemany("INSERT OR IGNORE INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", rows)
        return db.total_changes - before

    def _names_erased(self, *said: str | None) -> bool:
        if not self._vault.any_erased():
            return False
        words = words_of("\n".join(part or "" for part in said))
        return any(self._vault.erased([self._vault.digest(word) for word in words]))

    def _stored(self, letter: Mapping[str, Any]) -> tuple[Any, ...]:
        user = letter.get("user")
        plain = msgspec.json.encode([letter["detail"], letter["raw"]])
        sealed = None if user is None else self._vault.seal(user, plain, LETTER)
        if sealed is None:
            user, sealed = None, self._vault.seal_shared(plain, LETTER)
        said = msgspec.json.encode([letter["source"], letter["reason"], letter["row"], letter["raw"]])
        digest = hashlib.blake2b(said, key=self._key, digest_size=16).digest()
        return (letter["source"], letter["file"], letter["row"], letter["reason"], user, sealed, digest)

    def newest(self, limit: int | None = None) -> list[DeadLetter]:
        """The newest first."""
        return self._opened("1 ORDER BY id DESC LIMIT ?", -1 if limit is None else limit)

    def one(self, number: int) -> DeadLetter | None:
        """One of them; None where there is none of that number."""
        return next(iter(self._opened("id = ?", number)), None)

    def of(self, rows: Collection[int], digests: Collection[bytes]) -> list[DeadLetter]:
        """Those of users, and those that name one of them by a word of these keyed hashes; oldest first.

        Cost: every letter is opened, some 30 µs each.
        """
        mine = {number for number, user in self._db.execute("SELECT id, user FROM letters") if user in rows}
        found = reversed(self.newest())
        return [one for one in found if one.id in mine or self._names((one.detail, one.raw), digests)]

    def _opened(self, where: str, parameter: int) -> list[DeadLetter]:
        rows = self._db.execute(f"{_SELECT} WHERE {where}", (parameter,))
        return [
            DeadLetter(number, source, file, row, reason, *self._plain(user, sealed))
            for number, source, file, row, reason, user, sealed in rows
        ]

    def _plain(self, user: int | None, sealed: bytes) -> tuple[str | None, str | None]:
        """Detail and row; nothing where the key is destroyed."""
        plain = self._vault.open_shared(sealed, LETTER) if user is None else self._vault.open(user, sealed, LETTER)
        detail, raw = (None, None) if plain is None else msgspec.json.decode(plain)
        return detail, raw

    def counts(self) -> dict[str, int]:
        """Reason → how many, most first."""
        rows = self._db.execute("SELECT reason, count(*) FROM letters GROUP BY reason ORDER BY 2 DESC, 1")
        return {str(reason): int(n) for reason, n in rows}

    def change(self, number: int, reason: str, detail: str | None, raw: str) -> None:
        """Put another row in place of a letter's, or another reason. `UsageError`: it would be another's double."""
        letter = self.one(number)
        assert letter is not None, "the caller looked"
        stored = self._stored({**asdict(letter), "reason": reason, "detail": detail, "raw": raw})
        query = "UPDATE letters SET reason = ?, user = ?, sealed = ?, digest = ? WHERE id = ?"
        try:
            with self._writing() as db:
                db.execute(query, (*stored[3:], number))
        except sqlite3.IntegrityError:
            raise UsageError("Another dead letter says the very same. Mend it in another way, or leave it.") from None

    def drop(self, ids: Iterable[int]) -> None:
        with self._writing() as db:
            db.executemany("DELETE FROM letters WHERE id = ?", ((one,) for one in ids))

    def keep(self, most: int) -> int:
        """Let the oldest go where there are more than `most` (0: never); how many went."""
        if not most:
            return 0
        with self._writing() as db:
            newest = "SELECT id FROM letters ORDER BY id DESC LIMIT 1 OFFSET ?"
            return db.execute(f"DELETE FROM letters WHERE id <= ({newest})", (most,)).rowcount

    def erase(self, db: sqlite3.Connection, rows: Iterable[int], digests: Collection[bytes]) -> None:
        """Remove the letters of users, and those that name one of them by a word of these keyed hashes.

        Cost: every letter is opened, some 30 µs each.
        """
        db.executemany("DELETE FROM letters WHERE user = ?", ((row,) for row in rows))
        found = db.execute("SELECT id, user, sealed FROM letters").fetchall()
        named = [(number,) for number, user, sealed in found if self._names(self._plain(user, sealed), digests)]
        db.executemany("DELETE FROM letters WHERE id = ?", named)

    def _names(self, said: Iterable[str | None], digests: Collection[bytes]) -> bool:
        text = "\n".join(part or "" for part in said)
        return any(self._vault.digest(word) in digests for word in words_of(text))


def words_of(text: str) -> set[str]:
    """What in a raw row or a sentence may be an id: values of JSON at any depth, texts in quotes, words."""
    found = set(re.findall(r"[^\s\"“”,;:(){}\[\]\\]+", text))
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"?|“([^”]*)”?', text):
        found |= {part.strip() for part in quoted}
    for line in text.splitlines():
        with suppress(ValueError, RecursionError):
            for value in _values(json.loads(line)):
                found |= {value, *(words_of(value) if value != text and "{" in value else ())}
    return found - {""}


def _values(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _values(part)
    elif value is not None:
        yield str(value).strip()


def read_letters(verdicts: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file of the schema VERDICTS, ready to be buried."""
    return list(pq.read_table(verdicts).to_pylist())
