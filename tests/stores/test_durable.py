"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from mien.stores.durable import whole, whole_folder, write_whole


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


def fill_half(folder: Path) -> None:
    with whole_folder(folder) as half:
        (half / "a").write_text("half")
        raise RuntimeError


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "model"
    with pytest.raises(RuntimeError):
        fill_half(folder)
    assert not folder.exists()
    for content in ("old", "new"):
        with whole_folder(folder) as half:
            (half / "inside").mkdir()
            (half / "inside" / "a").write_text(content)
    with pytest.raises(RuntimeError):
        fill_half(folder)
    assert (folder / "inside" / "a").read_text() == "new"
    assert list(folder.parent.iterdir()) == [folder]
