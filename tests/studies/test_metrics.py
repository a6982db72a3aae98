"""Measures by hand and beside scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, ndcg_score, roc_auc_score

from mien.core.errors import UsageError
from mien.studies import metrics as m

ITEMS = np.array([[7, 3, 9], [1, -1, -1], [5, 6, 2]])
USERS, TRUTH = np.array([0, 0, 0, 1, 2]), np.array([3, 9, 4, 2, 5])
HITS = m.hit_matrix(ITEMS, USERS, TRUTH)
RELEVANT = np.array([3, 1, 1])


def test_hits() -> None:
    assert HITS.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]


def test_an_item_not_shown_is_never_a_hit() -> None:
    assert m.hit_matrix(np.array([[-1], [-1]]), np.array([1]), np.array([9])).tolist() == [[0], [0]]


def test_ranked_measures_by_hand() -> None:
    assert m.recall_at(HITS, RELEVANT, 3).tolist() == pytest.approx([2 / 3, 0, 1])
    assert m.precision_at(HITS, 3).tolist() == pytest.approx([2 / 3, 0, 1 / 3])
    assert m.f1_at(HITS, RELEVANT, 3).tolist() == pytest.approx([2 / 3, 0, 1 / 2])
    assert m.mrr_at(HITS, 3).tolist() == [0.5, 0, 1]
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert m.ndcg_at(HITS, RELEVANT, 3).tolist() == pytest.approx([(second + third) / (1 + second + third), 0, 1])
    assert m.ndcg_at(HITS, RELEVANT, 1).tolist() == [0, 0, 1]


def test_k_beyond_the_list_counts_misses() -> None:
    assert m.precision_at(HITS, 10).tolist() == pytest.approx([0.2, 0, 0.1])
    ideal = (1 / np.log2(np.arange(2, 5))).sum()
    assert m.ndcg_at(HITS, RELEVANT, 10)[0] == pytest.approx((1 / np.log2(3) + 1 / np.log2(4)) / ideal)


def test_nothing_relevant_is_unknown_not_zero() -> None:
    assert np.isnan(m.recall_at(HITS, np.array([0, 1, 1]))).tolist() == [True, False, False]
    assert np.isnan(m.ndcg_at(HITS, np.array([0, 1, 1]))).tolist() == [True, False, False]


def test_graded_ndcg_is_that_of_sklearn() -> None:
    random = np.random.default_rng(0)
    gains, scores = random.integers(0, 4, (20, 15)).astype(float), random.normal(size=(20, 15))
    shown = np.take_along_axis(gains, np.argsort(-scores, axis=1), axis=1)
    expected = [ndcg_score(g[None], s[None], k=10) for g, s in zip(gains, scores, strict=True)]
    np.testing.assert_allclose(m.graded_ndcg_at(shown, gains, 10), expected)


def test_binary_ndcg_is_graded_ndcg_of_ones() -> None:
    random = np.random.default_rng(1)
    gains = (random.random((20, 15)) < 0.3).astype(float)
    gains[:, 0] = 1.0
    np.testing.assert_allclose(m.ndcg_at(gains, gains.sum(axis=1), 10), m.graded_ndcg_at(gains, gains, 10))


def test_rank_of_with_ties() -> None:
    scores = np.array([[1.0, 1.0, 1.0, 2.0]])
    assert m.rank_of(scores, np.array([1])).tolist() == [4]
    assert m.rank_of(scores, np.array([1]), pessimistic=False).tolist() == [3]
    assert m.rank_of(scores, np.array([3])).tolist() == [1]


def test_coverage_and_novelty() -> None:
    assert m.coverage(ITEMS, 14) == pytest.approx(7 / 14)
    assert m.coverage(ITEMS, 0) == 0.0
    counts = np.array([3, 0])
    assert m.novelty(np.array([[0, 1]]), counts) == pytest.approx((-np.log2(4 / 5) - np.log2(1 / 5)) / 2)
    assert m.novelty(np.array([[-1]]), counts) == 0.0


def test_auroc_is_that_of_sklearn_column_by_column() -> None:
    random = np.random.default_rng(2)
    scores, labels = random.integers(0, 5, (60, 4)).astype(float), random.random((60, 4)) < 0.3
    labels[:, 3] = False
    found = m.auroc(scores, labels)
    expected = [roc_auc_score(labels[:, k], scores[:, k]) for k in range(3)]
    np.testing.assert_allclose(found[:3], expected)
    assert np.isnan(found[3])


def test_auroc_by_hand() -> None:
    assert m.auroc(np.array([[1.0], [2.0], [2.0]]), np.array([[False], [True], [False]])).tolist() == [0.75]


def test_brier_and_ece() -> None:
    probabilities, labels = np.array([0.1, 0.9, 0.8, 0.3]), np.array([False, True, False, True])
    assert m.brier(probabilities, labels) == pytest.approx(brier_score_loss(labels, probabilities))
    assert m.ece(probabilities, labels) == pytest.approx((0.1 + 0.1 + 0.8 + 0.7) / 4)
    assert m.ece(np.array([1.0, 1.0]), np.array([True, True])) == 0.0
    assert m.ece(np.array([]), np.array([], dtype=bool)) == 0.0


def test_bootstrap_is_seeded_and_covers_the_normal_interval() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 900)
    found = m.bootstrap_mean(values, seed=4)
    assert found == m.bootstrap_mean(values, seed=4)
    half = 1.96 * values.std() / 30
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_bootstrap_leaves_the_unknown_out() -> None:
    assert m.bootstrap_mean(np.array([1.0, np.nan, 1.0])) == m.Interval(1.0, 1.0, 1.0)
    assert m.bootstrap_mean(np.array([np.nan])).to_dict() == {"mean": None, "low": None, "high": None}


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    noise = np.random.default_rng(5).normal(0, 1, 200)
    ours, theirs = noise + 0.05, noise
    assert m.bootstrap_mean(ours).low < m.bootstrap_mean(theirs).high
    assert m.paired_difference(ours, theirs).low == pytest.approx(0.05)
    with pytest.raises(UsageError, match="same users"):
        m.paired_difference(ours, theirs[1:])


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=10), st.integers(0, 7))
def test_measures_stay_between_0_and_1(rows: list[list[bool]], more: int) -> None:
    hits = np.array(rows, dtype=float)
    relevant = hits.sum(axis=1) + more
    for value in (m.recall_at(hits, relevant, 5), m.ndcg_at(hits, relevant, 5), m.f1_at(hits, relevant, 5)):
        known = value[~np.isnan(value)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all()
