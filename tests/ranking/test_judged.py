"""Judged queries: grades and labels on paper, lessons of a shelf, and how strong what was learnt stands."""

from dataclasses import replace

import numpy as np
import pytest

from mien.core.errors import NotReady
from mien.ranking.close import CloseReading
from mien.ranking.judged import LEAST, SPAN, JudgedQuery, examples_of, grades_of, learn_texts, lessons
from mien.ranking.ranker import Examples, LearnOptions

pytest.importorskip("lightgbm", reason="needs the extra models")

TEXTS = ("coffee", "coffee beans", "tea", "green tea", "coffee kitchen")


@pytest.fixture(scope="module")
def context(shop):
    return replace(shop.context(None), shelf=replace(shop.shelf, close=CloseReading.of(shop.world.catalogue)))


@pytest.fixture(scope="module")
def taught(shop, context):
    rows = np.array([shop.world.item_row(one) for one in ("bean-light", "black-tea")], dtype=np.int32)
    asked = [JudgedQuery(f"{text} {k}kg", rows, np.array([1.0, 0.7])) for k in range(5) for text in TEXTS]
    return lessons(asked, context, seed=1)


def test_grades_become_labels():
    """Two thirds of the way from the lowest to the highest relevance are a good answer, as in `mien study search`."""
    one = JudgedQuery("tea", np.arange(5, dtype=np.int32), np.array([0.0, 0.5, 0.665, 0.835, 1.0]))
    assert one.labels.tolist() == [0, 0, 1, 1, 2]


def test_what_was_judged_twice_has_the_mean():
    rows, grades = grades_of(np.array([7, 3, 7], dtype=np.int32), np.array([1.0, 0.5, 0.0]))
    assert (rows.tolist(), grades.tolist()) == ([3, 7], [0.5, 0.5])


def test_a_lesson_holds_texts_alone(taught):
    for one in taught:
        assert {name.partition(".")[0] for name in one.columns} == {"text", "words", "spelling"}
        assert one.labels.max() > 0
        assert len(one.labels) == len(one.given)


def test_a_query_that_finds_no_good_answer_teaches_nothing(context, shop):
    gone = np.array([shop.world.item_row("gone")], dtype=np.int32)  # not available: it is never shown
    assert lessons([JudgedQuery("coffee", gone, np.array([1.0]))], context) == []


def test_too_few_are_said(taught):
    with pytest.raises(NotReady, match=f"3 judged queries find a good answer; {LEAST} are needed"):
        learn_texts(taught[:3])


def test_texts_weigh_as_much_as_by_hand(taught):
    """The same standard deviation within a query; no sum of them lifts an item over a tier."""
    learnt = learn_texts(taught, options=LearnOptions(rounds=30, least_rows=2), seed=1)
    examples = examples_of(taught)
    columns = {name: np.asarray(x, dtype=np.float64) for name, x in examples.columns.items()}
    scores = learnt.anyone.score(columns, len(examples.labels))
    begins = np.cumsum([0, *examples.sizes])[:-1]

    def spread(values):
        means = np.add.reduceat(values, begins) / examples.sizes
        return np.sqrt(np.mean((values - np.repeat(means, examples.sizes)) ** 2))

    assert spread(scores) == pytest.approx(spread(np.concatenate([one.given for one in taught])))
    assert learnt.anyone.span <= SPAN
    assert learnt.close
    assert learnt.known is learnt.anyone


def test_what_people_did_and_what_they_judged_is_joined():
    """A column that one lacks is neutral there, a place that nobody was shown is one place, no weight is 1."""
    did = Examples({"text": np.array([0.5, 1.0])}, np.array([0, 1]), np.array([2]), None, np.array([1, 2]))
    said = Examples({"words.share": np.array([0.2])}, np.array([3]), np.array([1]), np.array([2.0]))
    both = did.joined(said)
    assert {name: column.tolist() for name, column in both.columns.items()} == {
        "text": [0.5, 1.0, 0.0],
        "words.share": [0.0, 0.0, 0.2],
    }
    assert both.labels.tolist() == [0, 1, 3]
    assert both.sizes.tolist() == [2, 1]
    assert both.weights is not None
    assert both.weights.tolist() == [1.0, 2.0]
    assert both.places is not None
    assert both.places.tolist() == [1, 2, 1]
    assert said.joined(replace(said, weights=None)).places is None
