"""The head for reviews: its formula by hand, both languages, what it refuses, and that it survives saving."""

from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import NotReady, UnknownName, UsageError, WorkspaceError
from mien.models.content.reviews import ReviewHead, held_out, rating_labels, train_review_head
from mien.testing.encoder_checks import Letters

THINGS = ("tea", "mug", "phone", "book", "hotel", "手机", "水果", "衣服", "书", "酒店")
KIND = {word: k for k, words in enumerate((THINGS[:5], THINGS[5:])) for word in words}


def reviews(seed: int = 0, n: int = 600) -> tuple[list[str], np.ndarray, list[str]]:
    """Praise and blame of things in two languages; a word in ten is of the other mind. a in the text is praise's mark
    for an encoder of letters, b is blame's."""
    random = np.random.default_rng(seed)
    texts, labels, topics = [], [], []
    for _ in range(n):
        thing = THINGS[random.integers(len(THINGS))]
        glad = random.random() < 0.5
        said = glad if random.random() < 0.9 else not glad
        words = ("aaa great aa", "很好用，喜欢") if said else ("bbb broken bb", "太差了，失望")
        texts.append(f"{thing} {words[KIND[thing]]} {random.integers(10**6)}")
        labels.append(float(glad))
        topics.append(thing)
    return texts, np.array(labels), topics


@pytest.fixture(scope="module")
def head() -> ReviewHead:
    texts, labels, topics = reviews()
    return train_review_head(texts, labels, topics=topics)


def test_both_languages_are_read(head: ReviewHead) -> None:
    p = head.sentiment(["a great mug", "broken phone", "衣服很好", "酒店太差"])
    assert (p > 0.5).tolist() == [True, False, True, False]
    shares = head.topic_shares(["my book", "买了水果"])
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert [head.topics[k] for k in shares.argmax(axis=1)] == ["book", "水果"]


def test_probabilities_mean_what_they_say(head: ReviewHead) -> None:
    """One in ten is of the other mind: a sure head would be wrong."""
    texts, labels, _ = reviews(seed=1)
    p = head.sentiment(texts)
    assert np.mean((p > 0.5) == labels) > 0.85
    assert np.mean(p[labels > 0.5]) == pytest.approx(0.81 + 0.01, abs=0.06)  # .9 · .9 + .1 · .1
    assert abs(float(np.mean(p)) - float(np.mean(labels))) < 0.05


def test_a_text_without_a_known_word_says_neither(head: ReviewHead) -> None:
    assert np.isnan(head.sentiment(["", "!!!", "ゝゝ"])).all()
    assert np.isnan(head.topic_shares([""])).all()
    assert head.sentiment([]).shape == (0,)


def test_the_formula_by_hand() -> None:
    """A vector head of two numbers: centre (1, 0), spread 2, w (3, −1), c .5, slope 2, shift −1."""

    class Fixed(Letters):
        def encode(self, texts, *, kind="passage", progress=None):  # type: ignore[no-untyped-def]
            return np.array([[1.0, 2.0], [3.0, 0.0]], dtype=np.float32)

    arrays = {
        "centre": np.array([1.0, 0.0]), "spread": np.array([2.0]), "scale": np.array([2.0, -1.0]),
        "weights": np.array([[3.0, -1.0]]), "bias": np.array([0.5]),
    }  # fmt: skip
    p = ReviewHead("vector", arrays, encoder=Fixed()).sentiment(["x", "y"])
    z = np.array([3 * 0 - 1 * 1 + 0.5, 3 * 1 - 1 * 0 + 0.5])
    assert p == pytest.approx(1 / (1 + np.exp(-(2 * z - 1))))


@pytest.mark.parametrize("features", ["words", "vector", "fused"])
def test_saved_and_loaded_it_is_the_same(features: str, tmp_path: Path) -> None:
    texts, labels, topics = reviews(n=300)
    encoder = None if features == "words" else Letters()
    head = train_review_head(texts, labels, encoder, topics=topics, features=features)  # type: ignore[arg-type]
    again = ReviewHead.load(head.save(tmp_path / "review.npz"), encoder)
    assert np.array_equal(again.sentiment(texts), head.sentiment(texts), equal_nan=True)
    assert np.array_equal(again.topic_shares(texts), head.topic_shares(texts), equal_nan=True)
    assert again.facts == head.facts
    if features != "words":
        with pytest.raises(UsageError, match="pass the encoder"):
            ReviewHead.load(tmp_path / "review.npz")
        with pytest.raises(WorkspaceError, match="mien train"):
            ReviewHead.load(tmp_path / "review.npz", Letters(version="letters/2"))


def test_equal_seeds_equal_heads() -> None:
    texts, labels, _ = reviews(n=300)
    one, other = (train_review_head(texts, labels, Letters(), seed=3) for _ in range(2))
    assert (one.sentiment(texts) == other.sentiment(texts)).all()


def test_ratings_become_labels() -> None:
    labels = rating_labels([5, 4, 3, 2, 1, np.nan])
    assert labels[[0, 1, 3, 4]].tolist() == [1, 1, 0, 0]
    assert np.isnan(labels[[2, 5]]).all()


def test_equal_texts_are_held_out_together() -> None:
    texts = [f"text {k % 50}" for k in range(500)]
    held = held_out(texts, 0.2)
    assert held.mean() == pytest.approx(0.2)
    assert not {text for text, out in zip(texts, held, strict=True) if out} & {
        text for text, out in zip(texts, held, strict=True) if not out
    }


def test_what_cannot_be_learnt_is_told() -> None:
    texts, labels, _ = reviews(n=300)
    with pytest.raises(NotReady, match="50 negative reviews or more; there are 0"):
        train_review_head(texts, np.ones(300))
    with pytest.raises(UsageError, match="needs an encoder"):
        train_review_head(texts, labels, features="fused")
    with pytest.raises(UsageError, match="one label"):
        train_review_head(texts, labels[:-1])
    with pytest.raises(UnknownName, match="words"):
        train_review_head(texts, labels, features="word")  # type: ignore[arg-type]
    with pytest.raises(NotReady, match="topic"):
        train_review_head(texts, labels).topic_shares(["tea"])
