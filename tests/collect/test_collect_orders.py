"""Ordered histories: a line a user; attributes beside; bad lines named."""

from pathlib import Path

import pytest

from mien.collect.orders import read_orders
from mien.core.errors import SourceError


def write(folder: Path, text: str, attributes: str | None = None) -> Path:
    path = folder / "shop.txt"
    path.write_text(text, encoding="utf-8")
    if attributes is not None:
        (folder / "shop_item2attributes.json").write_text(attributes, encoding="utf-8")
    return path


def test_a_line_is_a_user(tmp_path: Path) -> None:
    orders = read_orders(write(tmp_path, "u1 a b c\n\n小王 b 茶\n", '{"b": [7, 9], "茶": [9, 9], "gone": [1]}'))
    assert orders.user_ids == ("u1", "小王")
    assert orders.item_ids == ("a", "b", "c", "茶")
    assert orders.user.tolist() == [0, 0, 0, 1, 1]
    assert orders.item.tolist() == [0, 1, 2, 1, 3]
    assert orders.place.tolist() == [0, 1, 2, 0, 1]
    assert orders.attributes.toarray().tolist() == [[0, 0], [1, 1], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("text", "attributes", "words"),
    [
        ("u1 a b\nu2\n", None, "row 2: .*has no item"),
        ("u1 a b\nu1 c\n", None, "row 2: The user u1 has a line already"),
        ("\n\n", None, "holds no history"),
        ("u1 a b", "[1, 2]", "no JSON object of item"),
        ("u1 a b", '{"a": 3}', "no JSON object of item"),
        ("u1 a b", "{", "no JSON object of item"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, attributes: str | None, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_orders(write(tmp_path, text, attributes))


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_orders(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="cannot be read as text"):
        read_orders(tmp_path / "bytes.txt")
