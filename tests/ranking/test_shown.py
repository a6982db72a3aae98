"""Learning from answers that were shown: the pull of the place is told apart from that of the item."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.features.state import FoldSettings
from mien.models.factor import Als
from mien.ranking.past import past_shelf
from mien.ranking.ranker import Examples, LearnOptions, learn
from mien.ranking.shown import Shown, shown_examples

DEPTH = 12


def _clicks(n, seed):
    """Answers ordered mostly by something that nobody cares for; people look at place k with probability 1/k and click
    what they look at with a probability that rises with `good`."""
    random = np.random.default_rng(seed)
    good, loud = random.random((n, DEPTH)), random.random((n, DEPTH))
    wanted = 1 / (1 + np.exp(3 - 4 * good))
    place = np.argsort(np.argsort(-(0.8 * loud + 0.2 * good), axis=1), axis=1) + 1
    clicked = (random.random((n, DEPTH)) < wanted / place).astype(np.int64)
    return good, loud, wanted, place, clicked


def _quality(ranker):
    """NDCG by what people want, on answers never seen."""
    good, loud, wanted, _, _ = _clicks(1000, seed=1)
    scores = ranker.anyone.score({"text": good.ravel(), "popular": loud.ravel()}, good.size).reshape(good.shape)
    discount = 1 / np.log2(np.arange(2, DEPTH + 2))
    got = np.take_along_axis(wanted, np.argsort(-scores, axis=1), axis=1) @ discount
    return float((got / (-np.sort(-wanted, axis=1) @ discount)).mean())


def test_the_pull_of_a_place_is_not_learnt_as_that_of_the_item():
    good, loud, _, place, clicked = _clicks(3000, seed=0)
    decides = clicked.max(axis=1) > clicked.min(axis=1)
    columns = {"text": good[decides].ravel(), "popular": loud[decides].ravel()}
    labels, sizes = clicked[decides].ravel(), np.full(int(decides.sum()), DEPTH)
    options = LearnOptions(rounds=60)
    naive = _quality(learn(Examples(columns, labels, sizes), options))
    mended = _quality(learn(Examples(columns, labels, sizes, places=place[decides].ravel()), options))
    assert mended > 0.98
    assert naive < 0.96


def test_an_answer_is_measured_as_of_then(shop):
    catalogue, data = shop.shelf.catalogue, shop.world.interactions()
    at_us = shop.world.at_us - 28 * DAY_US
    shelf = past_shelf(catalogue, shop.shelf.yardstick, shop.shelf.index, data, at_us=at_us, taste=Als(factors=4))
    rows = np.array([shop.world.item_row(name) for name in ("bean-dark", "bean-light", "teapot")], dtype=np.int32)
    answers = [
        Shown(shop.world.user_row("ann"), at_us + 1, "coffee beans", rows, np.array([3, 1, 2]), np.array([3, 0, 0])),
        Shown(shop.world.user_row("ann"), at_us + 1, "coffee beans", rows, np.array([1, 2, 3]), np.array([0, 0, 0])),
    ]
    examples = shown_examples(answers, shelf, data, FoldSettings())
    assert examples.sizes.tolist() == [3]  # where nothing followed there is nothing to learn
    assert examples.labels.tolist() == [3, 0, 0]
    assert examples.places.tolist() == [3, 1, 2]
    assert examples.columns["text"][2] == 0.0  # the teapot holds no word of the query
    bought = [event for event in shop.world.logged("ann") if event.action == "purchase" and event.item == rows[0]]
    last = max(event.at_us for event in bought if event.at_us <= at_us)
    assert examples.columns["repeat.days"][0] == pytest.approx((at_us + 1 - last) / DAY_US, rel=1e-5)
