"""Synonyms: each other's, or one way only, in both languages."""

from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import SourceError
from mien.core.item import Catalogue
from mien.ranking.lexical import TextIndex, Tier
from mien.ranking.options import SearchOptions
from mien.ranking.synonyms import Synonyms
from mien.ranking.wanted import Reading
from mien.testing.world import items_table

TITLES = (
    "sofa bed",
    "couch cover",
    "mobile phone case",
    "番茄酱",
    "西红柿 新鲜",
    "jeans",
    "trousers",
    "unrelated sofas",
)
FILE = """
# both ways
sofa, couch
番茄，西红柿
cell phone, mobile phone   # several words
# one way
pants => jeans, trousers
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TextIndex:
    items = items_table([{"item_id": f"i{k}", "title": title} for k, title in enumerate(TITLES)])
    catalogue = Catalogue.of(items, np.arange(len(TITLES), dtype=np.int32), len(TITLES), 0)
    reading = Reading.of(SearchOptions(stop_words=("cheap",)), Synonyms.of(FILE.splitlines()))
    return TextIndex.build(tmp_path_factory.mktemp("synonyms"), catalogue, reading=reading)


def found(index: TextIndex, text: str) -> list[str]:
    matches = index.search(text)
    return [TITLES[row] for row in matches.rows[matches.tiers >= Tier.ALL_WORDS]]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("sofa", ["sofa bed", "unrelated sofas", "couch cover"]),
        ("couches", ["couch cover", "sofa bed", "unrelated sofas"]),
        ("cell phone case", ["mobile phone case"]),
        ("番茄", ["番茄酱", "西红柿 新鲜"]),
        ("西紅柿", ["西红柿 新鲜", "番茄酱"]),
        ("pants", ["jeans", "trousers"]),
        ("jeans", ["jeans"]),  # one way
        ("cheap jeans", ["jeans"]),  # a stop word of the shop
    ],
)
def test_finds_what_means_the_same(index: TextIndex, text: str, titles: list[str]) -> None:
    assert sorted(found(index, text)) == sorted(titles)


def test_a_stop_word_alone_is_still_a_query(index: TextIndex) -> None:
    assert found(index, "cheap") == []


@pytest.mark.parametrize("line", ["sofa", "=> couch", "sofa =>", "!!, ??"])
def test_a_line_that_is_none_names_its_place(line: str) -> None:
    with pytest.raises(SourceError, match="row 2"):
        Synonyms.of(["a, b", line], "synonyms.txt")


def test_no_file_and_a_file_that_is_no_text(tmp_path: Path) -> None:
    assert Synonyms.read(tmp_path / "none.txt") == Synonyms()
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="UTF-8"):
        Synonyms.read(tmp_path / "bad.txt")
    (tmp_path / "good.txt").write_text("\ufeff沙发, 长沙发\n", encoding="utf-8")
    assert Synonyms.read(tmp_path / "good.txt").others
