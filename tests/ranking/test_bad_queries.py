"""Whatever is typed is answered, or refused in a sentence."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.errors import MienError
from mien.core.item import Catalogue
from mien.core.query import Query
from mien.profiles.yardstick import Yardstick
from mien.ranking.lexical import TextIndex
from mien.ranking.pipeline import answer
from mien.ranking.shelf import Context, Shelf
from mien.testing.world import items_table

ODD = {
    "empty": "",
    "space": " \t\n\u3000",
    "one letter": "t",
    "one character": "茶",
    "long": "tea " * 2_500,
    "long word": "x" * 10_000,
    "long Chinese": "茶叶" * 5_000,
    "punctuation": "!?,.;:…—。，！？、",
    "emoji": "🍵☕️👨‍👩‍👧",
    "right to left": "شاي اخضر",
    "marks of direction": "\u202etea\u202c",
    "control characters": "\x00\x07tea\x1b[31m",
    "surrogate": "tea\ud800",
    "field": "title:*",
    "quote": '"tea',
    "brackets": "((tea] OR {",
    "regex": "/.*/",
    "range": "[a TO z]",
    "boost": "tea^1000",
    "only numbers": "123456789012345678901234567890",
    "huge price": "tea under 999999999",
    "sql": "'; DROP TABLE items; --",
    "markup": "[bold]tea[/] <b>tea</b>",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@pytest.mark.parametrize("user", [None, "ann"])
def test_is_answered(shop, text, user):
    found = shop.ask(text, user)
    assert len(found.results) <= 10
    for result in found.results:
        assert math.isfinite(result.score)
        assert abs(math.fsum(reason.contribution for reason in result.reasons) - result.score) < 1e-6


def test_syntax_means_nothing(shop, ids):
    for dressed in ('"tea"', "tea^99", "(tea", "+tea", "tea\x00", "\u202etea", "TEA!"):
        assert ids(shop.ask(dressed)) == ids(shop.ask("tea"))
    assert "teapot" in ids(shop.ask("title:teapot"))


def test_what_is_not_read_of_a_long_query_changes_nothing(shop, ids):
    assert ids(shop.ask("tea " * 100)) == ids(shop.ask("tea " * 2_500)) == ids(shop.ask("tea"))


@settings(deadline=None)
@given(text=st.text(max_size=80), k=st.integers(-2, 30), offset=st.integers(-1, 20), understand=st.booleans())
def test_any_question_is_answered_or_refused_in_a_sentence(shop, text, k, offset, understand):
    try:
        found = shop.ask(text, k=k, offset=offset, understand=understand)
    except MienError:
        assert k < 0 or offset < 0
        return
    assert len(found.results) <= k


def test_an_item_without_a_title(tmp_path, shop):
    items = items_table(
        [
            {"item_id": "bare", "title": ""},
            {"item_id": "told", "title": "", "description": "a quiet kettle", "brand": "Stille"},
            {"item_id": "named", "title": "kettle"},
        ]
    )
    catalogue = Catalogue.of(items, np.arange(3, dtype=np.int32), 3, 0)
    shelf = Shelf(catalogue, Yardstick.of(catalogue, shop.world.population()), TextIndex.build(tmp_path, catalogue))
    context = Context(shelf, 0, clock=lambda: 0.0)
    assert [result.item_id for result in answer(Query("kettle"), context).results] == ["named", "told"]
    assert [result.item_id for result in answer(Query("stille"), context).results] == ["told"]
    assert {result.item_id for result in answer(Query(), context).results} == {"bare", "told", "named"}


def test_two_items_of_one_id(tmp_path, shop):
    """The newest version that holds by then is the item; there is one row of it, and one answer."""
    items = items_table([{"item_id": "a", "title": "old kettle"}, {"item_id": "a", "title": "new samovar"}])
    catalogue = Catalogue.of(items, np.zeros(2, dtype=np.int32), 1, 0)
    index = TextIndex.build(tmp_path, catalogue)
    assert len(index) == 1
    assert index.search("samovar").rows.tolist() == [0]
    assert len(index.search("kettle")) == 0
