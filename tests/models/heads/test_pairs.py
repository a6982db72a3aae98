"""Features of pairs and scores of labels: by hand, without a leak, and against trusted implementations."""

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.core.item import Facet
from mien.models.ease import Ease
from mien.models.heads.cuts import cut_at
from mien.models.heads.likeness import Context, Forward, tastes
from mien.models.heads.pairs import NEVER_DAYS, label_fate, pair_features
from mien.models.heads.targets import LabelSet, category_labels, item_labels, labels_named
from mien.models.interactions import Interactions

BUY = ACTION_CODE[Action.PURCHASE]
T = 1_700_000_000_000_000
FACETS = [
    Facet("category", 1, ("food", "home"), np.array([0, 0, 0, 1, 1, 1], np.int32)),
    Facet("category", 2, ("milk", "pots", "tea"), np.array([0, 0, 2, 1, 1, -1], np.int32)),
]


def crowd(seed: int = 0, n: int = 600) -> Interactions:
    random = np.random.default_rng(seed)
    at = T - random.integers(1, 200 * 86_400, n) * 1_000_000 + 20 * DAY_US
    item = random.integers(0, 6, n)
    return Interactions.of(
        random.integers(0, 30, n), item, [BUY] * n, at, random.uniform(1, 9, n), n_users=31, n_items=6
    )


def by_name(data: Interactions, labels: LabelSet, user: int, label: str) -> dict[str, float]:
    users = np.array([user], dtype=np.int32)
    pairs = pair_features(data.until(T), labels, users, T)
    row = pairs.values[labels.names.index(label)]
    return dict(zip(pairs.names, row.tolist(), strict=True))


def test_pairs_by_hand() -> None:
    """Milk 50, 30 and 20 days ago (two kinds in the last order), tea 20 days ago, pots 10 days ago."""
    day = np.array([50, 30, 20, 20, 20, 10])
    item = [0, 1, 0, 1, 2, 3]
    data = Interactions.of(
        [0] * 6, item, [BUY] * 6, T - day * DAY_US, [1.0] * 6, [2.0, 1, 1, 1, 1, 1], n_users=2, n_items=6
    )
    labels = category_labels(data, FACETS, T, top=3, days=0)
    milk = by_name(data, labels, 0, "milk")
    assert labels.names == ("milk", "pots", "tea")
    assert milk["own.n"] == 3  # orders, not lines
    assert milk["own.since"] == 20
    assert milk["own.gap"] == 15
    assert milk["own.due"] == pytest.approx(20 / 15)
    assert milk["own.gap_last"] == 10
    assert milk["own.gap_spread"] == pytest.approx(5)
    assert milk["own.28d"] == 1
    assert milk["own.half30"] == pytest.approx(2 ** (-50 / 30) + 0.5 + 2 ** (-20 / 30))
    assert milk["own.orders_since"] == 1  # the order of pots
    assert milk["own.orders_share"] == pytest.approx(3 / 4)
    assert milk["own.stock"] == pytest.approx(2 / (5 / 3))
    assert milk["category.1.since"] == 20
    assert milk["orders.n"] == 4
    assert milk["since"] == 10
    tea = by_name(data, labels, 0, "tea")
    assert tea["own.n"] == 1
    assert np.isnan(tea["own.gap"])
    never = by_name(data, labels, 1, "tea")
    assert never["own.since"] == NEVER_DAYS
    assert never["own.n"] == never["orders.n"] == 0
    assert milk["label.28d"] == 0.5
    assert not np.isinf(list(milk.values())).any()


def test_nothing_later_leaks_and_one_user_is_as_in_a_crowd() -> None:
    data = crowd()
    labels = category_labels(data, FACETS, T, top=3, days=14)
    users = np.array([4, 0, 30, 7], dtype=np.int32)
    whole = pair_features(data.before(T), labels, users, T)
    fate = label_fate(data.before(T), labels, T)
    for k, user in enumerate(users.tolist()):
        own = data.of_users([user]).before(T)
        alone = pair_features(own, labels, np.zeros(1, dtype=np.int32), T, fate=fate)
        np.testing.assert_array_equal(alone.values, whole.values[3 * k : 3 * k + 3])
    assert whole.column("own.n").shape == (4, 3)
    assert whole.only(("since", "own.n")).names == ("since", "own.n")


def test_labels_keep_their_place_in_another_catalogue() -> None:
    data = crowd()
    labels = category_labels(data, FACETS, T, top=3, days=14)
    other = Facet("category", 2, ("jam", "milk", "tea"), np.array([1, 1, 2, 0, 0, -1], np.int32))
    again = labels_named((FACETS[0], other), labels.names)
    assert again.names == labels.names
    assert again.chosen.tolist() == [1, -1, 2]
    pairs = pair_features(data.before(T), again, np.arange(30, dtype=np.int32), T)
    assert not pairs.column("own.n")[:, 1].any()
    there = pair_features(data.before(T), labels, np.arange(30, dtype=np.int32), T)
    np.testing.assert_array_equal(pairs.column("own.n")[:, 0], there.column("own.n")[:, 0])


def test_ease_of_labels_is_the_item_model_on_the_same_world() -> None:
    data = crowd()
    labels = item_labels(data, FACETS, T, top=6, days=14)
    users = np.arange(30, dtype=np.int32)
    ours = Context.of(data, labels, T, width=6).ease(T, users, half_life_days=60.0, power=1.0, ridge=50.0)
    model = Ease(ridge=50.0, half_life_days=60.0, weights={"purchase": 1.0}).fit(data.before(T), at_us=T)
    np.testing.assert_allclose(
        ours, model.score(data.before(T), users, at_us=T)[:, labels.chosen], rtol=1e-4, atol=1e-6
    )


def test_the_forward_regression_is_ridge_on_standardised_columns() -> None:
    from sklearn.linear_model import Ridge

    data = crowd()
    labels = item_labels(data, FACETS, T, top=4, days=14)
    context = Context.of(data, labels, T, width=6)
    read = tastes(context)
    users = np.arange(30, dtype=np.int32)
    ours = Forward(data, labels, read, None, cuts=1, ridge=0.5).scores(users, T)
    cut = cut_at(T - 14 * DAY_US, 14)
    known = np.unique(cut.past(data).user)
    x, y = read(known, cut.at_us).astype(np.float64), labels.bought(data, cut)[known].astype(float)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    theirs = Ridge(alpha=0.5 * len(x)).fit((x - mean) / spread, y)
    expected = theirs.predict((read(users, T) - mean) / spread)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    later = data.before(T + DAY_US)  # what comes after T changes nothing
    np.testing.assert_array_equal(ours, Forward(later, labels, read, None, cuts=1, ridge=0.5).scores(users, T))


def test_neighbours_say_what_people_alike_bought_lately() -> None:
    """Users 0 and 1 share an item, 2 is apart; 1 bought item 1 five days ago, 2 bought item 3."""
    day = np.array([40, 40, 5, 5, 40])
    data = Interactions.of([0, 1, 1, 2, 2], [0, 0, 1, 3, 4], [BUY] * 5, T - day * DAY_US, n_users=3, n_items=6)
    labels = item_labels(data, FACETS, T, top=9, days=0)
    scores = Context.of(data, labels, T, width=9).neighbours(T, np.array([0], dtype=np.int32))[0]
    said = dict(zip(labels.names, scores.tolist(), strict=True))
    assert said["1"] == pytest.approx(1.0)
    assert said["0"] == said["3"] == 0
