"""Caps: the quick way for one facet and the walk for several hold the same back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.ranking.diversify import _held_alone, _held_back


@given(codes=st.lists(st.integers(-1, 3), max_size=30), limit=st.integers(1, 4), seed=st.integers(0, 9))
def test_one_facet_alone(codes, limit, seed):
    order = np.random.default_rng(seed).permutation(len(codes))
    group = np.array(codes, dtype=np.int32)
    (by, before), (walked, met) = _held_alone(order, group, limit), _held_back(order, [group], [limit])
    assert by.tolist() == walked.tolist()
    assert before[by >= 0].tolist() == met[by >= 0].tolist()


def test_by_hand():
    """In the order 2, 0, 1, 3: three of value 7, of which one may be; what has no value is free."""
    by, before = _held_alone(np.array([2, 0, 1, 3]), np.array([7, -1, 7, 7], dtype=np.int32), 1)
    assert by.tolist() == [0, -1, -1, 0]
    assert (before[0], before[3]) == (1, 2)


def test_what_one_facet_holds_back_takes_no_place_of_another():
    """0 and 1 are of one brand, of which one may be; 1 and 2 of one category, of which one may be: 2 is let in."""
    brands, categories = np.array([1, 1, 2], dtype=np.int32), np.array([5, 6, 6], dtype=np.int32)
    by, _ = _held_back(np.arange(3), [brands, categories], [1, 1])
    assert by.tolist() == [-1, 0, -1]
