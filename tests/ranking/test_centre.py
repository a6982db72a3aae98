"""The centre: what all vectors share is taken off, and nothing that a single one says."""

import numpy as np
import pytest

from mien.ranking.centre import HELD_BACK, Centre, made_up, unit


def test_what_all_vectors_share_tells_nothing():
    """Two directions on top of a large common one: without it they part."""
    goods = unit(np.array([[9, 1, 0], [9, 1, 0.1], [9, 0, 1], [9, 0.1, 1]] * 100, dtype=np.float32))
    centre = Centre.of(goods, goods)
    near = centre.of_goods(goods) @ centre.of_query(goods[0])
    assert (goods @ goods[0]).min() > 0.98
    assert near[[0, 1]].min() > 0.5
    assert near[[2, 3]].max() < 0


def test_the_mean_of_a_few_is_held_back():
    one = np.array([[0.6, 0.8]], dtype=np.float32)
    centre = Centre.of(one, one[:0])
    assert centre.goods == pytest.approx(one[0] / (1 + HELD_BACK))
    assert centre.queries.tolist() == [0, 0]
    assert centre.of_goods(one) == pytest.approx(one, abs=1e-6)  # a shop with one good


def test_what_says_nothing_stays_nothing():
    goods = np.array([[1, 0], [0, 0]], dtype=np.float32)
    centre = Centre.of(goods, goods)
    assert centre.goods.tolist() == pytest.approx([1 / (1 + HELD_BACK), 0])
    assert centre.of_goods(goods)[1].tolist() == [0, 0]
    assert centre.of_query(goods[1]).tolist() == [0, 0]


def test_it_holds_until_the_goods_are_others():
    goods = unit(np.random.default_rng(0).standard_normal((300, 4)).astype(np.float32) + 1)
    centre = Centre.of(goods, goods)
    assert centre.holds(goods[:290])
    assert not centre.holds(-goods)


def test_queries_are_made_of_words_that_stand_side_by_side():
    asked = made_up(["Green tea leaves", "云南咖啡豆", "", "the of 12"], seed=3)
    assert len(asked) == 2
    assert any(query in ("green tea", "tea leaves") for query in asked)
    assert any(query in "云南咖啡豆" for query in asked)
    assert made_up(["Green tea leaves"] * 50, n=7) == made_up(["Green tea leaves"] * 50, n=7)
    assert len(made_up(["Green tea leaves"] * 50, n=7)) == 7
