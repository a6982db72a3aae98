"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from mien.stores.durable import whole, write_whole


def write_half(path: Path) -> None:
    with whole(path) as file:
        file.write(b"half")
        raise RuntimeError


def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_whole(path, "旧")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text(encoding="utf-8") == "旧"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]
