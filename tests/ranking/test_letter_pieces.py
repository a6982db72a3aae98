"""Letters: on paper, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from mien.ranking.letters import Letters

WORDS = ["faucet", "faucets", "hose", "nose", "a", "18", "咖", "conditioner", "banana"]


def test_as_scikit_learn_has_it():
    theirs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit(WORDS)
    asked = ["facuet", "hoses", "bananas", "zzz"]
    ours = Letters.of(WORDS)
    near = (ours.rows(asked) @ ours.rows(WORDS).T).toarray()
    assert near == pytest.approx((theirs.transform(asked) @ theirs.transform(WORDS).T).toarray(), abs=1e-5)
    assert not near[3].any()


def test_a_word_is_nearest_to_itself():
    rows = Letters.of(WORDS).rows(WORDS)
    near = (rows @ rows.T).toarray()
    assert np.diag(near) == pytest.approx(np.ones(len(WORDS)), abs=1e-5)
    assert near.argmax(axis=1).tolist() == list(range(len(WORDS)))
    assert Letters.of([]).rows(["any"]).shape == (1, 0)
