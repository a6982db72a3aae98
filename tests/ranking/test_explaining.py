"""Explanations: the place and its reasons, what would move it, and why an item is absent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.event import Action
from mien.core.query import Query
from mien.core.user import User
from mien.ranking.kinds import KINDS
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import explain
from mien.ranking.rule import read_rules
from mien.testing.world import UNAVAILABLE

PLAIN = RankingOptions(same_category=0, bought_again=True)


def told(stocked, item, user="ann", *, options=None, **query):
    given = {name: query.pop(name) for name in ("rules", "kinds", "language", "user") if name in query}
    context = stocked.context(user, options=options or RankingOptions(), **given)
    return explain(Query(user_id=user, **query), item, context)


def absent(answer):
    return {one.kind: one.text for one in answer.absent}


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(list(KINDS)),
    user=st.sampled_from(["ann", "恩惠", "gus", None]),
    cart=st.sampled_from([(), ("oat-milk",), ("teapot", "grinder")]),
)
def test_every_kind_is_explained_as_it_is_shown(stocked, kind, user, cart):
    shown = stocked.ask(user_id=user, kind=kind, cart=cart, k=20)
    for result in shown.results:
        found = told(stocked, result.item_id, user, kind=kind, cart=cart, k=20)
        assert found.results == (result,)
        assert not found.absent


def test_the_rank_without_a_reason_can_be_counted(stocked):
    """Nothing is moved apart: without a reason of its own an item stands where its remaining score puts it."""
    shown = stocked.ask(user_id="ann", k=20, options={"same_category": 0, "bought_again": True})
    scores = {one.item_id: one.score for one in shown.results}
    for result in shown.results:
        found = told(stocked, result.item_id, options=PLAIN)
        moves = {one.kind: one for one in found.counterfactuals}
        for reason in result.reasons[1:]:
            if reason.kind in ("repeat", "seen", "neighbour", "popular"):
                left = result.score - reason.contribution
                above = sum(score > left + 1e-9 for item, score in scores.items() if item != result.item_id)
                equal = sum(abs(score - left) <= 1e-9 for item, score in scores.items() if item != result.item_id)
                assert above < moves[reason.kind].rank <= above + equal + 1
                assert reason.text in moves[reason.kind].text
        assert [one for one in found.counterfactuals if one.rank != result.rank] == found.moves


def test_without_a_liking_all_that_is_liked_for_it_falls(stocked):
    """fay's liking for one brand lifts all of its goods: without it, none of them has it, and their order stays."""
    found = told(stocked, "black-tea", "fay", options=PLAIN)
    (brand,) = [one for one in found.counterfactuals if "brand Greenleaf" in one.text or "Greenleaf" in one.text][:1]
    assert brand.kind == "tag"
    assert brand.text.startswith("without “you like ")


def test_what_would_move_it(stocked):
    """Bought, it would be bought again; where what is bought again must first be due, it would have to wait."""
    found = told(stocked, "grinder", options=PLAIN)
    more = {one.kind: one for one in found.counterfactuals if one.kind in (Action.PURCHASE, Action.VIEW)}
    assert more[Action.PURCHASE].rank < found.results[0].rank
    assert more[Action.PURCHASE].text.startswith("with one more purchase of it today it would be ")
    learned = told(stocked, "grinder")
    (bought,) = [one for one in learned.counterfactuals if one.kind == Action.PURCHASE]
    assert bought.rank > learned.results[0].rank
    spoken = told(stocked, "grinder", language="zh")
    assert any(one.text.startswith("如果今天再买一次，它会排第 ") for one in spoken.counterfactuals)


def test_a_pin_and_a_boost_can_be_left_out(stocked):
    rules = read_rules(
        [{"do": "pin", "items": ["biscuits"]}, {"do": "boost", "items": ["biscuits"], "weight": 3.0}], tuple(KINDS)
    )
    found = told(stocked, "biscuits", rules=rules)
    assert found.results[0].rank == 1
    moves = {one.kind: one.rank for one in found.counterfactuals}
    assert moves["pin"] > 1
    assert moves["boost"] == 1


def test_nothing_is_said_of_who_declined(stocked):
    refused = told(stocked, "grinder", user="ann")
    assert refused.personalised
    context = stocked.context("ann", user=User("ann", consents={"personalise": False}))
    found = explain(Query(user_id="ann"), "grinder", context)
    assert not found.personalised
    assert not {one.kind for one in found.counterfactuals} & {Action.PURCHASE, Action.VIEW, "repeat", "tag"}


# ── absent ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sold_out(stocked):
    assert absent(told(stocked, UNAVAILABLE, k=20))["sold_out"] == "it is sold out"
    assert absent(told(stocked, UNAVAILABLE, k=20, text="coffee"))["sold_out"] == "it is sold out"


def test_filtered(stocked):
    found = absent(told(stocked, "teapot", filters={"brand": ("Altura", "Northwind")}, k=20))
    assert found["filter"] == "the filter brand asks for Altura / Northwind; this is brand Greenleaf"


def test_left_out_by_a_filter(stocked):
    found = told(stocked, "teapot", filters={"brand!": ("Greenleaf", "Altura")}, k=20)
    text = "the filter brand leaves out Greenleaf / Altura; this is brand Greenleaf"
    assert absent(found)["filter"] == text
    assert not told(stocked, "oat-milk", filters={"brand!": ("Greenleaf",)}, k=20).absent


@pytest.mark.parametrize("query", [{"filters": {"price": ("1000000..1234567",)}}, {"text": "tea 1000000-1234567元"}])
def test_not_of_the_price_asked_for(stocked, query):
    price = stocked.shelf.catalogue.price[stocked.world.item_row("teapot")]
    found = told(stocked, "teapot", k=20, **query)
    assert absent(found)["filter"] == f"the filter price asks for 1000000..1234567; this is {price:g}"


def test_hidden_by_a_rule(stocked):
    rules = read_rules([{"do": "hide", "name": "recall", "items": ["teapot"]}], tuple(KINDS))
    assert absent(told(stocked, "teapot", rules=rules))["rule"] == "hidden by the shop: recall"
    spoken = absent(told(stocked, "teapot", rules=rules, language="zh"))
    assert spoken["rule"] == "由店铺隐藏：recall"


def test_bought_already_and_in_the_cart(stocked):
    found = absent(told(stocked, "bean-dark", options=RankingOptions(bought_again=False)))
    assert "shows nothing twice" in found["bought"]
    assert "cart" in absent(told(stocked, "teapot", kind="similar", cart=("teapot",)))


def test_no_source_brings_it(stocked):
    found = absent(told(stocked, "teapot", kind="buy-again", k=20))
    assert found["candidate"] == "no source of candidates brings it (what you bought)"
    few = RankingOptions(popular_candidates=1)
    found = absent(told(stocked, "biscuits", None, options=few, kind="popular"))
    assert "by popularity it is number" in found["candidate"]
    assert found["candidate"].endswith("the first 1 are looked at")


def test_a_search_that_does_not_find_it_says_so(stocked):
    """Whatever its place among what is found would be."""
    found = stocked.ask("coffee beans", "ann", k=20)
    missing = next(one for one in stocked.world.item_ids if one not in [result.item_id for result in found.results])
    assert absent(told(stocked, missing, text="coffee beans", k=100)) == {"candidate": "the search does not find it"}
    assert absent(told(stocked, missing, text="coffee beans", k=100, language="zh"))["candidate"] == "这次搜索找不到它"
    assert not told(stocked, found.results[-1].item_id, text="coffee beans", k=100).absent


def test_moved_down_and_below(stocked):
    capped = RankingOptions(same_category=1, bought_again=True)
    shown = stocked.ask(user_id="ben", k=20, options={"same_category": 1, "bought_again": True})
    moved = [one.item_id for one in shown.results if any(reason.kind == "cap" for reason in one.reasons)]
    found = told(stocked, moved[0], "ben", options=capped, k=5)
    assert "others of" in absent(found)["moved"]
    assert absent(found)["place"].endswith(f"of {found.total}; the first 5 are shown")
    assert absent(told(stocked, moved[0], "ben", options=capped, k=20)) == {}


def test_an_explanation_says_it_in_json(stocked):
    document = told(stocked, "biscuits", k=1).to_dict()
    assert {"kind", "text", "rank"} == set(document["counterfactuals"][0])
    assert {"kind", "text"} == set(document["absent"][0])
    assert "absent" not in told(stocked, "bean-dark", k=1).to_dict()


@pytest.mark.parametrize("text", ["coffee", "tea"])
def test_a_search_is_explained_too(stocked, text):
    for result in stocked.ask(text, "ann", k=20).results:
        found = told(stocked, result.item_id, text=text, k=20)
        assert found.results == (result,)
        assert found.counterfactuals
