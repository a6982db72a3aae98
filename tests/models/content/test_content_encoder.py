"""The contract of encoders, on one whose vectors a reader can compute."""

from collections.abc import Callable

import numpy as np
import pytest

from mien.core.errors import UnknownName, UsageError
from mien.models.content.encoder import Vectors, printable
from mien.models.content.options import ContentSettings
from mien.testing.encoder_checks import Letters


def test_rows_are_unit_vectors_by_hand() -> None:
    rows = Letters().encode(["aaaabbb", "", "  ", "xyz", "c"])
    assert rows.dtype == np.float32
    assert rows == pytest.approx(np.array([[0.8, 0.6, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]))


def test_raw_vectors_where_asked_for() -> None:
    rows = Letters(ContentSettings(normalise=False)).encode(["aab"], kind="query")
    assert rows.tolist() == [[4.0, 2.0, 0.0]]


def test_a_cut_vector_is_brought_to_length_1_again() -> None:
    encoder = Letters(ContentSettings(dim=2))
    assert encoder.dim == 2
    assert encoder.encode(["aaaabbbccccc"]) == pytest.approx(np.array([[0.8, 0.6]]))


def test_more_numbers_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match="gives 3 numbers"):
        Letters(ContentSettings(dim=4))


def test_batches_hold_texts_of_like_length_longest_first() -> None:
    encoder = Letters(ContentSettings(batch=2))
    encoder.encode(["a", "aaaa", "", "aaa", "aa", "长长"])  # in UTF-8 a Chinese character is three bytes
    assert encoder.asked == [["长长", "aaaa"], ["aaa", "aa"], ["a"]]


@pytest.mark.parametrize("workers", [1, 3])
def test_batch_equals_single_whatever_the_threads(workers: int) -> None:
    texts = [letter * n for n in range(1, 40) for letter in "abc"] + ["abc", "", "cab"]
    encoder = Letters(ContentSettings(batch=4), workers=workers)
    single = np.concatenate([encoder.encode([text]) for text in texts])
    assert (encoder.encode(texts) == single).all()


def test_no_texts_no_rows() -> None:
    assert Letters().encode([]).shape == (0, 3)


def test_every_text_is_counted_once_in_the_progress() -> None:
    counted = []

    class Counting:
        def step(self, name: str, total: int | None) -> Callable[[int], None]:
            counted.append(-(total or 0))
            return counted.append

    Letters(ContentSettings(batch=2)).encode(["a", "b", "", "c"], progress=Counting())
    assert counted == [-3, 2, 1]


@pytest.mark.parametrize(("text", "said"), [(" a\n", "a"), ("a\0b", "a b"), ("\ud800x", "?x"), ("\0", "")])
def test_what_no_engine_could_take_is_mended(text: str, said: str) -> None:
    assert printable(text) == said


def test_the_version_tells_what_the_vectors_depend_on() -> None:
    settings = [ContentSettings(), ContentSettings(dim=2), ContentSettings(normalise=False)]
    assert len({Letters(one).version for one in settings}) == 3
    assert Letters(ContentSettings(batch=7, threads=1)).version == Letters().version


def test_settings_that_cannot_be() -> None:
    with pytest.raises(UnknownName, match="Nearest: onnx"):
        ContentSettings(backend="onxx")
    with pytest.raises(UsageError, match="batch"):
        ContentSettings(batch=0)
    with pytest.raises(UsageError, match="bf16"):
        ContentSettings(backend="onnx", precision="bf16")
    with pytest.raises(UsageError, match="int8"):
        ContentSettings(backend="torch", precision="int8")


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory")])
def test_where_memory_does_not_hold_it_is_said_what_to_lower(failure: Exception) -> None:
    class Full(Letters):
        def _vectors(self, texts: list[str], kind: str) -> Vectors:  # type: ignore[override]
            raise failure

    with pytest.raises(UsageError, match=r"does not hold 2 texts.* Lower its batch"):
        Full().encode(["a", "b"])


def test_another_failure_is_not_taken_for_it() -> None:
    class Broken(Letters):
        def _vectors(self, texts: list[str], kind: str) -> Vectors:  # type: ignore[override]
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Broken().encode(["a"])
