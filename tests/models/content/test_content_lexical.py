"""The lexical encoder: its counts by hand, its laws, what it finds alike in both languages."""

from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import NotReady
from mien.models.content.lexical import Lexical, grams, hashed_counts, weighed
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.testing.encoder_checks import ENCODER_LAWS, MUGS

CATALOGUE = [
    *MUGS,
    *(f"{colour} {thing}" for colour in ("red", "green", "white") for thing in ("mug", "cup", "hose", "garden chair")),
    *(f"{colour}{thing}" for colour in ("红色", "绿色", "白色") for thing in ("马克杯", "杯子", "水管", "花园椅")),
]


def test_parts_of_words_by_hand() -> None:
    assert list(grams("Mugs")) == ["mug", "#<mu", "#mug", "#ugs", "#gs>", "#<mug", "#mugs", "#ugs>"]
    assert list(grams("茶杯")) == ["茶杯", "茶", "杯", "#茶杯"]


def test_weights_by_hand() -> None:
    counts = hashed_counts(["茶茶", "茶杯"])
    assert counts.sum() == len(list(grams("茶茶"))) + len(list(grams("茶杯")))
    rows = weighed(counts, np.ones(counts.shape[1], dtype=np.float32))
    heavy = 1 + np.log(2)  # 茶 twice; the word and the pair once
    assert rows[[0]].max() == pytest.approx(heavy / np.sqrt(heavy**2 + 2))


@pytest.mark.parametrize("law", ENCODER_LAWS, ids=lambda law: law.__name__)
def test_laws(law: object) -> None:
    law(Lexical.fit(CATALOGUE))  # type: ignore[operator]


def test_what_is_alike_lies_near() -> None:
    encoder = Lexical.fit(CATALOGUE, ContentSettings(encoder="lexical", dim=16))
    for query, near, far in (
        ("blue mugs", "Blue stoneware mug", "Garden hose 20 m"),
        ("马克杯", "红色马克杯", "白色花园椅"),
    ):
        rows = encoder.encode([query, near, far])
        assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    settings = ContentSettings(encoder="lexical", dim=8)
    made = encoder_named(settings, folder=tmp_path, texts=CATALOGUE)
    again = encoder_named(settings, folder=tmp_path)
    assert again.version == made.version
    assert (again.encode(MUGS) == made.encode(MUGS)).all()
    assert Lexical.fit(CATALOGUE, settings).version == made.version
    assert Lexical.fit(CATALOGUE[:-1], settings).version != made.version


def test_few_texts_leave_columns_of_zero() -> None:
    rows = Lexical.fit(["tea", "mug"]).encode(["tea", "mug", "never met"])
    assert rows.shape == (3, 128)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)


def test_without_words_or_a_catalogue_it_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="needs texts"):
        Lexical.fit(["", "!!"])
    with pytest.raises(NotReady, match="mien train"):
        encoder_named(ContentSettings(encoder="lexical"))
    with pytest.raises(NotReady, match="lexical encoder"):
        encoder_named(ContentSettings(encoder="lexical"), folder=tmp_path)
