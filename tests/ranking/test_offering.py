"""What is for you, ranked as earlier orders taught: who is learnt from, the sum of reasons, strangers, known worlds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import NotReady
from mien.core.event import ACTION_CODE
from mien.models.factor import Als
from mien.models.interactions import Interactions
from mien.ranking import offering as offerings
from mien.ranking.measures import measure_of
from mien.ranking.offering import Offering, first_orders, learn_recommender
from mien.ranking.past import past_shelf
from mien.ranking.ranker import LearnOptions, learn
from mien.ranking.rehearsal import examples_of

pytest.importorskip("lightgbm", reason="needs the extra models")
BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]


def test_first_orders_by_hand():
    """User 0: two lines at 10, one at 12. User 1: nothing before. User 2: a view at 11 only. User 3: no pieces."""
    rows = [(0, 0, BUY, 5, 1), (0, 1, BUY, 10, 1), (0, 2, BUY, 10, 1), (0, 3, BUY, 12, 1), (1, 1, BUY, 11, 1)]
    rows += [(2, 1, VIEW, 1, 1), (2, 1, VIEW, 11, 1), (3, 1, VIEW, 1, 1), (3, 1, BUY, 11, 0), (3, 2, BUY, 14, 2)]
    user, item, action, at, pieces = (np.array(column) for column in zip(*rows, strict=True))
    data = Interactions.of(user, item, action, at, np.ones(len(rows)), pieces.astype(float), n_users=4, n_items=4)
    found = first_orders(data, (10, 15))
    assert [(order.user, order.bought.tolist()) for order in found] == [(0, [1, 2]), (3, [2])]
    assert [order.user for order in first_orders(data, (10, 14))] == [0]
    assert first_orders(data, (20, 30)) == []
    assert len(first_orders(data, (10, 15), most=1)) == 1


@pytest.fixture(scope="module")
def offering_at(shop):
    data, shelf = shop.world.interactions(), shop.shelf

    def at(at_us):
        known = data.until(at_us)
        past = past_shelf(shelf.catalogue, shelf.yardstick, None, known, at_us=at_us, taste=Als(factors=4))
        return Offering(past, known, at_us)

    return at


@pytest.fixture(scope="module")
def ranked(shop, offering_at):
    """The toy shop, recommendations ranked as its earlier orders taught."""
    data, at_us = shop.world.interactions(), shop.world.at_us - 28 * DAY_US
    orders = first_orders(data, (at_us + 1, shop.world.at_us + 1))
    ranker = learn(examples_of(offering_at(at_us).offer(orders)), LearnOptions(rounds=30))
    today = replace(offering_at(shop.world.at_us).shelf, index=shop.shelf.index, recommender=ranker)
    return replace(shop, shelf=today)


def test_the_candidates_know_nothing_of_what_came_after(shop, offering_at):
    at_us = shop.world.at_us - 28 * DAY_US
    data = shop.world.interactions()
    orders = first_orders(data, (at_us + 1, shop.world.at_us + 1))
    for order, one in zip(orders, offering_at(at_us).offer(orders), strict=True):
        before = data.until(at_us).of_users([order.user])
        count = {item: int(((before.item == item) & (before.action == BUY)).sum()) for item in range(data.n_items)}
        assert one.columns["repeat.times"] == pytest.approx([np.log1p(count[row]) for row in one.blend.rows.tolist()])
        assert set(one.blend.rows[one.gains > 0].tolist()) <= set(order.bought.tolist())


@pytest.mark.parametrize("user", ["ann", "dora"])
def test_reasons_sum_up(ranked, user):
    for result in ranked.ask("", user, k=20).results:
        assert math.fsum(reason.contribution for reason in result.reasons) == pytest.approx(result.score, abs=1e-6)


def test_what_people_buy_again_comes_first(ranked, shop):
    """Everybody of the toy shop buys what they bought: the tables find it, as the weights by hand say it."""
    for user in ("ann", "dora"):
        data = shop.world.interactions()
        mine = data.of_users([shop.world.user_row(user)])
        bought = {shop.world.catalogue.item_id[row] for row in mine.item[mine.action == BUY].tolist()}
        assert ranked.ask("", user, k=1).results[0].item_id in bought


def test_strangers_and_other_kinds_are_as_before(ranked, shop):
    plain = replace(ranked, shelf=replace(ranked.shelf, recommender=None))
    assert ranked.ask("", "ann", personalise=False).results == plain.ask("", None).results
    assert ranked.ask("", None).results == plain.ask("", None).results
    assert ranked.ask("", "ann", kind="popular").results == plain.ask("", "ann", kind="popular").results
    assert ranked.ask("tea", "ann").results == plain.ask("tea", "ann").results
    assert ranked.ask("", "ann").results != plain.ask("", "ann").results


def test_too_few_orders_are_said(shop, offering_at):
    data = shop.world.interactions()
    with pytest.raises(NotReady, match="orders of people known before"):
        learn_recommender(data, shop.world.at_us, offering_at)


def test_it_learns_from_windows_that_end_in_time(shop, offering_at, monkeypatch):
    """Nothing after the moment, and of each window only what was known when it began."""
    data, at_us = shop.world.interactions(), shop.world.at_us
    monkeypatch.setattr(offerings, "FEWEST", 1)
    asked = []

    def offering(moment):
        asked.append(moment)
        return offering_at(moment)

    ranker = learn_recommender(data, at_us, offering)
    assert asked == [at_us - 56 * DAY_US, at_us - 28 * DAY_US]
    assert ranker.facts["of"] == "orders"
    again = learn_recommender(data, at_us, offering_at)
    assert ranker.known.base == again.known.base


def test_wide_measures_are_for_recommendations(shop, offering_at):
    at_us = shop.world.at_us - 28 * DAY_US
    orders = first_orders(shop.world.interactions(), (at_us + 1, shop.world.at_us + 1))
    examples = examples_of(offering_at(at_us).offer(orders))
    wide = {name for name in examples.columns if measure_of(name).wide}
    assert wide == {"repeat.times", "repeat.best", "repeat.most", "taste.here"}
    assert set(examples.narrow().columns) == set(examples.columns) - wide
