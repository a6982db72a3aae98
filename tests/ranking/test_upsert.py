"""The index changes while it is read: new, changed and withdrawn items, crashes, and several at once."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import NotReady, TransientError
from mien.core.item import Catalogue
from mien.ranking import indexing
from mien.ranking.lexical import TextIndex, Tier
from mien.testing.world import items_table


def catalogue_of(*titles: str | None, **columns: list[str | None]) -> Catalogue:
    """Items by row; None: nothing is known of that row."""
    rows = [k for k, title in enumerate(titles) if title is not None]
    items = items_table(
        [{"item_id": f"i{k}", "title": titles[k], **{name: told[k] for name, told in columns.items()}} for k in rows]
    )
    return Catalogue.of(items, np.array(rows, dtype=np.int32), len(titles), 0)


def rows(index: TextIndex, text: str) -> list[int]:
    return sorted(index.search(text).rows.tolist())


def test_new_changed_and_withdrawn(tmp_path: Path) -> None:
    index = TextIndex.build(tmp_path, catalogue_of("blue mug", "kettle", "teapot"))
    newer = catalogue_of("red mug", "kettle", None, "茶杯")
    index.upsert(newer, [0, 2, 3])
    assert rows(index, "mug") == [0]
    assert rows(index, "red") == [0]
    assert rows(index, "blue") == []
    assert rows(index, "teapot") == []
    assert rows(index, "茶杯") == [3]
    assert len(index) == 3
    assert index.search("red mug").tiers.tolist() == [Tier.EXACT_TITLE]
    again = TextIndex.open(tmp_path, newer)
    for text in ("mug", "red", "blue", "teapot", "茶杯", "kettle"):
        assert rows(again, text) == rows(index, text)


def test_upserting_is_building_anew(tmp_path: Path) -> None:
    titles = [f"{colour} {thing}" for colour in ("red", "blue", "绿色") for thing in ("mug", "茶杯", "teapot 1.5l")]
    whole = TextIndex.build(tmp_path / "whole", catalogue_of(*titles))
    grown = TextIndex.build(tmp_path / "grown", catalogue_of(*titles[:4], *[None] * 5))
    grown.upsert(catalogue_of(*titles), range(9))
    grown.upsert(catalogue_of(*titles), [8, 8, 3])  # twice changes nothing
    for text in ("mug", "红 mug", "茶杯", "绿色", "1500ml", "teapot", "blu"):
        one, other = whole.search(text), grown.search(text)
        assert sorted(zip(one.rows, one.tiers, strict=True)) == sorted(zip(other.rows, other.tiers, strict=True))
        assert one.corrected == other.corrected


def test_a_new_word_is_known_to_spelling(tmp_path: Path) -> None:
    index = TextIndex.build(tmp_path, catalogue_of("mug", None))
    assert index.search("espreso").corrected is None
    newer = catalogue_of("mug", "espresso")
    index.upsert(newer, [1])
    assert index.search("espreso").corrected == "espresso"
    assert TextIndex.open(tmp_path, newer).search("espreso").corrected == "espresso"


def test_rows_that_do_not_exist_are_withdrawn(tmp_path: Path) -> None:
    index = TextIndex.build(tmp_path, catalogue_of("mug"))
    index.upsert(catalogue_of("mug"), [7])
    index.upsert(catalogue_of("mug"), [])
    assert rows(index, "mug") == [0]


def test_readers_meet_all_of_it_or_nothing(tmp_path: Path) -> None:
    """Two items are always renamed together: no reader ever sees one of each name."""
    names = ("kettle", "samovar")
    index = TextIndex.build(tmp_path, catalogue_of(names[0], names[0]))

    def read(_: int) -> int:
        return len(index.search(names[0]))

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(read, k) for k in range(300)]
        for turn in range(1, 6):
            index.upsert(catalogue_of(*[names[turn % 2]] * 2), [0, 1])
        assert {one.result() for one in asked} <= {0, 2}


def test_a_crash_in_the_middle_leaves_what_was(tmp_path: Path) -> None:
    catalogue = catalogue_of("mug", "kettle")
    TextIndex.build(tmp_path, catalogue)
    dying = textwrap.dedent(
        f"""
        import os, sys
        from pathlib import Path
        from mien.ranking import indexing
        index, words = indexing.opened(Path({str(tmp_path)!r}))
        writer = index.writer(heap_size=16_000_000, num_threads=1)
        writer.delete_documents_by_term("row", 0)
        os._exit(9)
        """
    )
    assert subprocess.run([sys.executable, "-c", dying], check=False).returncode == 9
    index = TextIndex.open(tmp_path, catalogue)
    assert rows(index, "mug") == [0]
    index.upsert(catalogue_of("cup", "kettle"), [0])  # and the lock of the dead does not stay
    assert (rows(index, "mug"), rows(index, "cup")) == ([], [0])


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    catalogue = catalogue_of("mug")
    index = TextIndex.build(tmp_path, catalogue)
    other, _ = indexing.opened(tmp_path)
    writer = other.writer(heap_size=16_000_000, num_threads=1)
    with pytest.raises(TransientError, match="Try again"):
        index.upsert(catalogue, [0])
    writer.wait_merging_threads()
    index.upsert(catalogue, [0])
    assert rows(index, "mug") == [0]


@pytest.mark.parametrize("lost", ["meta.json", "words.json"])
def test_a_half_written_index_is_never_opened(tmp_path: Path, lost: str) -> None:
    catalogue = catalogue_of("mug")
    TextIndex.build(tmp_path, catalogue)
    (version,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    (version / lost).write_text('{"half": ')
    with pytest.raises(NotReady, match="mien build"):
        TextIndex.open(tmp_path, catalogue)
    TextIndex.build(tmp_path, catalogue)
    assert rows(TextIndex.open(tmp_path, catalogue), "mug") == [0]


def test_attributes_and_colours_are_searched(tmp_path: Path) -> None:
    attributes = [
        '{"material": "walnut", "size": {"height": "40cm"}, "tags": ["rustic", 7]}',
        "no json",
        "[null]",
        None,
    ]
    colours = ["Navy", None, "红色", None]
    index = TextIndex.build(tmp_path, catalogue_of("shelf", "table", "", "", attributes=attributes, colour=colours))
    assert rows(index, "walnut shelf") == [0]
    assert rows(index, "rustic") == [0]
    assert rows(index, "400mm") == [0]
    assert rows(index, "json") == [1]
    assert rows(index, "navy") == rows(index, "蓝色") == [0]
    assert rows(index, "red") == rows(index, "红") == [2]
    assert rows(index, "null") == []
