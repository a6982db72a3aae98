"""The vault: one key a user, kept apart from what is sealed under it, so that destroying the key forgets the user.

A folder of its own (`keys/` of the workspace, or elsewhere) that no backup of the workspace contains: `users.sqlite`
holds a 256-bit key for each user row, wrapped by the master key; `master.key` holds that one (mode 600), unless the
environment variable `MIEN_MASTER_KEY` does. AES-256-GCM throughout: a sealed value is one byte that names the format,
12 of nonce, the ciphertext and 16 of tag, bound to its user and to what it is.
"""

import binascii
import hmac
import os
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mien.core.errors import WorkspaceError
from mien.core.phrase import Phrase
from mien.stores.durable import sync

MASTER = "MIEN_MASTER_KEY"
"""The environment variable that may hold the master key: 64 hexadecimal digits."""
USERS, MASTER_FILE = "users.sqlite", "master.key"
SEALED = b"\xa1"
"""First byte of whatever is sealed; another cipher takes another one."""
NONCE, KEY, DIGEST = 12, 32, 16
"""Bytes."""
CACHED = 20_000
"""Opened keys that are remembered, each some 2.5 KB with what OpenSSL holds for it."""
AT_ONCE = 500
"""Keys of one look-up, below SQLite's limit of parameters."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user_keys (row INTEGER PRIMARY KEY, wrapped BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (digest BLOB PRIMARY KEY, at_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (row INTEGER PRIMARY KEY);
"""


class Vault:
    """The keys of one workspace. Any thread may use it; several processes may each open one.

    Keys that are given are durable after `commit`, which comes before what they seal is committed elsewhere. `seed`:
    what a new vault hashes ids with, where hashes exist already. Raises `WorkspaceError` where the master key is not
    the one that the keys were wrapped by.
    """

    def __init__(self, folder: Path, *, seed: bytes | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._master = AESGCM(_master_key(folder, environ))
        self._lock = threading.RLock()
        self._opened: dict[int, AESGCM] = {}
        self._version = -1
        self._db = _opened(folder / USERS)
        self._id_key = self.secret("ids", seed)
        self._shared = AESGCM(self.secret("shared"))
        self.id = self._about("id", uuid.uuid4().hex)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- secrets of the workspace -----------------------------------------------------------------------------

    def secret(self, name: str, made_of: bytes | None = None) -> bytes:
        """A secret of 32 bytes by name, made at first need (or then set to `made_of`)."""
        label, query = f"secret:{name}".encode(), "SELECT wrapped FROM secrets WHERE name = ?"
        with self._lock:
            found = self._db.execute(query, (name,)).fetchone()
            if found is None:
                wrapped = self._wrapped(made_of or secrets.token_bytes(KEY), label)
                self._db.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, wrapped))
                found = self._db.execute(query, (name,)).fetchone()
            return self._unwrapped(found[0], label)

    def _about(self, name: str, default: str) -> str:
        query = "SELECT value FROM about WHERE name = ?"
        found = self._db.execute(query, (name,)).fetchone()
        if found is None:
            self._db.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, default))
            found = self._db.execute(query, (name,)).fetchone()
        return str(found[0])

    def digest(self, text: str) -> bytes:
        """A keyed hash (HMAC-SHA256, 16 bytes): tells that two ids are one without telling either. Cost: 1 µs."""
        return hmac.digest(self._id_key, text.encode("utf-8", "surrogatepass"), "sha256")[:DIGEST]

    # -- keys of users ----------------------------------------------------------------------------------------

    def give(self, rows: Sequence[int]) -> None:
        """Make keys for rows that have none, in a transaction that `commit` ends. Cost: some 8 µs a key.

        Rows are given by one writer at a time, who holds the catalogue file.
        """
        with self._lock:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            known = self._keys(rows)
            fresh = {row: secrets.token_bytes(KEY) for row in rows if row not in known}
            wrapped = ((row, self._wrapped(key, b"user:%d" % row)) for row, key in fresh.items())
            self._db.executemany("INSERT INTO user_keys VALUES (?, ?)", wrapped)
            self._opened |= {row: AESGCM(key) for row, key in fresh.items()}

    def commit(self) -> None:
        """Make durable the keys given since the last time; nothing where there are none."""
        with self._lock:
            if self._db.in_transaction:
                self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Take back the keys given since the last time."""
        with self._lock:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
                self._opened.clear()

    def seal(self, row: int, plain: bytes, what: bytes) -> bytes | None:
        """Seal a value of a user; `what` names its kind. None: the user has no key (any more). Cost: 3 µs and more."""
        return self.seal_all([(row, plain)], what)[0]

    def seal_all(self, values: Sequence[tuple[int, bytes]], what: bytes) -> list[bytes | None]:
        """`seal` for many, in their order."""
        if not values:
            return []
        keys, noise = self._keys(row for row, _ in values), os.urandom(NONCE * len(values))
        nonces = (noise[start : start + NONCE] for start in range(0, len(noise), NONCE))
        return [
            None if (key := keys.get(row)) is None else SEALED + nonce + key.encrypt(nonce, plain, what)
            for (row, plain), nonce in zip(values, nonces, strict=True)
        ]

    def open(self, row: int, sealed: bytes, what: bytes) -> bytes | None:
        """What was sealed for a user as this kind; None where the key is destroyed."""
        return self.open_all([(row, sealed)], what)[0]

    def open_all(self, values: Sequence[tuple[int, bytes]], what: bytes) -> list[bytes | None]:
        """`open` for many, in their order. Raises `WorkspaceError` for bytes that were altered."""
        if not values:
            return []
        keys = self._keys(row for row, _ in values)
        return [self._plain(keys[row], sealed, what) if row in keys else None for row, sealed in values]

    def missing(self, rows: Iterable[int]) -> set[int]:
        """Those of these rows that have no key."""
        with self._lock:
            found = {row for (row,) in self._db.execute("SELECT row FROM user_keys")}
        return set(rows) - found

    def _keys(self, rows: Iterable[int]) -> dict[int, AESGCM]:
        with self._lock:
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
            if version != self._version or len(self._opened) > CACHED:
                self._opened.clear()  # another process may have destroyed keys
                self._version = version
            wanted = {int(row) for row in rows}
            unknown = [row for row in wanted if row not in self._opened]
            for start in range(0, len(unknown), AT_ONCE):
                part = unknown[start : start + AT_ONCE]
                marks = ",".join("?" * len(part))
                for row, wrapped in self._db.execute(
                    f"SELECT row, wrapped FROM user_keys WHERE row IN ({marks})", part
                ):
                    self._opened[row] = AESGCM(self._unwrapped(wrapped, b"user:%d" % row))
            return {row: self._opened[row] for row in wanted if row in self._opened}

    # -- what belongs to no user in particular ----------------------------------------------------------------

    def seal_shared(self, plain: bytes, what: bytes) -> bytes:
        """Seal under the key of the workspace what belongs to no one user."""
        return _sealed(self._shared, plain, what)

    def open_shared(self, sealed: bytes, what: bytes) -> bytes:
        """What `seal_shared` sealed."""
        return self._plain(self._shared, sealed, what)

    # -- forgetting -------------------------------------------------------------------------------------------

    def destroy(self, users: Iterable[tuple[int, bytes]], at_us: int) -> None:
        """Destroy keys for good, and note the digests of their ids as erased: one durable step.

        The bytes are overwritten and the write-ahead log is emptied.
        """
        users = list(users)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM user_keys WHERE row = ?", ((row,) for row, _ in users))
            self._db.executemany("INSERT OR IGNORE INTO destroyed VALUES (?)", ((row,) for row, _ in users))
            noted = ((digest, at_us) for _, digest in users)
            self._db.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", noted)
            self._db.execute("COMMIT")
            for row, _ in users:
                self._opened.pop(row, None)
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def note_erased(self, erased: Iterable[tuple[bytes, int]]) -> None:
        """Note digests as erased (at, µs), as another file of keys knows them."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", erased)
            self._db.execute("COMMIT")

    def take_from(self, other: "Vault") -> None:
        """Take over keys and erasures from another file of the same workspace; what either destroyed stays so."""
        self.note_erased(other.all_erased().items())
        keys, gone = other._all_keys(), other._destroyed() | self._destroyed()
        kept = ((row, self._wrapped(key, b"user:%d" % row)) for row, key in keys if row not in gone)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO destroyed VALUES (?)", ((row,) for row in gone))
            self._db.executemany("DELETE FROM user_keys WHERE row = ?", ((row,) for row in gone))
            self._db.executemany("INSERT OR IGNORE INTO user_keys VALUES (?, ?)", kept)
            self._db.execute("COMMIT")
            self._opened.clear()

    def _destroyed(self) -> set[int]:
        with self._lock:
            return {row for (row,) in self._db.execute("SELECT row FROM destroyed")}

    def last(self) -> int:
        """The last row that ever had a key; -1 where none had."""
        with self._lock:
            query = "SELECT max(row) FROM (SELECT row FROM user_keys UNION ALL SELECT row FROM destroyed)"
            (found,) = self._db.execute(query).fetchone()
            return -1 if found is None else int(found)

    def _all_keys(self) -> list[tuple[int, bytes]]:
        with self._lock:
            rows = self._db.execute("SELECT row, wrapped FROM user_keys").fetchall()
            return [(row, self._unwrapped(wrapped, b"user:%d" % row)) for row, wrapped in rows]

    def any_erased(self) -> bool:
        """Whether anybody ever was erased."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is not None

    def n_destroyed(self) -> int:
        """How many keys were destroyed, by whichever process. Cost: some µs."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM destroyed").fetchone()[0])

    def erased(self, digests: Sequence[bytes]) -> list[bool]:
        """Which of these digests are of users who were erased."""
        with self._lock:
            if not self.any_erased():
                return [False] * len(digests)
            query = "SELECT 1 FROM erased WHERE digest = ?"
            return [self._db.execute(query, (one,)).fetchone() is not None for one in digests]

    def all_erased(self) -> dict[bytes, int]:
        """Digest → when (µs), of everybody who was erased."""
        with self._lock:
            return dict(self._db.execute("SELECT digest, at_us FROM erased"))

    # -- the master key ---------------------------------------------------------------------------------------

    def _wrapped(self, key: bytes, label: bytes) -> bytes:
        return _sealed(self._master, key, label)

    def _unwrapped(self, wrapped: bytes, label: bytes) -> bytes:
        try:
            return self._master.decrypt(wrapped[1 : 1 + NONCE], wrapped[1 + NONCE :], label)
        except InvalidTag:
            raise WorkspaceError(
                "The master key does not open the keys in {folder}. Give the one they were made with, as "
                "{file} or in the environment variable {master}.",
                folder=self.folder,
                file=self.folder / MASTER_FILE,
                master=MASTER,
            ) from None

    def _plain(self, key: AESGCM, sealed: bytes, what: bytes) -> bytes:
        try:
            return key.decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], what)
        except InvalidTag:
            raise WorkspaceError(
                "Something sealed ({what}) does not open with its key in {folder}: it was altered, or "
                "the keys are of another workspace. Restore both from backups of the same workspace.",
                what=what.decode(),
                folder=self.folder,
            ) from None


def _sealed(key: AESGCM, plain: bytes, what: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return SEALED + nonce + key.encrypt(nonce, plain, what)


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
            db.execute(f"PRAGMA {setting}").fetchone()
        for statement in filter(str.strip, _SCHEMA.split(";\n")):
            db.execute(statement)
    except sqlite3.DatabaseError as broken:
        db.close()
        raise WorkspaceError(
            "{path} is no file of keys that can be read ({broken}). Restore it.", path=path, broken=broken
        ) from None
    return db


def _master_key(folder: Path, environ: Mapping[str, str]) -> bytes:
    """The master key: of the environment, else of its file, which is made where there is none."""
    path = folder / MASTER_FILE
    said, where = environ.get(MASTER, ""), Phrase("The environment variable {master}", master=MASTER)
    if not said:
        if not path.exists():
            if (folder / USERS).exists():
                raise WorkspaceError(
                    "The keys in {folder} have no master key. Put back {path}, or set {master}.",
                    folder=folder,
                    path=path,
                    master=MASTER,
                )
            _write_once(path, secrets.token_hex(KEY))
        said, where = path.read_text(encoding="ascii", errors="replace"), Phrase(str(path))
    with suppress(binascii.Error, ValueError):
        key = binascii.unhexlify(said.strip())
        if len(key) == KEY:
            return key
    raise WorkspaceError(
        "{where} holds no master key: {digits} hexadecimal digits. Put back the right one.", where=where, digits=2 * KEY
    )


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless another process was first."""
    half = path.with_name(f".{path.name}.{os.getpid()}.writing")
    handle = os.open(half, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        os.write(handle, f"{text}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    with suppress(FileExistsError):
        os.link(half, path)
    half.unlink()
    sync(path.parent)
