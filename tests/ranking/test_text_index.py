"""What the text index finds, in English and Chinese, whatever is typed."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import NotReady
from mien.core.item import Catalogue
from mien.ranking.lexical import TextIndex, Tier
from mien.testing.world import items_table


def catalogue_of(*titles):
    items = items_table([{"item_id": f"i{k}", "title": title} for k, title in enumerate(titles)])
    return Catalogue.of(items, np.arange(len(titles), dtype=np.int32), len(titles), 0)


def found(shop, text):
    matches = shop.shelf.index.search(text)
    return {shop.world.item_ids[row]: Tier(tier) for row, tier in zip(matches.rows, matches.tiers, strict=True)}


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("grinders", "grinder"),  # a stem
        ("GRINDER", "grinder"),
        ("Coffee Grinder", "grinder"),
        ("ＣＯＦＦＥＥ　ｇｒｉｎｄｅｒ", "grinder"),  # full width
        ("roasted beans", "bean-dark"),
        ("uji", "green-tea"),  # in the description
        ("machines", "espresso"),  # in the category
        ("northwind filters", "filters"),  # brand and title together
        ("茶叶", "longjing"),
        ("龙井", "longjing"),
        ("龙井茶", "longjing"),
        ("井", "longjing"),  # a single character
        ("西湖 茶杯", "cup-zh"),
        ("咖啡豆", "bean-zh"),
        ("手冲", "bean-zh"),
    ],
)
def test_finds(shop, text, item):
    assert item in found(shop, text)


def test_every_word_must_be_there_while_there_is_enough(tmp_path):
    titles = [f"red dress {k}" for k in range(12)] + ["red shoes", "blue dress"]
    index = TextIndex.build(tmp_path, catalogue_of(*titles))
    assert set(index.search("red dress").rows) == set(range(12))


def test_some_words_follow_where_few_hold_all(shop):
    tiers = found(shop, "coffee teapot grinder")
    assert tiers["grinder"] == Tier.SOME_WORDS
    assert "teapot" in tiers
    assert found(shop, "glass teapot")["teapot"] == Tier.EXACT_TITLE


def test_homophones_are_not_matched(shop):
    """查页, 插叶 and 卡飞 sound like 茶叶 and 咖啡; typing them finds nothing that only sounds alike."""
    assert "longjing" in found(shop, "茶叶")
    assert found(shop, "查页") == {}
    assert found(shop, "卡飞") == {}
    assert found(shop, "查") == {}


def test_characters_without_the_word_come_after_the_word(tmp_path):
    index = TextIndex.build(tmp_path, catalogue_of("牛奶巧克力", "奶油蛋糕 牛皮纸盒"))
    matches = index.search("牛奶")
    assert matches.rows.tolist() == [0, 1]
    assert matches.tiers.tolist() == [Tier.ALL_WORDS, Tier.ALL_CHARACTERS]


def test_exact_titles_come_first(tmp_path):
    index = TextIndex.build(tmp_path, catalogue_of("tea tea tea", "Tea", "green tea", "tea cup"))
    matches = index.search("TEA ")
    assert matches.rows[0] == 1
    assert matches.tiers.tolist() == [Tier.EXACT_TITLE, *[Tier.ALL_WORDS] * 3]


def test_the_name_of_a_category_is_no_title(tmp_path):
    items = items_table(
        [{"item_id": f"i{k}", "title": title, "category": "Dairy/Yogurt"} for k, title in enumerate(("Yogurt", "Skyr"))]
    )
    index = TextIndex.build(tmp_path, Catalogue.of(items, np.arange(2, dtype=np.int32), 2, 0))
    assert set(index.search("yogurt").tiers.tolist()) == {Tier.ALL_WORDS}
    assert Tier(index.search("skyr").tiers[0]) == Tier.EXACT_TITLE


def test_a_title_weighs_more_than_a_description(tmp_path):
    items = items_table(
        [
            {"item_id": "a", "title": "mug", "description": "goes with a kettle"},
            {"item_id": "b", "title": "kettle", "description": "goes with a mug"},
        ]
    )
    index = TextIndex.build(tmp_path, Catalogue.of(items, np.arange(2, dtype=np.int32), 2, 0))
    assert index.search("kettle now").rows[0] == 1


@pytest.mark.parametrize(
    ("typed", "meant"), [("expresso", "espresso"), ("cofee", "coffee"), ("coffee gridner", "coffee grinder")]
)
def test_typos_are_forgiven(shop, typed, meant):
    matches = shop.shelf.index.search(typed)
    assert matches.corrected == meant
    assert matches.rows.tolist() == shop.shelf.index.search(meant).rows.tolist()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("连裙衣", "连衣裙"), ("连裙", "连衣裙"), ("方面方面", "方方面面"), ("不不理睬", "不理不睬")],
)
def test_chinese_characters_swapped_or_forgotten_are_forgiven(tmp_path, typed, meant):
    index = TextIndex.build(tmp_path, catalogue_of(meant, "方面", "理睬", "裙子"))
    matches = index.search(typed)
    assert matches.corrected == meant
    assert matches.rows[0] == 0


def test_a_word_of_the_dictionary_is_no_typo(tmp_path):
    """手套 are gloves, 手机套 is a case for a phone: a shop without the one does not say that the other was meant."""
    index = TextIndex.build(tmp_path, catalogue_of(*["手机套"] * 20))
    assert index.search("手套").corrected is None
    assert index.search("手机").corrected is None
    assert index.search("机手套").corrected == "手机套"


def test_known_words_are_not_corrected(shop):
    assert shop.shelf.index.search("coffee").corrected is None
    assert shop.shelf.index.search("xqzvw").corrected is None


@given(text=st.text(max_size=60))
def test_any_text_is_a_query(shop, text):
    matches = shop.shelf.index.search(text)
    assert len(matches.rows) == len(matches.scores) == len(matches.tiers) == len(set(matches.rows.tolist()))


@pytest.mark.parametrize(
    "text",
    ['"', "(((", "title:*", "a AND (OR", "tea^99", "[a TO z]", "/.*/", "-tea", "tea~9", "\x00tea", "茶:*", "tea" * 500],
)
def test_query_syntax_means_nothing(shop, text):
    """What a query language would read as an operator only separates words here."""
    bare = re.sub(r"[^\w\s]|\x00", " ", text)
    written, plain = shop.shelf.index.search(text), shop.shelf.index.search(bare)
    assert written.rows.tolist() == plain.rows.tolist()
    assert written.tiers.tolist() == plain.tiers.tolist()


def test_operators_are_words(shop):
    assert set(found(shop, "tea AND NOT title:coffee")) >= set(found(shop, "coffee tea"))


@given(limit=st.integers(1, 14))
def test_a_limit_keeps_the_best_and_tells_the_rest(shop, limit):
    everything, cut = shop.shelf.index.search("coffee"), shop.shelf.index.search("coffee", limit)
    assert cut.rows.tolist() == everything.rows[:limit].tolist()
    assert cut.total == everything.total == len(everything)


@pytest.mark.parametrize("text", ["green kettle", "红色水壶"])
def test_whatever_is_counted_is_there(tmp_path, text):
    """However many hold only some of the words or characters: a page at the end of them is not empty."""
    index = TextIndex.build(tmp_path, catalogue_of(*(f"green pot {k} 红壶色水" for k in range(700)), "blue kettle"))
    matches = index.search(text, 650)
    assert matches.total >= 700
    assert len(matches) == min(matches.total, 650)
    assert index.search(text).total == len(index.search(text)) == matches.total


def test_unknown_items_are_not_indexed(tmp_path):
    items = items_table([{"item_id": "a", "title": "mug"}])
    catalogue = Catalogue.of(items, np.array([1], dtype=np.int32), 3, 0)
    index = TextIndex.build(tmp_path, catalogue)
    assert len(index) == 1
    assert index.search("mug").rows.tolist() == [1]


def test_a_rebuild_takes_over_in_one_step(tmp_path):
    old = TextIndex.build(tmp_path, catalogue_of("mug"))
    newer = catalogue_of("mug", "kettle")
    TextIndex.build(tmp_path, newer)
    assert len(old.search("mug")) == 1  # a reader of the old index goes on reading it
    assert len(old.search("kettle")) == 0
    assert len(TextIndex.open(tmp_path, newer).search("kettle")) == 1
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_a_build_that_died_half_way_leaves_the_old_index(tmp_path, monkeypatch):
    catalogue = catalogue_of("mug")
    TextIndex.build(tmp_path, catalogue)

    def die(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr("mien.ranking.indexing.write_whole", die)
    with pytest.raises(OSError, match="full"):
        TextIndex.build(tmp_path, catalogue_of("kettle"))
    monkeypatch.undo()
    assert len(TextIndex.open(tmp_path, catalogue).search("mug")) == 1
    TextIndex.build(tmp_path, catalogue)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1  # what was left behind is gone


def test_without_an_index(tmp_path):
    with pytest.raises(NotReady, match="mien build"):
        TextIndex.open(tmp_path / "nowhere", catalogue_of("mug"))
    (tmp_path / "current").write_text("v999-from-the-future")
    with pytest.raises(NotReady):
        TextIndex.open(tmp_path, catalogue_of("mug"))


def test_an_empty_catalogue(tmp_path):
    index = TextIndex.build(tmp_path, catalogue_of())
    assert len(index.search("mug")) == 0
