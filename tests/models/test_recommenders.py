"""Each recommender by hand, and beside an implementation that can be trusted."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from mien.core.clock import DAY_US
from mien.core.errors import NotReady, UnknownName, UsageError
from mien.core.event import ACTION_CODE
from mien.models.ease import Ease
from mien.models.factor import Als
from mien.models.interactions import Interactions
from mien.models.named import MODELS, load_model, model_named
from mien.models.neighbours import ItemNeighbours, UserNeighbours
from mien.models.popular import Popular
from mien.models.ranked import best
from mien.models.repeat import Repeat
from mien.testing.model_checks import NOW_US, checkerboard, toy, two_people

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]


def days_ago(days: float) -> int:
    return NOW_US - int(days * DAY_US)


def test_popular_counts_weights_inside_its_window() -> None:
    at = [days_ago(1), days_ago(2), days_ago(3), days_ago(40)]
    data = Interactions.of([0, 1, 0, 1], [0, 0, 1, 2], [BUY, VIEW, BUY, BUY], at, n_users=2, n_items=3)
    model = Popular().fit(data, at_us=NOW_US)
    assert model.score(data, [0], at_us=NOW_US).tolist() == [[9.0, 8.0, 0.0]]  # 8 + 1, 8, too old


def test_repeat_halves_every_60_days() -> None:
    at = [days_ago(60), days_ago(120), days_ago(0)]
    data = Interactions.of([0, 0, 0], [0, 0, 1], [BUY, BUY, VIEW], at, n_users=1, n_items=3)
    scores = Repeat().fit(data, at_us=NOW_US).score(data, [0], at_us=NOW_US)
    assert scores.tolist() == [[8 * (0.5 + 0.25), 1.0, 0.0]]
    frequency = Repeat(half_life_days=None).fit(data, at_us=NOW_US)
    assert frequency.score(data, [0], at_us=NOW_US).tolist() == [[16.0, 1.0, 0.0]]


def test_repeat_knows_items_that_came_after_the_fit() -> None:
    data = Interactions.of([0], [0], [BUY], [days_ago(9)], n_users=1, n_items=1)
    later = Interactions.of([0], [2], [BUY], [NOW_US], n_users=1, n_items=3)
    assert Repeat().fit(data, at_us=NOW_US).score(later, [0], at_us=NOW_US).tolist() == [[0.0, 0.0, 8.0]]


def test_item_neighbours_without_shrinkage_are_the_cosines_of_sklearn() -> None:
    data = toy()
    model = ItemNeighbours(k=data.n_items, shrinkage=0.0).fit(data, at_us=NOW_US)
    bought = (data.matrix(np.ones(len(data))).toarray() > 0).astype(float)
    expected = cosine_similarity(bought.T)
    np.fill_diagonal(expected, 0.0)
    found = np.zeros_like(expected)
    for item in range(data.n_items):
        items, likeness = model.neighbours(item)
        assert (np.diff(likeness) <= 0).all()
        found[item, items] = likeness
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_item_neighbours_by_hand() -> None:
    """Item 0 by users 0, 1; item 1 by 0, 1; item 2 by 1: sim(0,1) = 2/(2+λ), sim(0,2) = 1/√((2+λ)(1+λ))."""
    data = Interactions.of([0, 0, 1, 1, 1], [0, 1, 0, 1, 2], [BUY] * 5, [days_ago(0)] * 5, n_users=2, n_items=3)
    model = ItemNeighbours(shrinkage=2.0).fit(data, at_us=NOW_US)
    items, likeness = model.neighbours(0)
    assert items.tolist() == [1, 2]
    assert likeness.tolist() == pytest.approx([2 / 4, 1 / np.sqrt(4 * 3)])
    scores = model.score(data, [0], at_us=NOW_US)[0]
    assert scores.tolist() == pytest.approx([8 * 0.5, 8 * 0.5, 16 / np.sqrt(12)])


def test_item_neighbours_keep_the_k_nearest_and_nothing_of_an_unknown_item() -> None:
    data = checkerboard()
    model = ItemNeighbours(k=2).fit(data, at_us=NOW_US)
    assert all(len(model.neighbours(item)[0]) == 2 for item in range(data.n_items))
    assert [len(part) for part in model.neighbours(99)] == [0, 0]
    assert [len(part) for part in model.neighbours(-1)] == [0, 0]


def test_neighbours_of_the_six_rows_do_not_cross() -> None:
    data = two_people()
    model = ItemNeighbours().fit(data, at_us=NOW_US)
    assert [model.neighbours(item)[0].tolist() for item in range(4)] == [[1], [0], [3], [2]]


def test_a_user_with_everything_is_cut_to_the_strongest() -> None:
    data = Interactions.of([0] * 5, range(5), [VIEW, BUY, VIEW, BUY, VIEW], [NOW_US] * 5, n_users=1, n_items=5)
    model = ItemNeighbours(history=2).fit(data, at_us=NOW_US)
    assert [model.neighbours(item)[0].tolist() for item in range(5)] == [[], [3], [], [1], []]


def test_user_neighbours_by_hand() -> None:
    """Users 0 and 1 share item 0 of two each, λ = 0: cosine 1/2, so user 0 gets half of what user 1 did."""
    data = Interactions.of([0, 0, 1, 1], [0, 1, 0, 2], [BUY] * 4, [NOW_US] * 4, n_users=2, n_items=4)
    model = UserNeighbours(shrinkage=0.0).fit(data, at_us=NOW_US)
    assert model.score(data, [0], at_us=NOW_US)[0].tolist() == pytest.approx([4.0, 0.0, 4.0, 0.0])


def test_user_neighbours_ask_the_k_nearest_only() -> None:
    data = Interactions.of([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 1, 3], [BUY] * 6, [NOW_US] * 6, n_users=3, n_items=4)
    alone = UserNeighbours(k=1, shrinkage=0.0).fit(data, at_us=NOW_US).score(data, [0], at_us=NOW_US)[0]
    assert alone[3] == 0.0
    assert UserNeighbours(k=2).fit(data, at_us=NOW_US).score(data, [0], at_us=NOW_US)[0][3] > 0.0


def test_user_neighbours_forget() -> None:
    data = Interactions.of([0, 0, 1, 1], [0, 1, 0, 2], [BUY] * 4, [NOW_US] * 4, n_users=2, n_items=4)
    model = UserNeighbours().fit(data, at_us=NOW_US).forget([1])
    assert not model.score(data, [0], at_us=NOW_US).any()
    assert 2 not in model.fitted["taste_indices"]


@pytest.mark.parametrize("ridge", [0.5, 20.0])
def test_ease_is_the_closed_form(ridge: float) -> None:
    data = toy(rows=300)
    model = Ease(ridge=ridge, half_life_days=None).fit(data, at_us=NOW_US)
    x = data.matrix(data.strength(model.weights) / 8).toarray()
    bought = np.flatnonzero(x.sum(axis=0))
    inverse = np.linalg.inv(x[:, bought].T @ x[:, bought] + ridge * np.eye(len(bought)))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    assert model.fitted["items"].tolist() == bought.tolist()
    np.testing.assert_allclose(model.fitted["weights"], expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        model.score(data, range(data.n_users), at_us=NOW_US)[:, bought], x[:, bought] @ expected, rtol=1e-3, atol=1e-4
    )


def test_ease_takes_the_most_bought_that_fit_in_memory_and_says_so() -> None:
    data = toy(rows=300)
    whole = Ease().fit(data, at_us=NOW_US)
    assert whole.notes == ()
    capped = Ease(memory_mb=12 * 5**2 / 2**20).fit(data, at_us=NOW_US)
    assert len(capped.fitted["items"]) == 5
    assert "the 5 most bought of 11 items" in capped.notes[0]
    totals = data.matrix(data.strength(capped.weights, at_us=NOW_US, half_life_days=60.0)).sum(axis=0)
    assert set(capped.fitted["items"].tolist()) == set(np.argsort(-totals)[:5].tolist())


def test_als_folds_a_history_in_as_the_normal_equations_say() -> None:
    data = toy()
    model = Als(factors=3, half_life_days=None).fit(data, at_us=NOW_US)
    y = model.fitted["vectors"].astype(float)
    w = data.matrix(data.strength(model.weights) * model.alpha / 8).toarray()[0]
    left = y.T @ y + (y * w[:, None]).T @ y + model.ridge * np.eye(3)
    x = np.linalg.solve(left, y.T @ ((1 + w) * (w > 0)))
    np.testing.assert_allclose(model.score(data, [0], at_us=NOW_US)[0], y @ x, rtol=1e-3, atol=1e-4)


def test_ties_go_by_fallback_then_by_row() -> None:
    scores = np.array([[1.0, 0.0, 0.0, 1.0, 0.0]], dtype=np.float32)
    ranked = best(scores, 4, np.array([1.0, 5.0, 0.0, 2.0, 5.0]))
    assert ranked.items.tolist() == [[3, 0, 1, 4]]
    assert best(-scores, 3, np.zeros(5)).items.tolist() == [[1, 2, 4]]


def test_best_agrees_with_a_full_sort() -> None:
    random = np.random.default_rng(3)
    scores = random.integers(-2, 3, (50, 40)).astype(np.float32)
    fallback = random.integers(0, 4, 40).astype(float)
    for k in (1, 7, 40, 45):
        expected = np.array([np.lexsort((np.arange(40), -fallback, -row))[:k] for row in scores])
        assert np.array_equal(best(scores, k, fallback).items[:, : min(k, 40)], expected)


def test_names() -> None:
    classical = ["popular", "repeat", "frequency", "item-neighbours", "user-neighbours", "ease", "als", "interest"]
    assert list(MODELS) == [*classical, "behaviour", "blend"]
    with pytest.raises(UnknownName, match="popular"):
        model_named("populer")


def test_an_unfitted_model_says_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotReady, match="not fitted"):
        Popular().score(toy(), [0], at_us=NOW_US)
    with pytest.raises(NotReady, match="mien build"):
        load_model("popular", tmp_path)


def test_wrong_calls_are_refused_with_a_sentence() -> None:
    data = toy()
    model = Popular().fit(data, at_us=NOW_US)
    with pytest.raises(UsageError, match="outside of the histories"):
        model.score(data, [data.n_users], at_us=NOW_US)
    with pytest.raises(UsageError, match="flat list"):
        model.score(data, [[0]], at_us=NOW_US)
    with pytest.raises(UsageError, match="exclude must have the shape"):
        model.recommend(data, [0], 3, at_us=NOW_US, exclude=np.zeros(2, dtype=bool))
    with pytest.raises(UsageError, match="allowed must have one entry"):
        model.recommend(data, [0], 3, at_us=NOW_US, allowed=np.zeros(2, dtype=bool))


def test_best_of_a_wide_row_agrees_with_a_full_sort() -> None:
    random = np.random.default_rng(4)
    scores = np.maximum(random.normal(-2, 1, (30, 5000)), 0.0).astype(np.float32)  # most are tied at 0
    scores[5] = -np.inf
    scores[6] = random.normal(size=5000)
    fallback = random.integers(0, 9, 5000).astype(float)
    found = best(scores, 20, fallback)
    expected = np.array([np.lexsort((np.arange(5000), -fallback, -row))[:20] for row in scores])
    expected[5] = -1
    assert np.array_equal(found.items, expected)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("popular", {"window_days": 0}),
        ("repeat", {"half_life_days": -1.0}),
        ("item-neighbours", {"k": 0}),
        ("user-neighbours", {"shrinkage": -1.0}),
        ("ease", {"ridge": 0.0}),
        ("als", {"factors": 0}),
        ("interest", {"dim": 0}),
    ],
)
def test_settings_without_a_meaning_are_refused(name: str, settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(settings))} of the model {name} must be above 0"):
        model_named(name)(**settings)


def test_an_unknown_learner_is_named() -> None:
    with pytest.raises(UnknownName, match="ridge"):
        model_named("interest")(learner="rigde")


def test_a_ridge_too_small_for_single_precision_is_a_sentence() -> None:
    data = Interactions.of([0] * 3, [0, 1, 2], [BUY] * 3, [NOW_US] * 3, n_users=1, n_items=3)
    with pytest.raises(UsageError, match="set it higher"):
        Ease(ridge=1e-12).fit(data, at_us=NOW_US)
