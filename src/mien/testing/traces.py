"""The law of forgetting, looked for in bytes: whether words stand in any file of a folder, in whatever form.

Each file is searched as it lies, and so is what is packed in it: zstd frames wherever one begins (stored states, pages
of Parquet), members of zip archives (artifacts), gzip and deflate streams, columns of Parquet and every value of every
SQLite table. Free pages and unallocated space of databases are bytes of their files, so they are searched as well.
What is sealed is opened with the keys that are left (`opened_values`).
"""

import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import zstandard

from mien.shop import Shop
from mien.stores.letters import LETTER
from mien.stores.private import OTHER, SAID, TOLD, TRAITS

ZSTD, GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"
LARGEST = 1 << 30
"""Bytes that one packed stream may unpack to."""


def traces(folder: Path, words: Iterable[str]) -> list[str]:
    """Where words stand, one line each: file, form, word; empty where nothing was found. `folder`: all that is in it.

    Cost: everything is read and unpacked, some 50 MB a second.
    """
    needles = {form: word for word in words for form in _forms(word)}
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for form, data in _contents(path):
            found += [f"{path.relative_to(folder)} ({form}): {word}" for one, word in needles.items() if one in data]
    return sorted(set(found))


def _forms(word: str) -> set[bytes]:
    """A word as UTF-8, UTF-16 and as JSON escapes it."""
    escaped = json.dumps(word)[1:-1]
    return {word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be"), escaped.encode()}


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    yield "name", str(path.name).encode()
    data = path.read_bytes()
    yield "bytes", data
    yield from _unpacked(data)
    if data[:16] == b"SQLite format 3\x00":
        yield from _values(path)
    if data[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(data))
        yield "parquet", "\n".join(str(column.to_pylist()) for column in table.columns).encode("utf-8", "replace")


def _unpacked(data: bytes, depth: int = 2) -> Iterator[tuple[str, bytes]]:
    """What is packed in these bytes, and in that again."""
    inner: list[tuple[str, bytes]] = []
    for magic, name, unpack in ((ZSTD, "zstd", _zstd), (GZIP, "gzip", _gzip)):
        at = data.find(magic)
        while at >= 0:
            part = unpack(data[at:])
            if part:
                inner.append((name, part))
            at = data.find(magic, at + 1)
    if data[:2] == b"PK":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            inner += [("zip", archive.read(name)) for name in archive.namelist()]
    for name, part in inner:
        yield name, part
        if depth:
            yield from ((f"{name} {more}", deep) for more, deep in _unpacked(part, depth - 1))


def _zstd(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)[:LARGEST]
    except zstandard.ZstdError:
        return b""


def _gzip(data: bytes) -> bytes:
    with suppress(OSError, EOFError, zlib.error):
        return gzip.decompress(data)
    return b""


def _values(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, as the database has them now; what is packed in them too."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name that the database itself gives
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
                    yield f"table {table}", data
                    yield from ((f"table {table} {form}", part) for form, part in _unpacked(data))


def opened_values(shop: Shop) -> Iterator[tuple[str, bytes]]:
    """Whatever is sealed in a shop and still opens: name of the place, and what it says, unpacked."""
    vault, catalog = shop.stock.catalog.vault, shop.stock.catalog
    tables = {"traits": TRAITS, "told_traits": TOLD, "tail": SAID, "others": OTHER}
    with closing(sqlite3.connect(catalog.path, timeout=30)) as db:
        for table, what in tables.items():
            rows = db.execute(f'SELECT "user", sealed FROM {table}').fetchall()  # noqa: S608 - a name of ours
            for user, sealed in rows:
                yield table, vault.open(user, sealed, what) or b""
        for user, sealed in db.execute("SELECT user, sealed FROM letters").fetchall():
            plain = vault.open_shared(sealed, LETTER) if user is None else vault.open(user, sealed, LETTER)
            yield "letters", msgspec.json.encode(msgspec.json.decode(plain)) if plain else b""
    for key in catalog.users.table()["key"].to_pylist():
        yield "people", key.encode()
    for user in shop.stock.states.users():
        state = shop.stock.states.read(user) or b""
        yield "states", state
        yield from (("states", part) for _, part in _unpacked(state))


def remembered(shop: Shop, words: Iterable[str]) -> list[str]:
    """`traces` of what is sealed: where one of these words is said by a value that still opens."""
    needles = {form: word for word in words for form in _forms(word)}
    found = {f"{place}: {word}" for place, data in opened_values(shop) for one, word in needles.items() if one in data}
    return sorted(found)
