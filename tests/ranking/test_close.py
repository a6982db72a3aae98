"""Close reading: measures by hand, changed items read as if anew, what is not read gains nothing."""

from dataclasses import replace

import numpy as np
import pytest

from mien.core.ids import Rows
from mien.core.query import Query
from mien.ranking import close
from mien.ranking.asking import Asked
from mien.ranking.close import CloseReading, said_of
from mien.ranking.matching import matched

MEASURES = {*close.WORDS.values(), *close.SPELLING.values()}


def columns(reading: CloseReading, text: str, rows: Rows):
    return reading.columns(reading.asked(text), rows)


def test_measures_by_hand(shop):
    """“dark roast beans” of “Dark roast coffee beans 1kg”: all words in order, one of two neighbouring pairs."""
    reading, row = CloseReading.of(shop.world.catalogue), shop.world.item_row("bean-dark")
    found = columns(reading, "dark roast beans", np.array([row], dtype=np.int32))
    assert set(found) == MEASURES
    assert found["words.share"] == [1.0]
    assert found["words.order"] == [1.0]
    assert found["words.pairs"] == [0.5]
    assert found["spelling.nearest"] == pytest.approx([1.0], abs=1e-5)
    misspelt = columns(reading, "dark rost beans", np.array([row], dtype=np.int32))
    assert misspelt["words.share"] == pytest.approx([2 / 3])
    assert 0.5 < misspelt["spelling.nearest"][0] < 1.0


def test_an_item_is_read_by_its_title_first(shop):
    said = said_of(shop.world.catalogue, shop.world.item_row("filters"))
    assert said == "Paper coffee filters - Northwind, white, Kitchen, Coffee, Filters, One hundred pieces"


def test_changed_items_are_read_as_if_all_were_read_anew(shop):
    """But for how rare words are, which stays as it was learnt: none of the measures compared here asks for it."""
    catalogue = shop.world.catalogue
    before, n = CloseReading.of(catalogue), len(catalogue)
    kept = columns(before, "glass teapot", np.arange(n, dtype=np.int32))
    tea = replace(catalogue.item(shop.world.item_row("teapot")), title="Porcelain kettle for gongfu brewing")
    changed = catalogue.with_items(
        {shop.world.item_row("teapot"): (tea, 0), n: (replace(tea, item_id="x"), 0)}, n + 1, 1
    )
    after, anew = before.with_rows(changed, [shop.world.item_row("teapot"), n]), CloseReading.of(changed)
    for text in ("porcelain kettle", "coffee beans", "gongfu 茶"):
        rows = np.arange(n + 1, dtype=np.int32)
        for name in ("words.share", "words.pairs", "words.order", "words.numbers"):
            assert columns(after, text, rows)[name].tolist() == columns(anew, text, rows)[name].tolist()
    again = columns(before, "glass teapot", np.arange(n, dtype=np.int32))
    assert all(again[name].tolist() == kept[name].tolist() for name in kept)


def test_what_is_not_read_is_measured_as_if_nothing_were_known(shop, monkeypatch):
    monkeypatch.setattr(close, "READ", 2)
    shelf = replace(shop.shelf, close=CloseReading.of(shop.world.catalogue))
    context = replace(shop.context(None), shelf=shelf)
    plain = matched(Asked.of(Query("coffee"), shop.context(None))).blend
    blend = matched(Asked.of(Query("coffee"), context)).blend
    read = next(term for term in blend.terms if term.kind == "words").columns["words.share"] > 0
    scores = dict(zip(blend.rows.tolist(), blend.scores.tolist(), strict=True))
    assert read.sum() == 2
    assert min(blend.scores[read]) >= max(blend.scores[~read])
    assert all(scores[row] == score for row, score in zip(plain.rows.tolist(), plain.scores.tolist(), strict=True))


@pytest.mark.parametrize("text", ["!!!", "的", "🙂", "x" * 500, "coffee " * 50])
def test_any_text_can_be_read(shop, text):
    reading = CloseReading.of(shop.world.catalogue)
    found = columns(reading, text, np.arange(len(shop.world.catalogue), dtype=np.int32))
    assert all(np.isfinite(values).all() for values in found.values())
