"""Order, pages, price ranges and what must not be."""

import math

import numpy as np
import pytest

from mien.core.errors import UnknownName, UsageError
from mien.core.query import SORTS, Query
from mien.ranking.blend import Blend, Term
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import explain
from mien.ranking.rules import allowed


def test_pages_follow_each_other(shop, ids):
    everything = shop.ask("coffee", k=20)
    pages = [shop.ask("coffee", k=3, offset=offset) for offset in range(0, 12, 3)]
    assert [item for page in pages for item in ids(page)] == ids(everything)
    assert [result.rank for page in pages for result in page.results] == list(range(1, len(everything.results) + 1))
    assert {page.total for page in pages} == {everything.total}
    beyond = shop.ask("coffee", offset=500)
    assert beyond.results == ()
    assert beyond.total == everything.total
    assert shop.ask("", "ann", k=2, offset=2).results == shop.ask("", "ann", k=4).results[2:]


@pytest.mark.parametrize("offset", [-1, 10_001])
def test_senseless_offsets_are_refused(shop, offset):
    with pytest.raises(UsageError, match="offset"):
        shop.ask("coffee", offset=offset)


def prices(shop, found):
    return [shop.world.catalogue.price[shop.world.item_row(result.item_id)] for result in found.results]


def test_by_price(shop):
    up, down = shop.ask("coffee beans", k=20, sort="price_up"), shop.ask("coffee beans", k=20, sort="price_down")
    full = [result for result in up.results if not any(reason.kind == "tier" for reason in result.reasons)]
    assert len(full) >= 2
    assert prices(shop, up)[: len(full)] == sorted(prices(shop, up)[: len(full)])  # all words first, then the price
    assert prices(shop, down)[: len(full)] == sorted(prices(shop, up)[: len(full)], reverse=True)
    assert up.sort == "price_up"
    assert up.to_dict()["sort"] == "price_up"


def test_the_order_changes_no_score(shop):
    by_relevance = {result.item_id: result.score for result in shop.ask("coffee", "ann", k=20).results}
    for sort in SORTS:
        found = shop.ask("coffee", "ann", k=20, sort=sort)
        assert {result.item_id: result.score for result in found.results} == by_relevance
        for result in found.results:
            assert math.fsum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)


def test_by_popularity_and_newest(shop):
    rows = [shop.world.item_row(result.item_id) for result in shop.ask("tea", k=20, sort="popular").results]
    full = shop.shelf.index.search("tea")
    best = [row for row in rows if row in set(full.rows[full.tiers >= 2].tolist())]
    assert list(np.diff(shop.shelf.popularity[best]) <= 0) == [True] * (len(best) - 1)
    newest = [shop.world.item_row(result.item_id) for result in shop.ask("", k=20, sort="newest").results]
    assert newest == sorted(newest, reverse=True)  # all known since ever: the last one made known first


def test_unknown_orders_are_named(shop):
    with pytest.raises(UnknownName, match="price_up"):
        shop.ask("tea", sort="price")


def test_price_ranges_and_exclusion(shop, ids):
    cheap = shop.ask("coffee", k=20, filters={"price": ("..10", "300..")})
    assert set(ids(cheap)) == {"filters", "espresso", "oat-milk"}
    without = shop.ask("coffee", k=20, filters={"brand!": ("Northwind",)})
    assert "grinder" not in ids(without)
    assert "espresso" in ids(without)
    assert set(ids(without)) | set(ids(shop.ask("coffee", k=20, filters={"brand": ("Northwind",)}))) == set(
        ids(shop.ask("coffee", k=20))
    )
    with pytest.raises(UsageError, match=r"10\.\.50"):
        shop.ask("coffee", filters={"price": ("cheap",)})
    with pytest.raises(UnknownName, match="Northwind"):
        shop.ask("coffee", filters={"brand!": ("Northwin",)})


@pytest.mark.parametrize("scores", [1, 3, 1000])
def test_equals_stand_by_popularity_then_row(scores: int) -> None:
    """However many share a score, the order is that of the three keys."""
    draw = np.random.default_rng(scores)
    rows = draw.permutation(500).astype(np.int32)
    popularity = draw.integers(0, 5, 500).astype(np.float64)
    values = draw.integers(0, scores, 500) / 7.0
    blend = Blend(rows, (Term("text", values, lambda _: ("", ())),))
    place = np.empty(500, dtype=np.int64)
    place[np.argsort(-popularity, kind="stable")] = np.arange(500)
    order = np.lexsort((rows, -popularity[rows], -values)).tolist()
    assert blend.order(place).tolist() == order
    for most in (0, 1, 7, 499, 500, 501):
        assert blend.order(place, most).tolist() == order[:most]


@pytest.mark.parametrize("user", [None, "ann", "gus"])
@pytest.mark.parametrize("filters", [{}, {"category": ("Drinks",)}, {"price": ("5..",), "brand!": ("Altura",)}])
def test_without_a_text_a_search_is_all_that_the_filters_leave(shop, ids, user, filters):
    """However few items recommendations are gathered from: counted, paged, sorted and explained as any search."""
    few = {"options": {"popular_candidates": 1, "alike_candidates": 1}, "filters": filters, "kind": "search"}
    asked = {"user_id": user, **few}
    found = shop.ask(" ", **asked, k=20)
    left = allowed(Query(filters=filters), None, shop.context(user))
    assert sorted(ids(found)) == sorted(shop.world.item_ids[row] for row in np.flatnonzero(left))
    assert (
        found.total == len(found.results) == sum(n for path, n in found.facets["category"].items() if "/" not in path)
    )
    assert [one for start in range(0, 20, 3) for one in ids(shop.ask("", **asked, k=3, offset=start))] == ids(found)
    up = prices(shop, shop.ask("", **asked, k=20, sort="price_up"))
    known = [price for price in up if not math.isnan(price)]
    assert up[: len(known)] == sorted(known)
    for result in found.results:
        assert math.fsum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)
        assert {reason.kind for reason in result.reasons}.isdisjoint({"text", "tier", "meaning"})
        question = Query("", user, 20, filters, kind="search")
        options = RankingOptions(**few["options"])
        assert explain(question, result.item_id, shop.context(user, options=options)).results == (result,)
    assert shop.ask("", "ann", **few, personalise=False).results == shop.ask("", None, **few).results
