"""A newcomer stands where the fitted items like it stand."""

import numpy as np
import scipy.sparse as sp

from mien.models.behaviour.newcomers import ALIKE, placed
from mien.models.items import ItemFacts

TABLE = np.array([[2, 0], [0, 4], [0.1, 0], [0.1, 0], [0, 0.1]], dtype=np.float32)
"""Two fitted items of mean length 3, three newcomers."""


def facts(rows: list[list[int]]) -> ItemFacts:
    return ItemFacts(sp.csr_array(np.array(rows, dtype=float)), np.zeros((len(rows), 0), dtype=np.float32))


def test_by_hand() -> None:
    told = facts([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    before = TABLE.copy()
    found = placed(TABLE, told, 2)
    assert np.array_equal(TABLE, before)
    assert np.array_equal(found[:2], TABLE[:2])
    assert np.allclose(found[2], [3, 0], atol=1e-5)
    assert np.allclose(found[3], [0, 3], atol=1e-5)
    assert np.array_equal(found[4], TABLE[4])  # like nothing that was fitted


def test_content_counts_as_tags_do() -> None:
    content = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8], [0, 0]], dtype=np.float32)
    found = placed(TABLE, ItemFacts(sp.csr_array((5, 0)), content), 2)
    assert np.allclose(found[2], [3, 0], atol=1e-5)
    ours = np.array([0.36 * 2, 0.64 * 4])
    assert np.allclose(found[3], 3 * ours / np.linalg.norm(ours), atol=1e-5)
    assert np.array_equal(found[4], TABLE[4])


def test_a_newcomer_is_placed_alike_alone_and_among_many() -> None:
    random = np.random.default_rng(0)
    table = random.standard_normal((3 * ALIKE, 4)).astype(np.float32)
    content = random.standard_normal((3 * ALIKE, 8)).astype(np.float32)
    content /= np.linalg.norm(content, axis=1, keepdims=True)
    n, tags = 2 * ALIKE, sp.csr_array((3 * ALIKE, 0))
    many = placed(table, ItemFacts(tags, content), n)
    alone = placed(table[: n + 1], ItemFacts(tags[: n + 1], content[: n + 1]), n)
    assert np.allclose(many[n], alone[n], atol=1e-5)


def test_nothing_new_and_nothing_fitted_change_nothing() -> None:
    told = facts([[1]] * 5)
    assert placed(TABLE, told, 5) is TABLE
    assert placed(TABLE, told, 0) is TABLE
