"""What somebody may be about to type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.item import Catalogue
from mien.ranking.completion import Completer, Completion, read_queries, write_queries
from mien.testing.world import items_table, world


@pytest.fixture(scope="module")
def completer() -> Completer:
    toy = world()
    queries = {"coffee beans": 9, "coffee": 30, "绿茶": 5, "teapot with filter": 2}
    return Completer.of(toy.catalogue, np.linspace(0, 1, len(toy.catalogue)), queries)


def texts(found: list[Completion]) -> list[str]:
    return [one.text for one in found]


def test_queries_before_categories_before_titles(completer: Completer) -> None:
    found = completer.complete("cof")
    assert found[0] == Completion("coffee", "query")
    assert found[1] == Completion("coffee beans", "query")
    assert Completion("Coffee grinder", "title") in found
    assert texts(found).index("Coffee grinder") > 1
    assert len(found) == len({text.lower() for text in texts(found)})  # the category Coffee is the query coffee


@pytest.mark.parametrize(
    ("typed", "text"),
    [("龙", "龙井茶叶 明前"), ("龍井", "龙井茶叶 明前"), ("绿", "绿茶"), ("西", "西湖"), ("GREEN", "Green tea leaves"),
     ("ｔｅａ", "Tea"), ("north", "Northwind"), ("Kit", "Kitchen")],
)  # fmt: skip
def test_any_script_and_case(completer: Completer, typed: str, text: str) -> None:
    assert text in texts(completer.complete(typed))


def test_a_later_word_will_do(completer: Completer) -> None:
    assert texts(completer.complete("beans"))[:2] == ["Beans", "coffee beans"]
    assert "teapot with filter" in texts(completer.complete("filter"))


def test_what_may_not_be_shown_is_not_offered(completer: Completer) -> None:
    assert completer.complete("copper") == []


@pytest.mark.parametrize("typed", ["", "   ", "!?", "\x00", "\u202e", "zzzz", "x" * 10_000, "*", "title:*", "😀"])
def test_nothing_to_offer(completer: Completer, typed: str) -> None:
    assert completer.complete(typed) == []


def test_none_asked_for(completer: Completer) -> None:
    assert completer.complete("c", 0) == []
    assert len(completer.complete("c", 1)) == 1


def test_an_empty_shop() -> None:
    catalogue = Catalogue.of(items_table([]), np.empty(0, dtype=np.int32), 0, 0)
    assert Completer.of(catalogue, np.empty(0), {}).complete("a") == []


@given(typed=st.text(max_size=20), k=st.integers(0, 20))
def test_any_text_can_be_typed(completer: Completer, typed: str, k: int) -> None:
    found = completer.complete(typed, k)
    assert len(found) == len(set(found)) <= k


def test_the_heaviest_of_many() -> None:
    items = items_table([{"item_id": str(k), "title": f"mug {k:04}"} for k in range(3_000)])
    catalogue = Catalogue.of(items, np.arange(3_000, dtype=np.int32), 3_000, 0)
    popularity = np.random.default_rng(0).random(3_000)
    best = np.argsort(-popularity)[:5]
    found = Completer.of(catalogue, popularity, {}).complete("mug", 5)
    assert texts(found) == [f"mug {k:04}" for k in best]


def test_queries_are_kept(tmp_path) -> None:
    assert read_queries(tmp_path) == {}
    write_queries(tmp_path, [("茶", 4), ("tea", 3)])
    assert read_queries(tmp_path) == {"茶": 4, "tea": 3}
    (tmp_path / "queries.json").write_text("{half")
    assert read_queries(tmp_path) == {}
