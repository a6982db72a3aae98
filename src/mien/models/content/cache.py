"""Vectors by the content they stand for, kept on disk: a text that was encoded once is never encoded again.

A folder for each version of an encoder holds two files that only grow: `keys`, 16 bytes a vector (BLAKE2b of version,
kind and text), and `vectors`, its float32 row, at the same place. Rows are written and made durable before their keys,
so that whatever moment a process dies at, every key that is there has its row; what lies behind the last key is
written over. Texts themselves are not kept, but vectors tell of them: hand over the catalogue's texts, not a person's.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.ports import Progress
from mien.models.content.encoder import Encoder, Kind, Vectors
from mien.stores.durable import sync

KEY_BYTES = 16
PART = 4096
"""Texts encoded between two writes: what a process that dies loses at most."""

_Pair = npt.NDArray[np.uint64]


class VectorCache:
    """All vectors below one folder. Several processes may use it; they take turns at writing.

    Cost: 24 bytes a vector in memory while it is read, rows by memory map; a million vectors are opened in half a
    second.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def vectors(
        self, encoder: Encoder, texts: Sequence[str], *, kind: Kind = "passage", progress: Progress | None = None
    ) -> Vectors:
        """`(len(texts), dim) float32`: what `encoder.encode` gives, encoded only where it is not here yet."""
        folder = self._folder(encoder)
        keys = [_key(encoder.version, kind, text) for text in texts]
        held = _Held.open(folder, encoder.dim)
        new = [row for row, at in enumerate(held.find(keys)) if at < 0]
        first: dict[bytes, int] = {}
        distinct = [row for row in new if first.setdefault(keys[row], row) == row]
        for start in range(0, len(distinct), PART):
            part = distinct[start : start + PART]
            rows = encoder.encode([texts[row] for row in part], kind=kind, progress=progress)
            _append(folder, encoder.dim, [keys[row] for row in part], rows)
        if distinct:
            held = _Held.open(folder, encoder.dim)
        return held.rows(held.find(keys))

    def __contains__(self, encoder: Encoder) -> bool:
        return (self._folder(encoder) / "keys").is_file()

    def _folder(self, encoder: Encoder) -> Path:
        mark = hashlib.blake2b(encoder.version.encode(), digest_size=6).hexdigest()
        return self.folder / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', encoder.name)[-40:]}-{mark}"


class Remembering:
    """An encoder that looks into a cache first; the same name, version and vectors as the one inside."""

    def __init__(self, encoder: Encoder, cache: VectorCache) -> None:
        self._encoder, self._cache = encoder, cache

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def version(self) -> str:
        return self._encoder.version

    @property
    def dim(self) -> int:
        return self._encoder.dim

    def encode(self, texts: Sequence[str], *, kind: Kind = "passage", progress: Progress | None = None) -> Vectors:
        return self._cache.vectors(self._encoder, texts, kind=kind, progress=progress)


class _Held:
    """What a folder holds at a moment: keys in order, and where each one's row is."""

    def __init__(self, keys: _Pair, vectors: Vectors) -> None:
        self._order = np.lexsort((keys[:, 1], keys[:, 0]))
        self._keys, self._vectors = keys[self._order], vectors

    @classmethod
    def open(cls, folder: Path, dim: int) -> "_Held":
        n = _length(folder, dim)
        if not n:
            return cls(np.empty((0, 2), dtype=np.uint64), np.empty((0, dim), dtype=np.float32))
        keys = np.fromfile(folder / "keys", dtype=np.uint64, count=2 * n).reshape(n, 2)
        return cls(keys, np.memmap(folder / "vectors", dtype=np.float32, mode="r", shape=(n, dim)))

    def find(self, keys: list[bytes]) -> npt.NDArray[np.int64]:
        """The row of each key, −1 where there is none. Two keys that share their first half stand side by side."""
        wanted = np.frombuffer(b"".join(keys), dtype=np.uint64).reshape(-1, 2)
        found = np.full(len(wanted), -1, dtype=np.int64)
        at = np.searchsorted(self._keys[:, 0], wanted[:, 0])
        open_rows = np.arange(len(wanted))
        while len(open_rows):
            inside = open_rows[at[open_rows] < len(self._keys)]
            here = self._keys[at[inside]]
            same = inside[here[:, 0] == wanted[inside, 0]]
            equal = self._keys[at[same], 1] == wanted[same, 1]
            found[same[equal]] = self._order[at[same[equal]]]
            open_rows = same[~equal]
            at[open_rows] += 1
        return found

    def rows(self, places: npt.NDArray[np.int64]) -> Vectors:
        """Copies of the rows; read in the order of the file, which a disk likes."""
        order = np.argsort(places, kind="stable")
        result = np.empty((len(places), self._vectors.shape[1]), dtype=np.float32)
        result[order] = self._vectors[places[order]]
        return result


def _key(version: str, kind: Kind, text: str) -> bytes:
    return hashlib.blake2b(f"{version}\0{kind}\0{text}".encode("utf-8", "replace"), digest_size=KEY_BYTES).digest()


def _length(folder: Path, dim: int) -> int:
    """How many vectors are whole: a key and all of its row."""
    try:
        keys, vectors = (folder / "keys").stat().st_size, (folder / "vectors").stat().st_size
    except FileNotFoundError:
        return 0
    return min(keys // KEY_BYTES, vectors // (4 * dim))


def _append(folder: Path, dim: int, keys: list[bytes], rows: Vectors) -> None:
    """Rows, made durable, then keys, made durable. A key another process brought meanwhile stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    with _writing(folder):
        fresh = np.flatnonzero(_Held.open(folder, dim).find(keys) < 0)
        n = _length(folder, dim)
        _write(folder / "vectors", 4 * dim * n, np.ascontiguousarray(rows[fresh], dtype=np.float32).tobytes())
        _write(folder / "keys", KEY_BYTES * n, b"".join(keys[row] for row in fresh))
        sync(folder)


def _write(path: Path, at: int, content: bytes) -> None:
    """Put `content` at the byte `at`, which ends the file, and make it durable."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    with os.fdopen(handle, "r+b") as file:
        file.truncate(at)
        file.seek(at)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """One writer at a time; the others wait."""
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
