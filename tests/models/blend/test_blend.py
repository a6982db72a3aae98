"""The blend on worlds whose right answer is known, and what it must never do: look ahead."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import mien.models.blend.trees as trees
from mien.core.clock import DAY_US
from mien.core.errors import MissingExtra, UnknownName
from mien.core.event import ACTION_CODE
from mien.models.blend.blend import Blend
from mien.models.blend.examples import earlier_cuts, examples_at, first_baskets
from mien.models.blend.items import item_columns
from mien.models.blend.orders import bought_pairs, orders_of
from mien.models.blend.own import own_columns
from mien.models.blend.pairs import Pairs, candidates
from mien.models.interactions import Interactions
from mien.models.popular import Popular
from mien.models.repeat import Repeat

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]
NOW = 200 * DAY_US


def alternating(users: int = 60, days: int = 140) -> Interactions:
    """Every user owns two items and buys them in turns, one a week: the item *not* bought last time is the next one.

    Neither frequency nor recency tells; only the number of orders since does.
    """
    rows = [
        (u, 2 * (u % 10) + (u + week) % 2, NOW - DAY_US - week * 7 * DAY_US - u)
        for u in range(users)
        for week in range(days // 7)
    ]
    user, item, at = zip(*rows, strict=True)
    return Interactions.of(user, item, [BUY] * len(rows), at, n_users=users, n_items=20)


def small(**settings: object) -> Blend:
    chosen = {"parts": "popular+repeat+frequency", "cuts": 6, "window_days": 7.0, "rounds": 40, **settings}
    return Blend(**chosen)  # type: ignore[arg-type]


def firsts(model: Blend | Repeat, data: Interactions) -> npt.NDArray[np.int32]:
    return model.recommend(data, np.arange(data.n_users), 1, at_us=NOW).items[:, 0]


def test_it_learns_what_no_part_knows() -> None:
    data = alternating()
    due = np.array([2 * (u % 10) + (u + 1) % 2 for u in range(data.n_users)])
    repeat = Repeat(half_life_days=7.0).fit(data, at_us=NOW)
    blend = small().fit(data, at_us=NOW)
    assert not blend.notes
    assert (firsts(repeat, data) == due).mean() == 0.0
    assert (firsts(blend, data) == due).all()


def test_what_comes_after_the_fit_changes_nothing() -> None:
    """Other purchases after the moment, shuffled or none at all: the same trees, the same scores."""
    data = alternating()
    cut = NOW - 30 * DAY_US
    late = data.at_us > cut
    shuffled = data.item.copy()
    shuffled[late] = np.random.default_rng(0).permutation(shuffled[late])
    other = Interactions.of(data.user, shuffled, data.action, data.at_us, n_users=data.n_users, n_items=data.n_items)
    everyone = np.arange(data.n_users)
    scores = [
        small().fit(known, at_us=cut).score(known, everyone, at_us=cut) for known in (data, other, data.until(cut))
    ]
    assert scores[0].any()
    assert np.array_equal(scores[0], scores[1])
    assert np.array_equal(scores[0], scores[2])


def test_the_features_of_a_window_know_nothing_of_it() -> None:
    data = alternating()
    window = (NOW - 14 * DAY_US, NOW - 7 * DAY_US)
    past = data.before(window[0])
    parts = {"popular": Popular().fit(past, at_us=window[0]), "repeat": Repeat().fit(past, at_us=window[0])}
    found = [
        examples_at(known, window, parts, each=5, most_users=99, seed=0) for known in (data, data.before(window[1]))
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert np.array_equal(found[0].values, found[1].values, equal_nan=True)
    assert np.array_equal(found[0].labels, found[1].labels)
    assert found[0].sizes.sum() == len(found[0].labels)
    assert found[0].labels.sum() == data.n_users  # everybody's next item is among what they bought before


def test_windows_lie_before_the_moment() -> None:
    assert list(earlier_cuts(10 * DAY_US, 2.0, 2)) == [(8 * DAY_US, 10 * DAY_US), (6 * DAY_US, 8 * DAY_US)]


def test_equal_seeds_give_equal_trees_and_other_seeds_others() -> None:
    data = alternating()
    one, two, three = (small(users=20).fit(data, at_us=NOW, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.fitted["trees 0"], two.fitted["trees 0"])
    assert not np.array_equal(one.fitted["trees 0"], three.fitted["trees 0"])


def test_a_saved_blend_answers_alike(tmp_path: Path) -> None:
    data = alternating()
    blend = small().fit(data, at_us=NOW)
    blend.save(tmp_path)
    again = Blend.load(tmp_path)
    everyone = np.arange(data.n_users)
    assert np.array_equal(blend.score(data, everyone, at_us=NOW), again.score(data, everyone, at_us=NOW))


def test_too_few_baskets_are_said_and_shares_are_added() -> None:
    data = alternating(users=5, days=14)
    blend = small(parts="repeat+frequency").fit(data, at_us=NOW)
    assert "too few to learn from" in blend.notes[0]
    part = {
        name: model.score(data, [0], at_us=NOW)[0]
        for name, model in (
            ("repeat", Repeat().fit(data, at_us=NOW)),
            ("often", Repeat(half_life_days=None).fit(data, at_us=NOW)),
        )
    }
    expected = (part["repeat"] / part["repeat"].max() + part["often"] / part["often"].max()) / 2
    assert np.allclose(blend.score(data, [0], at_us=NOW)[0], expected)


def test_without_lightgbm_it_says_so_and_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(extra: str, package: str) -> None:
        raise MissingExtra(extra, package)

    data = alternating()
    learnt = small().fit(data, at_us=NOW)
    monkeypatch.setattr(trees, "require", missing)
    blend = small().fit(data, at_us=NOW)
    assert "mien[models]" in blend.notes[0]
    assert blend.score(data, [0], at_us=NOW).max() > 0
    with pytest.raises(MissingExtra, match="lightgbm"):
        learnt.score(data, [0], at_us=NOW)


def test_a_part_that_is_not_known_is_named() -> None:
    with pytest.raises(UnknownName, match="repeat"):
        Blend(parts="popular+repeet")


def test_forgetting_reaches_the_parts() -> None:
    data = alternating()
    blend = small(parts="repeat+user-neighbours").fit(data, at_us=NOW)
    held = blend.fitted["user-neighbours/taste_data"].copy()
    blend.forget([3])
    assert len(blend.fitted["user-neighbours/taste_data"]) < len(held)


def test_orders_by_hand() -> None:
    """User 0 buys item 1 ten, six and two days ago, item 0 six days ago; user 1 nothing."""
    days = [10, 6, 6, 2]
    data = Interactions.of([0] * 4, [1, 1, 0, 1], [BUY] * 4, [NOW - d * DAY_US for d in days], n_users=2, n_items=3)
    orders = orders_of(data, NOW)
    assert orders.orders.tolist() == [3, 0]
    assert orders.since_days.tolist()[0] == 2
    assert np.isnan(orders.since_days[1])
    assert sorted(zip(orders.key.tolist(), orders.ago.tolist(), strict=True)) == [(0, 1), (1, 0), (1, 1), (1, 2)]
    bought = bought_pairs(orders)
    assert bought.count.tolist() == [1, 3]
    assert bought.last.tolist() == [6, 2]
    assert bought.first.tolist() == [6, 10]
    assert bought.last_ago.tolist() == [1, 0]
    assert np.isnan(bought.gap_days[0])
    assert bought.gap_days[1] == 4


def test_own_columns_by_hand() -> None:
    days = [10, 6, 6, 2]
    data = Interactions.of([0] * 4, [1, 1, 0, 1], [BUY] * 4, [NOW - d * DAY_US for d in days], n_users=2, n_items=3)
    pairs = Pairs.of_keys(np.array([0, 1, 2]), 2, 3)
    columns = own_columns(pairs, data, NOW, np.array([np.nan, 8.0, np.nan]))
    assert columns["own count"].tolist() == [1, 3, 0]
    assert columns["own share"].tolist() == pytest.approx([1 / 3, 1, 0])
    assert columns["own due"][1] == 0.5  # two days since, every four days
    assert columns["item due"][1] == 0.25
    assert columns["own count place"].tolist() == [2, 1, 3]
    assert columns["user gap"].tolist() == [4, 4, 4]
    assert columns["user again"].tolist() == [0.5, 0.5, 0.5]
    assert np.isnan(columns["own since"][2])


def test_acts_before_a_purchase_are_counted() -> None:
    data = Interactions.of([0, 0], [1, 1], [VIEW] * 2, [NOW - 3 * DAY_US, NOW - DAY_US], n_users=1, n_items=2)
    columns = own_columns(Pairs.of_keys(np.array([0, 1]), 1, 2), data, NOW, np.full(2, np.nan))
    assert columns["own views"].tolist() == [0, 2]
    assert columns["own since view"][1] == 1


def test_item_columns_by_hand() -> None:
    """Item 0 is bought by both users, once again by user 0 after eight days; item 1 by nobody."""
    ages = [9, 1, 40]
    data = Interactions.of([0, 0, 1], [0, 0, 0], [BUY] * 3, [NOW - d * DAY_US for d in ages], n_users=2, n_items=2)
    columns = item_columns(data, NOW)
    assert columns["item buyers"].tolist() == [1, 0]
    assert columns["item sold 7d"].tolist() == [1, 0]
    assert columns["item trend week"].tolist() == [5 / 3, 1]
    assert columns["item again"][0] == 0.5
    assert columns["item gap"].tolist() == [8, 8]
    assert columns["item since"][0] == 1
    assert np.isnan(columns["item since"][1])


def test_candidates_are_those_that_score() -> None:
    data = Interactions.of([0], [1], [BUY], [NOW], n_users=2, n_items=4)
    scores = {
        "one": np.array([[0, 3, 2, 1], [1, 1, 1, 1]], dtype=np.float32),
        "two": np.array([[5, 0, 0, 0], [9, 9, 9, 9]], dtype=np.float32),
    }
    pairs = candidates(scores, data, np.zeros(4), 2)
    assert list(zip(pairs.user, pairs.item, strict=True)) == [(0, 0), (0, 1), (0, 2)]  # user 1 did nothing yet


def test_places_share_ties() -> None:
    pairs = Pairs.of_keys(np.array([0, 1, 2, 5]), 2, 4)
    assert pairs.place_in_user(np.array([1.0, 7.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5, 1.0]


def test_the_first_basket_is_the_first_instant() -> None:
    data = Interactions.of([0, 0, 0, 2], [3, 1, 2, 0], [BUY] * 4, [5, 5, 6, 9], n_users=3, n_items=4)
    baskets = first_baskets(data, np.array([0, 2], dtype=np.int32))
    assert list(zip(baskets.basket, baskets.item, strict=True)) == [(0, 1), (0, 3), (1, 0)]
