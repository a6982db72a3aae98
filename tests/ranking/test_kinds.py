"""The kinds of recommendation on the toy shop: the laws of all of them, then what each shows and says."""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.clock import DAY_US, HOUR_US
from mien.core.errors import UnknownName, UsageError
from mien.core.event import ACTION_CODE
from mien.core.query import Query
from mien.core.user import User
from mien.models.interactions import Interactions
from mien.models.trend import Trend
from mien.ranking.candidates import SOURCES
from mien.ranking.kind import Kind
from mien.ranking.kinds import KINDS, read_kinds
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import answer
from mien.ranking.rule import FACETS, Rule
from mien.ranking.similar import similar
from mien.ranking.summands import TERMS
from mien.ranking.wording import say
from mien.testing.world import COFFEE_USERS, START, TEA_USERS, UNAVAILABLE

ITEMS = ("green-tea", "longjing", "teapot", "cup-zh", "bean-dark", "grinder", "oat-milk", "biscuits")
USERS = (*COFFEE_USERS, *TEA_USERS, "gus", None)
some_items = st.lists(st.sampled_from(ITEMS), max_size=3, unique=True).map(tuple)
some_pipelines = st.builds(
    lambda name, **more: {name: Kind(name, **more)},
    st.sampled_from(list(KINDS)),
    candidates=st.lists(st.sampled_from(list(SOURCES)), min_size=1, max_size=4, unique=True).map(tuple),
    terms=st.none() | st.dictionaries(st.sampled_from(TERMS), st.floats(0, 1), max_size=5),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    caps=st.none() | st.dictionaries(st.sampled_from(FACETS), st.integers(1, 3), max_size=2),
    bought_again=st.sampled_from([None, True, False, "learned"]),
)
some_rules = st.lists(
    st.builds(
        Rule,
        do=st.sampled_from(["pin", "boost", "hide"]),
        name=st.sampled_from(["", "advent"]),
        items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=2).map(tuple),
        where=st.sampled_from([{}, {"brand": ("Northwind",)}]),
        kinds=st.sampled_from([(), ("for-you", "search"), ("trending",)]),
        weight=st.sampled_from([-5.0, -0.5, 0.7, 5.0]),
    ),
    max_size=4,
).map(tuple)
questions = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(list(KINDS)),
        "cart": some_items,
        "context": some_items,
        "kinds": st.just({}) | some_pipelines,
        "rules": some_rules,
        "text": st.sampled_from(["", "", "tea", "coffee"]),
        "options": st.fixed_dictionaries(
            {},
            optional={
                "bought_again": st.sampled_from([True, False, "learned"]),
                "once_share": st.floats(0, 1),
                "durable_share": st.floats(0, 1),
                "same_category": st.integers(0, 2),
                "pins": st.sampled_from([(), ("teapot",)]),
            },
        ),
    }
)


@settings(deadline=None, max_examples=300)
@given(asked=questions, user=st.sampled_from(USERS), k=st.integers(0, 20), language=st.sampled_from(["en", "zh"]))
def test_reasons_sum_to_the_score_of_every_kind(stocked, asked, user, k, language):
    found = stocked.ask(user_id=user, k=k, language=language, **asked)
    assert [result.rank for result in found.results] == list(range(1, len(found.results) + 1))
    assert len(found.results) <= k
    scores = [result.score for result in found.results]
    assert scores == sorted(scores, reverse=True)
    shown = [result.item_id for result in found.results]
    assert len(set(shown)) == len(shown)
    assert UNAVAILABLE not in shown
    for result in found.results:
        assert abs(math.fsum(reason.contribution for reason in result.reasons) - result.score) < 1e-6
        assert result.reasons[0].kind == "base"
        assert all(reason.text and reason.contribution != 0 for reason in result.reasons[1:])


@settings(deadline=None, max_examples=200)
@given(asked=questions, user=st.sampled_from(USERS[:-1]))
def test_who_declined_gets_what_anybody_gets(stocked, asked, user):
    """Now by `personalise=False`, or once and for all by a consent refused: to the byte, but for the impression."""

    def told(answer):
        document = answer.to_dict()
        del document["impression_id"], document["took_ms"]
        return document

    anonymous = told(stocked.ask(**{**asked, "context": ()}))
    declined = told(stocked.ask(user_id=user, personalise=False, user=User(user, {"drinks": "tea"}), **asked))
    for purpose in ("personalisation", "personalise"):
        refused = told(stocked.ask(user_id=user, user=User(user, {"drinks": "tea"}, {purpose: False}), **asked))
        assert refused == anonymous
    assert declined == anonymous
    assert not anonymous["personalised"]


@settings(deadline=None)
@given(asked=questions, user=st.sampled_from(USERS))
def test_no_lower_tier_above_a_higher_one_whatever_the_shop_does(stocked, asked, user):
    asked = {**asked, "text": "coffee teapot", "options": {**asked["options"], "pins": ()}}
    asked["rules"] = tuple(rule for rule in asked["rules"] if rule.do != "pin")
    found = stocked.ask(user_id=user, k=20, **asked)
    matches = stocked.shelf.index.search("coffee teapot")
    tier = dict(zip((stocked.world.item_ids[row] for row in matches.rows), matches.tiers.tolist(), strict=True))
    if found.total:
        shown = [tier[result.item_id] for result in found.results]
        assert shown == sorted(shown, reverse=True)


def kinds_of(result):
    return {reason.kind: reason for reason in result.reasons}


# ── each kind ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_goes_with(stocked, ids):
    """Every fourth week all buy oat milk with their own good: bean-dark, ann's good, comes with it most of all."""
    found = stocked.ask(kind="goes-with", cart=("oat-milk",), k=20)
    assert not found.personalised
    assert "oat-milk" not in ids(found)
    reason = kinds_of(found.results[0])["popular"]
    assert reason.contribution > 0
    texts = [kinds_of(one)["complement"].text for one in found.results if "complement" in kinds_of(one)]
    assert all("bought together with Oat milk" in text and "as often as by chance" in text for text in texts)


def test_a_cart_of_several_items_agrees(stocked):
    complements = stocked.shelf.learnt.complements

    def bound(item, other):
        near, bounds, _ = complements.complements(stocked.world.item_row(item))
        return dict(zip(near.tolist(), bounds.tolist(), strict=True)).get(stocked.world.item_row(other), 0.0)

    cart = ("filters", "bean-zh", "longjing")
    found = stocked.ask(kind="goes-with", cart=cart, k=20)
    for result in found.results:
        parts = [bound(item, result.item_id) for item in cart]
        wanted = 2.0 * min(math.sqrt(sum(x * x for x in parts)) / len(cart) ** 0.25 / 6.0, 1.0)
        told = kinds_of(result).get("complement")
        assert (told.contribution if told else 0.0) == pytest.approx(wanted, abs=1e-6)


def test_buy_again_says_when(stocked, ids):
    found = stocked.ask(user_id="ann", kind="buy-again")
    assert set(ids(found)) == {"bean-dark", "oat-milk"}  # all that ann ever bought
    assert ids(found)[0] == "bean-dark"
    due = kinds_of(found.results[0])["due"]
    assert due.text.startswith("you buy this about every 7 days, last 6 days ago; ")
    assert due.evidence == ("ann-0520T0815-purchase-bean-dark",)
    spoken = stocked.ask(user_id="ann", kind="buy-again", language="zh").results[0]
    assert kinds_of(spoken)["due"].text.startswith("您大约每 7 天买一次（上一次：6 天前）")


def test_nothing_to_buy_again(stocked):
    found = stocked.ask(user_id="gus", kind="buy-again")
    assert any("nothing to show of the kind buy-again" in note for note in found.notes)
    assert found.results == stocked.ask(user_id="gus", kind="popular").results
    assert stocked.ask(kind="buy-again", options={"fill_empty": False}).results == ()


def test_trending_is_not_popularity(stocked, ids):
    """The biscuits, which nobody touched before, are looked at by many in the last days; ann's beans stay popular."""
    world, at_us = stocked.world, stocked.world.at_us
    data = world.interactions()
    n = 40
    more = Interactions.of(
        np.r_[data.user, 100 + np.arange(n), [99]],
        np.r_[data.item, np.full(n, world.item_row("biscuits")), [world.item_row("biscuits")]],
        np.r_[data.action, np.full(n + 1, ACTION_CODE["view"])],
        np.r_[data.at_us, at_us - (np.arange(n) % 6 + 1) * DAY_US // 2, [at_us - 50 * DAY_US]],
        n_users=200,
        n_items=data.n_items,
    )
    learnt = replace(stocked.shelf.learnt, trend=Trend().fit(more, at_us=at_us))
    risen = replace(stocked, shelf=replace(stocked.shelf, learnt=learnt))
    found = risen.ask(kind="trending")
    assert ids(found) == ["biscuits"]
    assert kinds_of(found.results[0])["trend"].text.startswith("on the rise: chosen 40 times in 7 days")


def test_new_arrivals_take_turns(stocked):
    """All goods came a day ago and nobody has acted: each stands first about as often as any other."""
    world = stocked.world
    listed = np.full(len(world.item_ids), world.at_us - DAY_US, dtype=np.int64)
    empty = Trend().fit(world.interactions().before(0), at_us=world.at_us)
    fresh = replace(
        stocked, shelf=replace(stocked.shelf, learnt=replace(stocked.shelf.learnt, trend=empty, listed_us=listed))
    )
    firsts = Counter()
    hours = 260
    for hour in range(hours):
        context = replace(fresh.context(None), at_us=world.at_us + hour * HOUR_US)
        found = answer(Query(kind="new-arrivals", k=1), context)
        firsts[found.results[0].item_id] += 1
        assert found.results == answer(Query(kind="new-arrivals", k=1), context).results
    assert len(firsts) == 13  # all that may be shown
    assert max(firsts.values()) < 3 * hours / 13
    assert "drawn by lot each hour" in kinds_of(found.results[0])["new"].text


def test_only_the_new_are_new(stocked, ids):
    assert ids(stocked.ask(kind="new-arrivals")) == ["cup-zh"]
    assert stocked.ask(kind="new-arrivals", options={"new_days": 2.0}).results[0].item_id != "cup-zh"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_source_has_a_name(language):
    assert all(say(language, f"source_{name}") for name in SOURCES)


def test_the_running_visit(stocked, ids):
    found = stocked.ask(context=("teapot",), k=5)
    assert found.personalised
    assert "Tea" in stocked.world.catalogue.category[stocked.world.item_row(ids(found)[1])]
    texts = [kinds_of(one)["visit"].text for one in found.results if "visit" in kinds_of(one)]
    assert "you looked at this just now" in texts
    assert any("goes well with Glass teapot" in text for text in texts)
    assert stocked.ask(context=("never-heard-of",)).results == stocked.ask().results


def test_the_running_visit_moves_a_search_too(stocked, ids):
    plain, visiting = stocked.ask("tea", k=50), stocked.ask("tea", context=("teapot",), k=50)
    assert sorted(ids(plain)) == sorted(ids(visiting))
    assert not plain.personalised
    assert visiting.personalised
    own = next(one for one in visiting.results if one.item_id == "teapot")
    assert kinds_of(own)["visit"].text == "you looked at this just now"
    assert math.fsum(reason.contribution for reason in own.reasons) == pytest.approx(own.score, abs=1e-9)
    assert ids(visiting).index("teapot") < ids(plain).index("teapot")
    declined = stocked.ask("tea", context=("teapot",), k=50, personalise=False)
    assert declined.results == plain.results


def test_declared_traits_speak_for_a_newcomer(stocked, tea_lover, ids):
    found = stocked.ask(user_id="newcomer", user=tea_lover, k=3)
    assert found.personalised
    assert not found.notes
    assert "Tea" in stocked.world.catalogue.category[stocked.world.item_row(ids(found)[0])]
    assert kinds_of(found.results[0])["segment"].text == "popular among people who told us the same as you (drinks tea)"
    assert "segment" not in {
        kind for one in stocked.ask(user_id="ann", user=tea_lover).results for kind in kinds_of(one)
    }


def test_similar_by_kind_and_by_name_agree(stocked):
    by_name = similar("green-tea", Query(k=5), stocked.context(None))
    assert stocked.ask(kind="similar", cart=("green-tea",), k=5).results == by_name.results


# ── what was bought ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_bought_once_is_held_back(stocked):
    """fay after three weeks: three tea things, each bought once, and milk. Where hardly anybody bought twice, having
    bought a thing speaks against it: what repeat gave is taken back, and the weight of `bought` on top."""
    at = START + timedelta(weeks=3)

    def told(**options):
        given = RankingOptions(same_category=0, **options)
        found = answer(Query("", "fay", k=20), stocked.context("fay", at, options=given))
        return {one.item_id: kinds_of(one) for one in found.results}

    plain, held = told(bought_again=True), told(once_share=1.0, durable_share=0.0)
    bought = {item for item, reasons in plain.items() if "repeat" in reasons}
    assert bought == {"black-tea", "teapot", "cup-zh", "oat-milk"}
    for item in bought:
        assert held[item]["bought"].contribution == pytest.approx(-held[item]["repeat"].contribution - 1.0)
        assert "buy it again within 26 days" in held[item]["bought"].text
    assert not any("bought" in reasons for item, reasons in held.items() if item not in bought)
    assert list(held)[-4:] != list(plain)[-4:]


def test_a_category_that_is_bought_once_is_damped(stocked):
    asked = {"once_share": 0.0, "durable_share": 0.6, "same_category": 0}
    found = stocked.ask(user_id="gus", k=20, options=asked)
    assert not any("bought" in kinds_of(one) for one in found.results)  # gus bought nothing
    found = stocked.ask(user_id="ann", k=20, options=asked)
    told = {one.item_id: kinds_of(one) for one in found.results}
    beside = {item: kinds["bought"] for item, kinds in told.items() if "bought" in kinds and "repeat" not in kinds}
    assert set(beside) == {"bean-light", "bean-zh"}  # ann's beans: the other beans, not the bought ones
    assert all(reason.contribution == -1.0 for reason in beside.values())
    assert all("you bought Dark roast coffee beans 1kg 6 days ago" in reason.text for reason in beside.values())


# ── variety and caps ─────────────────────────────────────────────────────────────────────────────────────────────


def test_variety_moves_what_is_alike(stocked):
    def run(diversity):
        kinds = {"for-you": replace(KINDS["for-you"], diversity=diversity, caps={})}
        return stocked.ask(user_id="ben", k=4, kinds=kinds, options={"bought_again": True})

    def leaves(answer):
        rows = [stocked.world.item_row(one.item_id) for one in answer.results]
        return len({stocked.world.catalogue.category[row] for row in rows})

    assert leaves(run(1.0)) > leaves(run(0.0))
    assert run(0.0).results[0].item_id == run(1.0).results[0].item_id
    moved = [kinds_of(one)["diversity"] for one in run(1.0).results if "diversity" in kinds_of(one)]
    assert moved
    assert all("which comes before it" in reason.text for reason in moved)


def test_caps_by_brand(stocked):
    kinds = {"popular": replace(KINDS["popular"], caps={"brand": 1})}
    found = stocked.ask(kind="popular", k=20, kinds=kinds)
    brand = [stocked.world.catalogue.brand[stocked.world.item_row(one.item_id)] for one in found.results]
    assert len(set(brand[:5])) == 5
    held = [one for one in found.results if "cap" in kinds_of(one)]
    assert len(held) == len(brand) - len(set(brand))
    assert "1 others of" in kinds_of(held[0])["cap"].text


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_kinds_are_changed_without_code(stocked, ids):
    own = read_kinds({"tea-time": {"candidates": ["popular"], "terms": {"popular": 1.0}, "caps": {"category": 1}}})
    found = stocked.ask(kind="tea-time", kinds=own, k=3)
    assert len(ids(found)) == 3
    changed = read_kinds({"buy-again": {"terms": {"due": 1.0, "repeat": 2.0}, "diversity": 0.2}})["buy-again"]
    assert changed.candidates == KINDS["buy-again"].candidates
    assert changed.diversity == 0.2


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        ({"buy-agian": {"diversity": 0.1}}, UnknownName, "buy-again"),
        ({"popular": {"candidate": []}}, UnknownName, "candidates"),
        ({"popular": {"candidates": ["populer"]}}, UnknownName, "popular"),
        ({"popular": {"terms": {"repaet": 1.0}}}, UnknownName, "repeat"),
        ({"popular": {"caps": {"brnd": 1}}}, UnknownName, "brand"),
        ({"popular": {"terms": {"popular": -1.0}}}, UsageError, "negative"),
        ({"popular": {"terms": {"popular": 10.5}}}, UsageError, "10 or less"),
        ({"popular": {"diversity": 1.5}}, UsageError, "between 0 and 1"),
        ({"popular": {"diversity": "much"}}, UsageError, "does not fit"),
        ({"popular": {"caps": {"brand": 0}}}, UsageError, "caps"),
        ({"popular": {"bought_again": "sometimes"}}, UsageError, "does not fit"),
        ({"popular": 3}, UsageError, "tables"),
    ],
)
def test_mistakes_in_kinds_are_named(given, error, named):
    with pytest.raises(error, match=named):
        read_kinds(given)


def test_unknown_kinds_and_carts_are_named(stocked):
    with pytest.raises(UnknownName, match="trending"):
        stocked.ask(kind="trendin")
    with pytest.raises(UnknownName, match="teapot"):
        stocked.ask(kind="goes-with", cart=("teapott",))
