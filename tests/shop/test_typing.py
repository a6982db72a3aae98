"""Completion and synonyms of a shop: what many typed is offered, what one typed is not, and what is erased is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.core.errors import SourceError
from mien.ranking.completion import read_queries
from mien.shop import Shop, create
from mien.testing.world import World


@pytest.fixture
def typing(tmp_path: Path, toy: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """In the toy world two people search in English and one in Chinese, for coffee and for tea."""
    monkeypatch.setenv("MIEN_SEARCH_QUERY_USERS", "2")
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


def kinds(shop: Shop, prefix: str) -> dict[str, str]:
    return {one.text: one.kind for one in shop.complete(prefix)}


def test_what_several_people_typed_is_offered(typing: Shop) -> None:
    assert read_queries(typing.workspace.index) == {"coffee": 2, "tea": 2}
    assert kinds(typing, "cof")["coffee"] == "query"
    assert "咖啡" not in kinds(typing, "咖")  # one person typed it
    assert kinds(typing, "龙")["龙井茶叶 明前"] == "title"


def test_by_default_three_must_have_typed_it(built: Shop) -> None:
    assert read_queries(built.workspace.index) == {}
    assert kinds(built, "cof")["Coffee"] == "category"


def test_an_erased_user_counts_no_longer(typing: Shop) -> None:
    typing.erase("ann")
    assert read_queries(typing.workspace.index) == {"tea": 2}
    assert kinds(typing, "cof")["Coffee"] == "category"


def test_a_build_without_new_items_keeps_them_up_to_date(typing: Shop) -> None:
    (typing.workspace.index / "queries.json").unlink()
    typing.build()
    assert read_queries(typing.workspace.index) == {"coffee": 2, "tea": 2}


def test_synonyms_come_from_the_workspace(fresh: Shop, toy: World) -> None:
    assert fresh.search("mill").did_you_mean == "milk"
    (fresh.workspace.folder / "synonyms.txt").write_text("mill, grinder\n", encoding="utf-8")
    with Shop(fresh.workspace.folder, clock=lambda: toy.at) as again:
        found = again.search("mill")
        assert found.results[0].item_id == "grinder"
        assert found.did_you_mean is None
    (fresh.workspace.folder / "synonyms.txt").write_text("mill\n", encoding="utf-8")
    with Shop(fresh.workspace.folder, clock=lambda: toy.at) as broken, pytest.raises(SourceError, match="row 1"):
        broken.search("mill")
