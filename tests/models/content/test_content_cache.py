"""Vectors on disk: what was encoded stays, whatever moment a process dies at, and nothing is encoded twice."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.content import cache as module
from mien.models.content.cache import Remembering, VectorCache
from mien.models.content.options import ContentSettings
from mien.testing.encoder_checks import Letters

TEXTS = ["aab", "bc", "", "aab", "c"]


def files(folder: Path) -> tuple[Path, Path]:
    (inside,) = [path for path in folder.iterdir() if path.is_dir()]
    return inside / "keys", inside / "vectors"


def test_equal_texts_are_encoded_once_and_for_good(tmp_path: Path) -> None:
    encoder, cache = Letters(), VectorCache(tmp_path)
    first = cache.vectors(encoder, TEXTS)
    assert (first == Letters().encode(TEXTS)).all()
    assert sorted(text for batch in encoder.asked for text in batch) == ["aab", "bc", "c"]
    encoder.asked.clear()
    assert (VectorCache(tmp_path).vectors(encoder, TEXTS) == first).all()
    assert not encoder.asked
    VectorCache(tmp_path).vectors(encoder, [*TEXTS, "new a"])
    assert encoder.asked == [["new a"]]


def test_kinds_and_versions_are_kept_apart(tmp_path: Path) -> None:
    cache, raw = VectorCache(tmp_path), ContentSettings(normalise=False)
    assert cache.vectors(Letters(raw), ["a"]).tolist() == [[1, 0, 0]]
    assert cache.vectors(Letters(raw), ["a"], kind="query").tolist() == [[2, 0, 0]]
    other = Letters(raw, version="letters/2")
    cache.vectors(other, ["a"])
    assert other.asked == [["a"]]
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_asked_nothing_made(tmp_path: Path) -> None:
    assert VectorCache(tmp_path).vectors(Letters(), []).shape == (0, 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("torn", ["keys", "vectors"])
@pytest.mark.parametrize("left", [0, 5, 17, 30])
def test_a_torn_file_costs_only_what_was_torn(tmp_path: Path, torn: str, left: int) -> None:
    encoder = Letters()
    whole = VectorCache(tmp_path).vectors(encoder, TEXTS)
    path = dict(zip(("keys", "vectors"), files(tmp_path), strict=True))[torn]
    os.truncate(path, left)
    encoder.asked.clear()
    assert (VectorCache(tmp_path).vectors(encoder, TEXTS) == whole).all()
    again = sum(len(batch) for batch in encoder.asked)
    assert again == 4 - left // (16 if torn == "keys" else 12) - 1  # the empty text is held too, and asks for nothing
    encoder.asked.clear()
    assert (VectorCache(tmp_path).vectors(encoder, TEXTS) == whole).all()
    assert not encoder.asked


def test_a_death_between_rows_and_keys_loses_no_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Letters()
    VectorCache(tmp_path).vectors(encoder, ["a", "b"])
    write = module._write

    def dies(path: Path, at: int, content: bytes) -> None:
        if path.name == "keys":
            raise KeyboardInterrupt
        write(path, at, content)

    monkeypatch.setattr(module, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path).vectors(encoder, ["ccc", "ab"])
    monkeypatch.undo()
    assert (VectorCache(tmp_path).vectors(encoder, ["c", "a", "bb"]) == Letters().encode(["c", "a", "bb"])).all()


def test_several_writers_take_turns(tmp_path: Path) -> None:
    texts = [f"{'a' * k}{'b' * (k % 5)}c" for k in range(200)]

    def work(start: int) -> bool:
        part = texts[start:] + texts[:start]
        return bool((VectorCache(tmp_path).vectors(Letters(), part) == Letters().encode(part)).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, [0, 50, 100, 150]))
    keys, vectors = files(tmp_path)
    assert keys.stat().st_size == 200 * 16
    assert vectors.stat().st_size == 200 * 12


def test_keys_that_share_their_first_half_are_told_apart() -> None:
    keys = np.array([[5, 1], [7, 2], [5, 3], [5, 2]], dtype=np.uint64)
    held = module._Held(keys, np.arange(4, dtype=np.float32)[:, None])
    asked = [np.array(pair, dtype=np.uint64).tobytes() for pair in [[5, 2], [5, 4], [7, 2], [9, 9], [5, 3], [5, 1]]]
    assert held.find(asked).tolist() == [3, -1, 1, -1, 2, 0]


@given(st.lists(st.text(max_size=6), max_size=30), st.lists(st.text(max_size=6), max_size=30))
def test_a_cache_changes_no_vector(tmp_path_factory: pytest.TempPathFactory, first: list[str], then: list[str]) -> None:
    folder = tmp_path_factory.mktemp("cache")
    encoder = Remembering(Letters(), VectorCache(folder))
    for texts in (first, then, first + then):
        assert (encoder.encode(texts) == Letters().encode(texts)).all()
    assert (encoder.name, encoder.version, encoder.dim) == ("letters", Letters().version, 3)
