"""The laws of item recommenders: one list, run on every implementation, ours and yours.

    @pytest.mark.parametrize("law", MODEL_LAWS, ids=lambda law: law.__name__)
    def test_law(law): law(MyModel)

A law takes a maker of unfitted models and raises AssertionError where it does not hold.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE
from mien.models.interactions import Interactions
from mien.models.model import Model

Maker = Callable[[], Model]
Law = Callable[[Maker], None]

NOW_US = 1_700_000_000_000_000
"""The moment of all worlds: 2023-11-14."""
BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]


def checkerboard(users: int = 12, items: int = 8) -> Interactions:
    """User u buys every item of its own parity, except the one numbered like itself: the obvious next item.

    (The world by which the library `implicit` tests its recommenders.)
    """
    pairs = [(u, i) for u in range(users) for i in range(items) if u % 2 == i % 2 and i != u % items]
    user, item = np.array(pairs).T
    at = NOW_US - DAY_US - np.arange(len(pairs)) * 1_000_000
    return Interactions.of(user, item, np.full(len(pairs), BUY), at, n_users=users, n_items=items)


def toy(seed: int = 0, users: int = 15, items: int = 12, rows: int = 150) -> Interactions:
    """Views and purchases at random over 90 days; the last user has no history, the last item no buyer."""
    random = np.random.default_rng(seed)
    return Interactions.of(
        random.integers(0, users - 1, rows),
        (random.beta(1, 2, rows) * (items - 1)).astype(int),
        random.choice([BUY, VIEW], rows),
        NOW_US - random.integers(DAY_US, 90 * DAY_US, rows),
        random.uniform(1, 100, rows),
        n_users=users,
        n_items=items,
    )


def two_people() -> Interactions:
    """User 0 views 0 and 1 and buys 0; user 1 views 2 and 3 and buys 3: nothing connects their goods."""
    user, item, action = [0, 0, 0, 1, 1, 1], [0, 1, 0, 2, 3, 3], [VIEW, VIEW, BUY, VIEW, VIEW, BUY]
    at = NOW_US - DAY_US + np.arange(6)
    return Interactions.of(user, item, action, at, n_users=2, n_items=4)


def fit_leaves_its_input_unchanged(make: Maker) -> None:
    data = toy()
    before = [column.copy() for column in _columns(data)]
    model = make().fit(data, at_us=NOW_US)
    model.recommend(data, np.arange(data.n_users), 5, at_us=NOW_US)
    assert all(np.array_equal(a, b) for a, b in zip(before, _columns(data), strict=True))


def same_seed_same_answer(make: Maker) -> None:
    data = toy()
    one, two = (make().fit(data, at_us=NOW_US, seed=7) for _ in range(2))
    assert np.array_equal(_scores(one, data), _scores(two, data))


def save_and_load_is_identity(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US, seed=3)
    with TemporaryDirectory() as folder:
        model.save(Path(folder))
        again = type(model).load(Path(folder))
    assert np.array_equal(_scores(model, data), _scores(again, data))
    assert _items(model, data) == _items(again, data)
    assert all(getattr(model, name) == getattr(again, name) for name in model.settings_names())
    assert (again.at_us, again.n_items, again.notes) == (model.at_us, model.n_items, model.notes)


def a_batch_equals_one_by_one(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    single = np.concatenate([model.score(data, [u], at_us=NOW_US) for u in range(data.n_users)])
    assert np.allclose(single, _scores(model, data), rtol=1e-5, atol=1e-6)


def users_keep_their_order(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    users = np.array([5, 2, 2, 14, 0])
    assert np.allclose(model.score(data, users, at_us=NOW_US), _scores(model, data)[users], rtol=1e-5, atol=1e-6)


def scores_are_finite(make: Maker) -> None:
    data = toy()
    scores = _scores(make().fit(data, at_us=NOW_US), data)
    assert scores.shape == (data.n_users, data.n_items)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def duplicates_and_disorder_change_nothing(make: Maker) -> None:
    data = toy()
    order = np.random.default_rng(1).permutation(np.concatenate([np.arange(len(data)), np.arange(0, len(data), 3)]))
    told_again = Interactions.of(
        *(column[order] for column in _columns(data)), n_users=data.n_users, n_items=data.n_items
    )
    one, two = make().fit(data, at_us=NOW_US), make().fit(told_again, at_us=NOW_US)
    assert np.array_equal(_scores(one, data), _scores(two, told_again))


def nothing_after_the_moment_leaks(make: Maker) -> None:
    data = toy()
    cut_us = NOW_US - 30 * DAY_US
    whole, past = make().fit(data, at_us=cut_us), make().fit(data.until(cut_us), at_us=cut_us)
    everyone = np.arange(data.n_users)
    assert np.array_equal(
        whole.score(data, everyone, at_us=cut_us), past.score(data.until(cut_us), everyone, at_us=cut_us)
    )


def a_cold_user_gets_what_is_popular(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    cold = data.n_users - 1
    shown = model.recommend(data, [cold], data.n_items, at_us=NOW_US).items[0]
    fallback = model.fitted["fallback"]
    assert list(shown) == sorted(range(data.n_items), key=lambda item: (-fallback[item], item))


def a_user_after_the_fit_needs_no_refit(make: Maker) -> None:
    data = toy()
    later = Interactions.of([0], [1], [BUY], [NOW_US], n_users=1, n_items=data.n_items)
    scores = make().fit(data, at_us=NOW_US).score(later, [0], at_us=NOW_US)
    assert np.isfinite(scores).all()
    assert scores.shape == (1, data.n_items)


def an_item_after_the_fit_is_a_column_of_its_own(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    wider = Interactions.of(*_columns(data), n_users=data.n_users, n_items=data.n_items + 3)
    scores = _scores(model, wider)
    assert np.allclose(scores[:, : data.n_items], _scores(model, data), rtol=1e-5, atol=1e-6)
    assert not scores[:, data.n_items :].any()


def k_may_exceed_the_items(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    ranked = model.recommend(data, [0, 1], data.n_items + 5, at_us=NOW_US)
    assert (ranked.items[:, data.n_items :] == -1).all()
    assert np.isneginf(ranked.scores[:, data.n_items :]).all()
    assert all(sorted(row[: data.n_items]) == list(range(data.n_items)) for row in ranked.items)


def hidden_items_are_not_shown(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    hidden, allowed = np.arange(data.n_items) < 3, np.arange(data.n_items) != 5
    items = model.recommend(data, np.arange(4), data.n_items, at_us=NOW_US, exclude=hidden, allowed=allowed).items
    assert not np.isin(items, [0, 1, 2, 5]).any()
    assert ((items >= 0).sum(axis=1) == data.n_items - 4).all()
    own = data.matrix(np.ones(len(data)))[[0, 1]]
    unseen = model.recommend(data, [0, 1], data.n_items, at_us=NOW_US, exclude=own).items
    assert all(not set(row[row >= 0]) & set(own[[k]].indices) for k, row in enumerate(unseen))


def scores_go_down_the_list(make: Maker) -> None:
    data = toy()
    model = make().fit(data, at_us=NOW_US)
    ranked = model.recommend(data, np.arange(data.n_users), 6, at_us=NOW_US)
    assert (np.diff(ranked.scores, axis=1) <= 0).all()
    assert np.allclose(
        np.take_along_axis(_scores(model, data), ranked.items.astype(int), axis=1), ranked.scores, rtol=1e-5, atol=1e-6
    )


def a_world_of_one_user_or_none_is_a_world(make: Maker) -> None:
    one = Interactions.of([0, 0], [0, 2], [BUY, VIEW], [NOW_US - 1, NOW_US - 2], n_users=1, n_items=3)
    empty = Interactions.of([], [], [], [], n_users=2, n_items=3)
    for data in (one, empty):
        model = make().fit(data, at_us=NOW_US)
        assert np.isfinite(_scores(model, data)).all()
        assert _items(model, data)[0][:3] == sorted(_items(model, data)[0][:3]) or len(data)
    nothing = Interactions.of([], [], [], [], n_users=0, n_items=0)
    assert len(make().fit(nothing, at_us=NOW_US).recommend(nothing, [], 3, at_us=NOW_US)) == 0


MODEL_LAWS: tuple[Law, ...] = (
    fit_leaves_its_input_unchanged,
    same_seed_same_answer,
    save_and_load_is_identity,
    a_batch_equals_one_by_one,
    users_keep_their_order,
    scores_are_finite,
    duplicates_and_disorder_change_nothing,
    nothing_after_the_moment_leaks,
    a_cold_user_gets_what_is_popular,
    a_user_after_the_fit_needs_no_refit,
    an_item_after_the_fit_is_a_column_of_its_own,
    k_may_exceed_the_items,
    hidden_items_are_not_shown,
    scores_go_down_the_list,
    a_world_of_one_user_or_none_is_a_world,
)


def the_missing_square_comes_first(make: Maker) -> None:
    """On the checkerboard the item left out of each user's colour is the best of those not bought."""
    data = checkerboard()
    model = make().fit(data, at_us=NOW_US)
    own = data.matrix(np.ones(len(data)))
    items = model.recommend(data, np.arange(data.n_users), 1, at_us=NOW_US, exclude=own).items
    assert list(items[:, 0]) == [u % data.n_items for u in range(data.n_users)]


def communities_never_cross(make: Maker) -> None:
    """Where no person connects two sets of goods, none of the other set scores above 0."""
    data = two_people()
    scores = _scores(make().fit(data, at_us=NOW_US), data)
    assert (scores[0, 2:] <= 1e-6).all()
    assert (scores[1, :2] <= 1e-6).all()


COLLABORATIVE_LAWS: tuple[Law, ...] = (the_missing_square_comes_first, communities_never_cross)
"""What a model must find out that learns from other people."""


def _columns(data: Interactions) -> tuple[npt.NDArray[Any], ...]:
    return data.user, data.item, data.action, data.at_us, data.value, data.quantity


def _scores(model: Model, data: Interactions) -> npt.NDArray[np.float32]:
    return model.score(data, np.arange(data.n_users), at_us=NOW_US)


def _items(model: Model, data: Interactions) -> list[list[int]]:
    ranked = model.recommend(data, np.arange(data.n_users), data.n_items, at_us=NOW_US)
    return [list(map(int, row)) for row in ranked.items]
