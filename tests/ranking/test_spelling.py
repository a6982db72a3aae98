"""Edit distance on paper and against a plain implementation; the nearest word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.ranking.spelling import Vocabulary, edit_distances

words = st.text("abcd", min_size=3, max_size=8)


def plain_distance(a, b):
    """Optimal string alignment, the textbook table."""
    d = [[max(i, j) if not i or not j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1)
    return d[-1][-1]


@given(word=words, known=st.lists(words, min_size=1, max_size=10, unique=True))
def test_distances_agree_with_the_textbook(word, known):
    vocabulary = Vocabulary.of(dict.fromkeys(known, 1))
    distances = edit_distances(word, vocabulary.letters, vocabulary.lengths)
    assert distances.tolist() == [plain_distance(word, other) for other in vocabulary.words]


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("coffe", "coffee"),  # one missing
        ("cofffee", "coffee"),  # one too many
        ("coffea", "coffee"),  # one wrong
        ("cofefe", "coffee"),  # two swapped
        ("koffie", "coffee"),  # two wrong, six letters
        ("tae", "tea"),
        ("tip", None),  # two edits are too many for three letters
        ("te", None),
        ("x" * 40, None),
        ("coffe3", None),  # a model number is not a typo
    ],
)
def test_nearest(typed, nearest):
    vocabulary = Vocabulary.of({"coffee": 10, "tea": 5, "toffees": 1, "xx": 9, "2024": 9})
    assert vocabulary.nearest(typed) == nearest


def test_frequent_words_win_ties():
    assert Vocabulary.of({"cart": 1, "card": 5}).nearest("carx") == "card"
    assert Vocabulary.of({"cart": 1, "dart": 5}).nearest("caxt") == "cart"


def test_an_empty_vocabulary():
    vocabulary = Vocabulary.of({})
    assert vocabulary.nearest("coffee") is None
    assert edit_distances("a", vocabulary.letters, vocabulary.lengths).tolist() == np.empty(0).tolist()
