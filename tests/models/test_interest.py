"""The interest vector: its features by hand, its regressions against sklearn, its weights on a world with an answer."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE
from mien.core.vectors import unit
from mien.models.interactions import Interactions
from mien.models.interest import Interest, Learner, action_features, item_vectors, regress
from mien.testing.model_checks import NOW_US, toy

BUY, VIEW, CART = ACTION_CODE["purchase"], ACTION_CODE["view"], ACTION_CODE["cart"]


def test_features_by_hand() -> None:
    """User 0 carted item 0 a half-life ago and viewed item 1 now; asked about items 0 and 2."""
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    past = Interactions.of([0, 0], [0, 1], [CART, VIEW], [NOW_US - 30 * DAY_US, NOW_US], n_users=1, n_items=3)
    features = action_features(past, vectors, np.array([0, 0]), np.array([0, 2]), NOW_US, 30.0)
    assert features[:, CART] == pytest.approx([0.5, 0.5 * 0.6])
    assert features[:, VIEW] == pytest.approx([0.0, 0.8])
    assert not features[:, BUY].any()


def test_score_is_the_interest_vector_times_the_item() -> None:
    data = Interactions.of([0, 0], [0, 1], [CART, VIEW], [NOW_US - 30 * DAY_US, NOW_US], n_users=1, n_items=3)
    model = Interest(learner="hand").use_vectors(np.array([[2, 0], [0, 5], [3, 4]])).fit(data, at_us=NOW_US)
    v = np.array([4 * 0.5, 1.0])
    assert model.score(data, [0], at_us=NOW_US)[0] == pytest.approx([v[0], v[1], 0.6 * v[0] + 0.8 * v[1]])
    assert model.learnt["cart"] == 4.0


def world(seed: int = 0) -> Interactions:
    """What is carted is bought later; what is viewed says nothing. Items come in 4 groups, told by the vectors."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(120):
        liked, looked = random.integers(4, size=2)
        rows += [(user, 5 * liked + random.integers(5), CART, NOW_US - int(random.uniform(15, 20) * DAY_US))]
        rows += [(user, 5 * looked + random.integers(5), VIEW, NOW_US - int(random.uniform(15, 20) * DAY_US))]
        rows += [(user, 5 * liked + random.integers(5), BUY, NOW_US - int(random.uniform(1, 10) * DAY_US))]
    user, item, action, at = zip(*rows, strict=True)
    return Interactions.of(user, item, action, at, n_users=120, n_items=20)


@pytest.mark.parametrize("learner", ["ridge", "logistic"])
def test_learnt_weights_find_the_action_that_foretells(learner: Learner) -> None:
    groups = np.repeat(np.eye(4), 5, axis=0)
    model = Interest(learner=learner).use_vectors(groups).fit(world(), at_us=NOW_US)
    weights = model.learnt
    assert weights["cart"] > 0
    assert abs(weights["view"]) < 0.2 * weights["cart"]


def test_without_a_purchase_to_learn_from_the_weights_are_the_hand_set_ones() -> None:
    data = Interactions.of([0], [0], [VIEW], [NOW_US - 30 * DAY_US], n_users=1, n_items=2)
    assert Interest(dim=2).fit(data, at_us=NOW_US).learnt["purchase"] == 8.0


def test_regressions_are_those_of_sklearn_on_unit_columns() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)) * [1.0, 5.0, 0.1]
    y = (x @ [1.0, 0.1, -3.0] + random.normal(size=200) > 0).astype(float)
    spread = x.std(axis=0)
    ridge = Ridge(alpha=2.0).fit(x / spread, y).coef_ / spread
    logistic = LogisticRegression(C=0.5, max_iter=1000, tol=1e-10).fit(x / spread, y).coef_[0] / spread
    np.testing.assert_allclose(regress(x, y, "ridge", 2.0), ridge)
    np.testing.assert_allclose(regress(x, y, "logistic", 2.0), logistic, rtol=1e-5)


def test_vectors_of_the_same_people_are_near() -> None:
    data = toy()
    bought = np.zeros((8, 6))
    bought[:4, :3] = 1.0
    bought[4:, 3:] = 1.0
    bought[0, 0] = bought[5, 4] = 0.0
    vectors = item_vectors(sp.csr_array(bought), 2, seed=0)
    likeness = vectors @ vectors.T
    assert (likeness[:3, :3] > 0.95).all()
    assert (np.abs(likeness[:3, 3:]) < 0.05).all()
    assert len(item_vectors(data.matrix(np.ones(len(data))), 3, seed=0)) == data.n_items


def test_unit_rows_leave_zeros() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist() == pytest.approx(
        np.array([[0.6, 0.8], [0.0, 0.0]])
    )


def test_vectors_of_another_number_of_items_are_refused() -> None:
    with pytest.raises(UsageError, match="vectors for 3"):
        Interest().use_vectors(np.eye(3)).fit(toy(), at_us=NOW_US)
