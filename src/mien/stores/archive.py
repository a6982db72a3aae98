"""One file that holds a folder: written whole or not at all, and read only where it is whole and as it was written.

A tar stream, compressed with zstd; its last member, the manifest, names every other one with its SHA-256, and bears a
keyed hash (HMAC-SHA256), so that nobody without the key can put another file in.
"""

import hashlib
import hmac
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import zstandard

from mien.core.errors import SourceError
from mien.stores.durable import whole

MANIFEST = "manifest.json"
FORMAT = 1
LEVEL = 3
BLOCK = 1 << 20


def write_archive(out: Path, files: Iterable[tuple[str, Path]], facts: Mapping[str, Any], key: bytes | None) -> int:
    """Pack files under their names; how many bytes they had. `facts`: told with the manifest. Two fsyncs.

    `key` None: no keyed hash, for an archive that holds the keys themselves; it is then readable by its owner alone.
    """
    digests: dict[str, str] = {}
    total = 0
    with whole(out) as file:
        os.fchmod(file.fileno(), 0o600)
        with (
            zstandard.ZstdCompressor(level=LEVEL).stream_writer(file, closefd=False) as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            for name, path in files:
                with path.open("rb") as content:
                    info = tarfile.TarInfo(name)
                    info.size, info.mtime = os.fstat(content.fileno()).st_size, int(path.stat().st_mtime)
                    digesting = _Digesting(content)
                    tar.addfile(info, digesting)
                digests[name] = digesting.digest.hexdigest()
                total += info.size
            told = json.dumps({"format": FORMAT, "facts": facts, "files": digests}, sort_keys=True).encode()
            mac = hmac.digest(key, told, "sha256").hex() if key else ""
            said = json.dumps({"mac": mac, "told": told.decode()}).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(said)
            tar.addfile(info, io.BytesIO(said))
    return total


class _Digesting(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def unpack_archive(path: Path, folder: Path) -> "Unpacked":
    """Unpack into a folder, checking every file. Raises `SourceError` for an archive that is cut, altered or none."""
    digests: dict[str, str] = {}
    manifest = b""
    try:
        with _members(path) as members:
            for info, content in members:
                if info.name == MANIFEST:
                    manifest = content.read()
                    continue
                digests[info.name] = _put(folder, info.name, content)
        outer = json.loads(manifest)
        told = json.loads(outer["told"])
    except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError, KeyError, OSError) as broken:
        raise SourceError(
            "This is no backup, or not all of one ({broken}). Take another one.", broken=broken, path=path
        ) from None
    if told["format"] > FORMAT:
        raise SourceError("This backup was written by a newer Mien. Upgrade Mien, then restore.", path=path)
    if told["files"] != digests:
        changed = sorted(name for name in {*digests, *told["files"]} if digests.get(name) != told["files"].get(name))
        raise SourceError("This backup was altered: {changed}. Take another one.", changed=changed[:3], path=path)
    return Unpacked(path, told["facts"], outer["told"].encode(), outer["mac"])


class Unpacked:
    """An archive that was unpacked: what it told."""

    def __init__(self, path: Path, facts: dict[str, Any], told: bytes, mac: str) -> None:
        self.path, self.facts, self._told, self._mac = path, facts, told, mac

    def check(self, key: bytes) -> None:
        """Raise `SourceError` where the archive was not written with this key."""
        if not hmac.compare_digest(hmac.digest(key, self._told, "sha256").hex(), self._mac):
            raise SourceError(
                "This backup was altered, or is of another workspace than the keys. Take another one.", path=self.path
            )


@contextmanager
def _members(path: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):

        def each() -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
            for info in tar:
                content = tar.extractfile(info) if info.isfile() else None
                if content is None:
                    raise ValueError(f"{info.name} is no file")
                yield info, content

        yield each()


def _put(folder: Path, name: str, content: IO[bytes]) -> str:
    """Write a member below the folder; its SHA-256."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"{name} leads out of the folder")
    target = folder / parts
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while block := content.read(BLOCK):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
