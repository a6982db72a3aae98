"""Files that are there whole or not at all: written beside, made durable, put in place by one rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """Write to the file handed out; when the block ends well it stands at `path`, durable, else nothing changed.

    Makes the folder where it is missing. Readers meet the old file or the new one. Cost: two fsyncs.
    """
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


def sync(path: Path) -> None:
    """Make durable what was written to a file, or that a folder holds its files."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
