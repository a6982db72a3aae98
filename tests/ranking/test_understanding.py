"""What of a query is more than words, told and taken back."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.query import Understood


def understood(answer):
    return {(one.facet, one.value, one.text) for one in answer.understood}


def test_a_price_limit_filters_and_is_told(shop, ids):
    found = shop.ask("coffee under 30", k=20)
    assert understood(found) == {("price", "..30", "under 30"), ("category", "Coffee", "coffee")}
    assert ids(found) == ids(shop.ask("coffee", k=20, filters={"price": ("..30",)}))
    assert "espresso" not in ids(found)
    assert "espresso" in ids(shop.ask("coffee", k=20))
    assert found.total < shop.ask("coffee", k=20).total


def test_what_was_understood_can_be_taken_back(shop, ids):
    for more in ({"understand": False}, {"literal": ("under 30",)}, {"literal": ("price",)}):
        found = shop.ask("coffee under 30", k=20, **more)
        assert "price" not in {one.facet for one in found.understood}
        assert "espresso" in ids(found)
    kept = shop.ask("coffee under 30", k=20, literal=("coffee",))
    assert understood(kept) == {("price", "..30", "under 30")}


def test_a_price_alone_shows_what_it_buys(shop, ids):
    found = shop.ask("50以下", k=20)
    assert understood(found) == {("price", "..50", "50以下")}
    assert set(ids(found)) == set(ids(shop.ask("", k=20, filters={"price": ("..50",)})))
    assert found.total == len(found.results)


def test_brand_category_and_colour_count_more(shop):
    found = shop.ask("northwind coffee filters white")
    assert understood(found) == {
        ("brand", "Northwind", "northwind"),
        ("category", "Coffee", "coffee"),
        ("category", "Kitchen/Coffee/Filters", "filters"),
        ("colour", "white", "white"),
    }
    best = found.results[0]
    assert best.item_id == "filters"
    reason = next(reason for reason in best.reasons if reason.kind == "understood")
    assert reason.contribution == pytest.approx(0.5)
    assert "Northwind" in reason.text
    plain = shop.ask("northwind coffee filters white", understand=False)
    assert plain.understood == ()
    assert not any(reason.kind == "understood" for result in plain.results for reason in result.reasons)


def test_a_named_brand_is_no_filter(shop, ids):
    """Who names a brand and a thing it does not make still finds the thing."""
    assert "teapot" in ids(shop.ask("northwind teapot"))


def test_colours_in_the_other_language(shop, ids):
    assert ids(shop.ask("黑色 grinder"))[0] == "grinder"
    assert Understood("colour", "black", "黑色") in shop.ask("黑色 grinder").understood


def test_chinese_brands_and_scripts(shop):
    assert ("brand", "西湖", "西湖") in understood(shop.ask("西湖茶杯"))
    assert ("brand", "云岭", "云岭") in understood(shop.ask("雲嶺咖啡豆 100元以內"))


def test_a_filter_on_price_leaves_the_query_alone(shop):
    found = shop.ask("coffee under 30", filters={"price": ("..400",)})
    assert "price" not in {one.facet for one in found.understood}


def test_a_price_that_nothing_has(shop):
    found = shop.ask("coffee under 1", k=5)
    assert found.total == 0
    assert found.results  # suggestions, and a note says so
    assert "Nothing matches" in found.notes[-1]


@settings(deadline=None)
@given(
    text=st.sampled_from(
        ["northwind coffee under 30", "西湖茶杯 100以下", "black grinder", "clear teapot", "tea 5-20元"]
    ),
    user=st.sampled_from([None, "ann", "dora"]),
    language=st.sampled_from(["en", "zh"]),
)
def test_reasons_still_sum(shop, text, user, language):
    for result in shop.ask(text, user, k=20, language=language).results:
        assert abs(math.fsum(reason.contribution for reason in result.reasons) - result.score) < 1e-6


def test_the_answer_tells_it(shop):
    told = shop.ask("coffee under 30", literal=("coffee",)).to_dict()
    assert told["understood"] == [{"facet": "price", "value": "..30", "text": "under 30"}]
    assert "understood" not in shop.ask("zzzz").to_dict()
