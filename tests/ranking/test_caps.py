"""Caps: the quick way for one facet and the walk for several hold the same back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.ranking.diversify import _held_alone, _held_back


@given(codes=st.lists(st.integers(-1, 3), max_size=30), limit=st.integers(1, 4), seed=st.integers(0, 9))
def test_one_facet_alone(codes, limit, seed):
    order = np.random.default_rng(seed).permutation(len(codes))
    groups, caps = {"brand": np.array(codes, dtype=np.int32)}, {"brand": limit}
    (names, before), (walked, met) = _held_alone(order, groups, caps), _held_back(order, groups, caps)
    assert names.tolist() == walked.tolist()
    assert before[names != ""].tolist() == met[names != ""].tolist()


def test_by_hand():
    """In the order 2, 0, 1, 3: three of value 7, of which one may be; what has no value is free."""
    names, before = _held_alone(
        np.array([2, 0, 1, 3]), {"brand": np.array([7, -1, 7, 7], dtype=np.int32)}, {"brand": 1}
    )
    assert names.tolist() == ["brand", "", "", "brand"]
    assert (before[0], before[3]) == (1, 2)


def test_what_one_facet_holds_back_takes_no_place_of_another():
    """0 and 1 are of one brand, of which one may be; 1 and 2 of one category, of which one may be: 2 is let in."""
    groups = {"brand": np.array([1, 1, 2], dtype=np.int32), "category": np.array([5, 6, 6], dtype=np.int32)}
    names, _ = _held_back(np.arange(3), groups, {"brand": 1, "category": 1})
    assert names.tolist() == ["", "brand", ""]
