"""Columns of a person's own purchases, by hand; a person's vector, as the trusted solver has it."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.query import Query
from mien.models.factor import Als
from mien.ranking.answering import asker
from mien.ranking.own import Own
from mien.ranking.taste import Taste


@pytest.fixture
def ann(shop):
    context = shop.context("ann")
    return asker(Query("coffee", "ann"), context), context


def test_repeat_columns_by_hand(shop, ann):
    person, context = ann
    columns = Own.of(person, context).repeat_columns(np.arange(len(shop.shelf.catalogue), dtype=np.int32))
    dark, milk, tea = (shop.world.item_row(name) for name in ("bean-dark", "oat-milk", "teapot"))
    # Ann bought dark beans every week, the last of them 7 days and 15 minutes' rest before the end; milk every fourth.
    assert columns["repeat.count"][dark] == 1.0
    assert columns["repeat.count"][milk] == 1.0
    last = max(event.at_us for event in shop.world.logged("ann") if event.action == "purchase" and event.item == dark)
    assert columns["repeat.days"][dark] == pytest.approx((shop.world.at_us - last) / DAY_US)
    assert columns["repeat.newest"][dark] == 1.0
    assert columns["repeat.share"][tea] == columns["repeat.count"][tea] == columns["repeat.newest"][tea] == 0.0
    assert np.isnan(columns["repeat.days"][tea])
    weeks = np.array(
        [
            (shop.world.at_us - e.at_us) / DAY_US
            for e in shop.world.logged("ann")
            if e.item == dark and e.action == "purchase"
        ]
    )
    assert columns["repeat.strength"][dark] == pytest.approx(np.log1p((0.5 ** (weeks / 90)).sum()))


def test_shares_within_a_category_sum_to_one(shop, ann):
    person, context = ann
    rows = np.arange(len(shop.shelf.catalogue), dtype=np.int32)
    own = Own.of(person, context)
    share, leaf = own.repeat_columns(rows)["repeat.share"], shop.shelf.leaf
    for code in np.unique(leaf[own.bought.item]).tolist():
        assert share[leaf == code].sum() == pytest.approx(1.0)


def test_brand_and_price_beside_the_wider_category(shop, ann):
    person, context = ann
    own, catalogue = Own.of(person, context), shop.shelf.catalogue
    rows = np.arange(len(catalogue), dtype=np.int32)
    dark = shop.world.item_row("bean-dark")
    of_wide = own.bought.item[shop.shelf.wide[own.bought.item] == shop.shelf.wide[dark]]
    strength = own.bought.strength[np.isin(own.bought.item, of_wide)]
    usual = np.exp(np.average(np.log(catalogue.price[of_wide]), weights=strength))
    assert own.price_column(rows)[dark] == pytest.approx(np.log(catalogue.price[dark] / usual))
    same = np.array([catalogue.brand[row] == catalogue.brand[dark] for row in of_wide])
    assert own.brand_column(rows)[dark] == pytest.approx(strength[same].sum() / strength.sum())


def test_a_person_is_solved_for_as_the_model_does(shop):
    data = shop.world.interactions()
    model = Als(factors=4).fit(data, at_us=shop.world.at_us)
    user = shop.world.user_row("ann")
    theirs = model.score(data, [user], at_us=shop.world.at_us)[0]
    taste = Taste.of(model)
    person, _ = asker(Query("x", "ann"), shop.context("ann")), None
    items, strength = person.liked
    ours = taste.products(taste.person(items, strength), np.arange(data.n_items, dtype=np.int32))
    assert ours == pytest.approx(theirs, abs=2e-3)
