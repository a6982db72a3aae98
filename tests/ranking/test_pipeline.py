"""Search, recommendation, likeness and explanation on the toy shop; the laws of every answer."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.clock import DAY_US
from mien.core.errors import NotReady, UnknownName, UsageError
from mien.core.query import Query
from mien.ranking.lexical import Tier
from mien.ranking.options import TIER_STEP, RankingOptions
from mien.ranking.pipeline import answer, explain
from mien.ranking.shelf import Context, Shelf
from mien.ranking.similar import similar
from mien.testing.world import COFFEE_USERS, START, TEA_USERS, UNAVAILABLE

USERS = (*COFFEE_USERS, *TEA_USERS, "gus", "nobody", None)
TEXTS = ("", "coffee", "tea", "茶", "咖啡豆", "green tea leaves", "cofee", "coffee teapot", "drinks", "zzz", "oat milk")
some_options = st.fixed_dictionaries(
    {},
    optional={
        "same_category": st.integers(0, 3),
        "same_category_search": st.integers(0, 2),
        "bought_again": st.booleans(),
        "pins": st.sampled_from([(), ("teapot",), ("biscuits", "grinder"), ("unheard-of",)]),
        "popular": st.floats(0, 1.5),
        "text": st.floats(0, 1),
        "repeat": st.floats(0, 4),
    },
)


@settings(deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    user=st.sampled_from(USERS),
    k=st.integers(0, 20),
    options=some_options,
    language=st.sampled_from(["en", "zh"]),
)
def test_reasons_sum_to_the_score(shop, text, user, k, options, language):
    found = shop.ask(text, user, k=k, options=options, language=language)
    assert [result.rank for result in found.results] == list(range(1, len(found.results) + 1))
    assert len(found.results) <= k
    scores = [result.score for result in found.results]
    assert scores == sorted(scores, reverse=True)
    for result in found.results:
        assert abs(math.fsum(reason.contribution for reason in result.reasons) - result.score) < 1e-6
        assert result.reasons[0].kind == "base"
        assert all(reason.text and reason.contribution != 0 for reason in result.reasons[1:])
        assert result.item_id != UNAVAILABLE


@settings(deadline=None)
@given(text=st.sampled_from(TEXTS), user=st.sampled_from(USERS[:-1]), options=some_options)
def test_without_personalisation_everybody_is_anonymous(shop, text, user, options):
    anonymous = shop.ask(text, None, options=options)
    declined = shop.ask(text, user, personalise=False, options=options)
    assert not declined.personalised
    assert replace(declined, impression_id="") == replace(anonymous, impression_id="")
    unknown = shop.ask(text, "nobody", options=options)
    assert not unknown.personalised
    assert (unknown.results, unknown.total, unknown.facets) == (anonymous.results, anonymous.total, anonymous.facets)
    assert any("not known" in note for note in unknown.notes)


@settings(deadline=None)
@given(text=st.sampled_from(TEXTS[1:]), user=st.sampled_from(USERS), options=some_options)
def test_no_lower_tier_above_a_higher_one(shop, text, user, options):
    found = shop.ask(text, user, k=20, options={**options, "pins": (), "fill_empty": False})
    matches = shop.shelf.index.search(text)
    tier = dict(zip((shop.world.item_ids[row] for row in matches.rows), matches.tiers.tolist(), strict=True))
    shown = [tier[result.item_id] for result in found.results]
    assert shown == sorted(shown, reverse=True)


def test_each_gets_their_own_world(shop, ids):
    for users, own in ((COFFEE_USERS, "Coffee"), (TEA_USERS, "Tea")):
        for user in users:
            best = shop.ask("", user, k=3).results[0]
            assert own in shop.world.catalogue.category[shop.world.item_row(best.item_id)]
    assert ids(shop.ask("drinks", "ann"))[0] == "bean-dark"
    assert ids(shop.ask("drinks", "dora"))[0] == "green-tea"


def test_what_a_reason_says(shop):
    best = shop.ask("", "ann").results[0]
    repeat = next(reason for reason in best.reasons if reason.kind == "repeat")
    assert best.item_id == "bean-dark"
    assert repeat.text == "you bought this 12 times, last 6 days ago"
    assert repeat.evidence == ("ann-0520T0815-purchase-bean-dark",)
    spoken = shop.ask("", "ann", language="zh").results[0]
    assert "您购买过 12 次（最近一次：6 天前）" in {reason.text for reason in spoken.reasons}


def test_a_newcomer_gets_what_goes_with_their_one_view(shop, ids):
    found = shop.ask("", "gus", k=14)
    assert found.personalised
    kinds = {result.item_id: {reason.kind for reason in result.reasons} for result in found.results}
    assert "seen" in kinds["teapot"]
    assert "neighbour" in kinds["black-tea"]
    assert not any("neighbour" in kinds[item] for item in ("grinder", "bean-dark", "espresso"))


def test_exact_title_before_popularity(shop):
    found = shop.ask("Green tea leaves", "fay")
    assert found.results[0].item_id == "green-tea"
    tier = next(reason for reason in found.results[0].reasons if reason.kind == "tier")
    assert tier.contribution == TIER_STEP
    assert shop.shelf.index.search("Green tea leaves").tiers[0] == Tier.EXACT_TITLE


def test_answers_change_with_time(shop):
    """ann on her second day: nothing of what she bought later speaks for anything."""
    at = START + timedelta(days=1)
    found = answer(Query("", "ann"), shop.context("ann", at))
    times = [reason.text for result in found.results for reason in result.reasons if reason.kind == "repeat"]
    assert times
    assert all("once, last today" in text or "once, last 0" in text for text in times)


def test_expired_tags_do_not_rank(shop):
    def kinds(days):
        later = replace(shop.context("ann"), at_us=shop.world.at_us + days * DAY_US)
        return {reason.kind for result in answer(Query("", "ann", k=20), later).results for reason in result.reasons}

    assert "tag" in kinds(0)
    assert "tag" in kinds(170)
    assert "tag" not in kinds(181)
    assert "repeat" in kinds(181)  # what was bought stays a fact, and fades


def test_facets_are_counted_over_the_matches(shop):
    found = shop.ask("coffee", k=1)
    assert found.total > 1
    assert sum(found.facets["brand"].values()) == found.total
    assert found.facets["category"]["Kitchen"] == sum(
        found.facets["category"][path]
        for path in found.facets["category"]
        if path.count("/") == 1 and "Kitchen" in path
    )
    assert shop.ask("", "ann").facets is None


def test_filters(shop, ids):
    everything = shop.ask("tea", k=20)
    green = shop.ask("tea", k=20, filters={"brand": ("Greenleaf",)})
    assert set(ids(green)) == {"green-tea", "black-tea", "teapot"}
    either = shop.ask("tea", k=20, filters={"brand": ("Greenleaf", "西湖"), "category": ("Drinks/Tea",)})
    assert set(ids(either)) == {"green-tea", "black-tea", "longjing"}
    assert green.total == everything.facets["brand"]["Greenleaf"]
    assert set(ids(shop.ask("", "ann", filters={"category": ("Kitchen/Tea",)}))) == {"teapot", "cup-zh"}


def test_unknown_names_are_named(shop):
    with pytest.raises(UnknownName, match="brand"):
        shop.ask("tea", filters={"brnd": ("Greenleaf",)})
    with pytest.raises(UnknownName, match="Greenleaf"):
        shop.ask("tea", filters={"brand": ("Greenleef",)})
    with pytest.raises(UnknownName, match="teapot"):
        similar("teapott", Query(), shop.context(None))


def test_nothing_matches(shop):
    found = shop.ask("zzzzqqq", "ann")
    assert found.total == 0
    assert found.results == shop.ask("", "ann").results
    assert "Nothing matches “zzzzqqq”" in found.notes[0]
    assert shop.ask("zzzzqqq", "ann", options={"fill_empty": False}).results == ()


def test_a_correction_is_said(shop):
    found = shop.ask("cofee")
    assert found.did_you_mean == "coffee"
    assert "“coffee”" in found.notes[0]
    assert found.results == shop.ask("coffee").results


def test_bought_once_and_for_all(shop, ids):
    bought = {event.item_id for event in shop.world.events if event.user_id == "ben" and event.action == "purchase"}
    assert bought & set(ids(shop.ask("", "ben", k=20)))
    assert not bought & set(ids(shop.ask("", "ben", k=20, options={"bought_again": False})))


def test_pins_stand_first_in_their_order(shop, ids):
    found = shop.ask("", "ann", options={"pins": ("biscuits", "teapot")})
    assert ids(found)[:2] == ["biscuits", "teapot"]
    assert "pin" in {reason.kind for reason in found.results[0].reasons}


def test_not_everything_from_one_shelf(shop):
    def leaves(limit):
        found = shop.ask("", "ben", k=3, options={"same_category": limit})
        return [shop.world.catalogue.category[shop.world.item_row(result.item_id)] for result in found.results]

    assert len(set(leaves(0))) < 3
    assert len(set(leaves(1))) == 3
    moved = shop.ask("", "ben", k=20, options={"same_category": 1})
    assert any(reason.kind == "cap" for result in moved.results for reason in result.reasons)


def test_explain_agrees_with_the_answer(shop):
    for text in ("", "coffee"):
        everything = shop.ask(text, "ann", k=20)
        for result in everything.results:
            found = explain(Query(text, "ann"), result.item_id, shop.context("ann"))
            assert found.results == (result,)


def test_explain_what_is_not_shown(shop):
    gone = explain(Query("coffee", "ann"), UNAVAILABLE, shop.context("ann"))
    assert "not available" in gone.notes[0]
    beside = explain(Query("teapot", "ann"), "biscuits", shop.context("ann"))
    assert "it holds no word of your search" in {reason.text for reason in beside.results[0].reasons}


def test_similar(shop, ids):
    found = similar("green-tea", Query(k=3), shop.context(None))
    assert not found.personalised
    assert {"longjing", "black-tea"} <= set(ids(found))
    assert "green-tea" not in ids(similar("green-tea", Query(k=20), shop.context(None)))
    reasons = {reason.kind: reason.text for reason in found.results[0].reasons}
    assert reasons["alike"].startswith("like Green tea leaves: category Drinks/Tea/Leaves")
    known = similar("green-tea", Query(k=3, user_id="ann"), shop.context("ann"))
    assert known.results == found.results


def test_neighbours_do_not_cross_in_the_six_rows(six, ids):
    """Each user's two items are each other's only neighbours; what speaks for the other user's goods is popularity."""
    for user, bought, viewed in (("1", "101", "102"), ("2", "202", "201")):
        near, _ = six.shelf.neighbours.neighbours(six.world.item_row(bought))
        assert [six.world.item_ids[row] for row in near] == [viewed]
        found = six.ask("", user)
        assert ids(found)[0] == bought
        kinds = {result.item_id: {reason.kind for reason in result.reasons} for result in found.results}
        assert "neighbour" in kinds[viewed]
        for other in set(kinds) - {bought, viewed}:
            assert kinds[other] == {"base", "popular"}
        assert ids(six.ask("", user, options={"popular": 0.0}))[:2] == [bought, viewed]


def test_a_bare_shelf_answers_too(shop):
    """Without index, neighbours and popularity there are still the person's own goods, and no crash."""
    bare = Shelf(shop.world.catalogue, shop.shelf.yardstick)
    context = Context(bare, shop.world.at_us, shop.world.state("ann"))
    assert answer(Query("", "ann"), context).results[0].item_id == "bean-dark"
    assert len(answer(Query(), Context(bare, shop.world.at_us)).results) == 10
    with pytest.raises(NotReady, match="mien build"):
        answer(Query("tea"), context)


def test_impressions_have_names(shop):
    first, again, other = shop.ask("tea"), shop.ask("tea"), shop.ask("coffee")
    assert first.impression_id == again.impression_id != other.impression_id
    assert answer(Query("tea"), shop.context(None, impression_id="i-1")).impression_id == "i-1"


@pytest.mark.parametrize("k", [-1, 10**6])
def test_senseless_numbers_of_results_are_refused(shop, k):
    for ask in (shop.ask, lambda **more: shop.ask("tea", **more)):
        with pytest.raises(UsageError, match="between 0 and 1000"):
            ask(k=k)
    with pytest.raises(UsageError, match="between 0 and 1000"):
        similar("teapot", Query(k=k), shop.context(None))


def test_popularity_has_places(shop):
    """ann and dora restock one good every week: those two are chosen most, and none of it by chance of row."""
    found = shop.ask("", k=2)
    texts = [next(reason.text for reason in result.reasons if reason.kind == "popular") for result in found.results]
    assert texts == ["number 1 of all by popularity", "number 2 of all by popularity"]
    assert {result.item_id for result in found.results} == {"bean-dark", "green-tea"}


@pytest.mark.parametrize("wrong", [{"text": -1.0}, {"popular": 9.5}, {"candidates": 0}, {"same_category": -1}])
def test_senseless_options_are_refused(wrong):
    with pytest.raises(UsageError):
        RankingOptions(**wrong)
