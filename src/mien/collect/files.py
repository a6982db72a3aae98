"""Files, folders and globs as parts to read: format and compression by name and by content."""

import glob
import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from mien.collect.engine import FULL_DISK
from mien.core.errors import SourceError
from mien.core.phrase import Phrase

SURE = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
"""Suffix → format, taken wherever it is met."""
FORMATS = {**SURE, **dict.fromkeys((".txt", ".dat", ".data"), "csv"), ".json": "jsonl"}
"""Suffix → format, taken of a file that was asked for by its name."""
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"))
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": Phrase("an old Office file"),
    b"%PDF": Phrase("a PDF"),
    b"SQLite format 3": Phrase("a SQLite file (give sqlite:///PATH?table=NAME)"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a source: a file, or a member of a ZIP. `name` says where it stood, below the source."""

    path: Path
    name: str
    format: str
    compression: str | None = None
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The part's bytes, decompressed in a stream; damaged archives are a `SourceError`."""
        try:
            with open(self.path, "rb") as file:
                if self.compression == "gzip":
                    yield cast(BinaryIO, gzip.GzipFile(fileobj=file))
                elif self.compression == "zstd":
                    yield cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
                elif self.compression == "zip":
                    with zipfile.ZipFile(file) as archive, archive.open(self.member or "") as member:
                        yield cast(BinaryIO, member)
                else:
                    yield file
        except OSError as error:
            if error.errno in FULL_DISK:
                raise
            raise SourceError("The file cannot be read: {error}", error=error, path=self.name) from error
        except (EOFError, zipfile.BadZipFile, zstandard.ZstdError, RuntimeError) as error:
            raise SourceError("The file cannot be read: {error}", error=error, path=self.name) from error


def find_parts(source: str | Path) -> tuple[list[Part], list[Phrase]]:
    """The parts of a file, folder or glob in order of name, and messages on files that were left out."""
    text = str(source)
    path = Path(text).expanduser()
    if path.is_file():
        parts = list(file_parts(path, path.name, asked=True))
        return parts, []
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file, path))
        root = path
    elif glob.has_magic(text):
        files = sorted(Path(found) for found in glob.glob(str(path), recursive=True) if Path(found).is_file())
        root = path.parent if not glob.has_magic(str(path.parent)) else Path(path.anchor or ".")
    else:
        raise SourceError("There is no such file or folder. Check the name, or give a glob in quotes.", path=text)
    parts, left = [], []
    for file in files:
        name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
        found = list(file_parts(file, name, asked=False))
        parts.extend(found)
        if not found:
            left.append(Phrase("{name} was left out: its name does not say CSV, TSV, JSONL or Parquet.", name=name))
    if not parts:
        seen = [file.name for file in files[:5]] or Phrase("nothing")
        raise SourceError("No CSV, TSV, JSONL or Parquet file was found; there is: {seen}.", seen=seen, path=text)
    return parts, left


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def file_parts(path: Path, name: str, *, asked: bool) -> Iterator[Part]:
    """The parts of one file; a file that was asked for by name must be usable."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    head = _head(path)
    compression = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if compression == "zip":
        if suffixes[-1:] in ([".xlsx"], [".xlsm"], [".ods"]):
            raise SourceError("This is a workbook. Save its sheet as CSV and give that.", path=name)
        yield from _members(path, name)
        return
    suffix_formats = FORMATS if asked else SURE
    known = [suffix_formats[suffix] for suffix in reversed(suffixes) if suffix in suffix_formats]
    if not known and not asked:
        return
    if compression is None:
        foreign = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)
        if foreign:
            raise SourceError("This is {foreign}, not CSV, TSV, JSONL or Parquet.", foreign=foreign, path=name)
    yield Part(path, name, _format(head, known[0] if known else None), compression)


def _format(head: bytes, named: str | None) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return named or ("jsonl" if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv")


def _members(path: Path, name: str) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise SourceError("The ZIP is damaged: {error}", error=error, path=name) from error
    infos = [info for info in infos if "__MACOSX" not in info.filename]
    usable = [info for info in infos if _suffix(info) in SURE] or [info for info in infos if _suffix(info) in FORMATS]
    if not usable:
        held = [info.filename for info in infos[:5]] or Phrase("nothing")
        raise SourceError("The ZIP holds no CSV, TSV, JSONL or Parquet file; it holds {held}.", held=held, path=name)
    for info in sorted(usable, key=lambda info: info.filename):
        if info.flag_bits & 1:
            raise SourceError("The member {filename} is encrypted. Unpack it first.", filename=info.filename, path=name)
        inner = f"{name}/{info.filename}" if len(usable) > 1 else name
        yield Part(path, inner, FORMATS[_suffix(info)], "zip", info.filename)


def _suffix(info: zipfile.ZipInfo) -> str:
    return Path(info.filename).suffix.lower()


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(16)
    except OSError as error:
        raise SourceError("The file cannot be opened: {strerror}.", strerror=error.strerror, path=path) from error
