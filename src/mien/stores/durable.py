"""Files that are there whole or not at all: written beside, made durable, put in place by one rename."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Write to the file handed out; when the block ends well it stands at `path`, durable, else nothing changed.

    Makes the folder where it is missing. Readers meet the old file or the new one. Cost: two fsyncs.
    """
    path = path.absolute()  # "." has no name
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        with half.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    sync(path.parent)


def write_whole(path: Path, content: bytes | str) -> None:
    """`whole` for content at hand; text is UTF-8."""
    with whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Fill the folder handed out; when the block ends well it stands at `folder`, durable, else nothing is there.

    A folder that stands there already is replaced. Cost: one fsync a file.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f".{folder.name}.{os.getpid()}.writing")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        yield half
        for path in half.rglob("*"):
            sync(path)
        shutil.rmtree(folder, ignore_errors=True)
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Make durable what was written to a file, or that a folder holds its files."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
