"""The studies of reviews and of tuning: by hand where they can be, and on the real files."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import SourceError, UsageError
from mien.core.event import ACTION_CODE
from mien.models.interactions import Interactions
from mien.studies.reviews import Labelled, read_labelled, stratified, study
from mien.studies.tuning import _recall, questions

BUY = ACTION_CODE["purchase"]


def test_labelled_reviews_are_read_from_csv_and_zip(tmp_path: Path) -> None:
    text = '﻿cat,label,review\n书籍,1,"很好，喜欢"\n书籍,0,\n酒店,0,bad\n酒店,2,odd\n'
    path = tmp_path / "reviews.csv"
    path.write_text(text, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "reviews.zip", "w") as archive:
        archive.write(path, "inside/reviews.csv")
    for source in (path, tmp_path / "reviews.zip"):
        held = read_labelled(source)
        assert (held.texts, held.glad.tolist(), held.topics) == (["很好，喜欢", "bad"], [True, False], ["书籍", "酒店"])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("cat,label\n1,2\n")
    with pytest.raises(SourceError, match="review"):
        read_labelled(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("cat,label,review\n1,2,x\n")
    with pytest.raises(SourceError, match="no review"):
        read_labelled(tmp_path / "b.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        read_labelled(tmp_path / "c.csv")
    (tmp_path / "d.zip").write_text("no archive")
    with pytest.raises(SourceError, match="cannot be read"):
        read_labelled(tmp_path / "d.zip")


def test_a_sample_keeps_the_shares() -> None:
    glad = np.arange(1000) % 4 == 0
    reviews = Labelled([str(k) for k in range(1000)], glad, ["a" if k < 800 else "b" for k in range(1000)])
    drawn = stratified(reviews, np.arange(1000), 100, 0)
    assert len(set(drawn.tolist())) == 100
    assert reviews.take(drawn).glad.sum() == pytest.approx(25, abs=1)
    assert reviews.take(drawn).topics.count("b") == pytest.approx(20, abs=1)
    assert stratified(reviews, np.arange(10), 0, 0).tolist() == list(range(10))


@pytest.mark.slow
def test_words_alone_read_real_reviews(shared_data: Path) -> None:
    """The figure asked for, 0.90, and more: on 6,000 reviews that were held out, without any pretrained model."""
    source = shared_data / "chinese_reviews" / "online_shopping_10_cats.zip"
    result = study(str(source), encoder="lexical", train=8000, test=6000, words_train=8000)
    words = result["models"][0]
    assert words["model"] == "words"
    assert words["accuracy"]["low"] > 0.89
    assert words["ece"] < 0.03
    assert words["topic_accuracy"]["low"] > 0.83


def later_baskets() -> Interactions:
    """Before day 1 tea is bought with mugs (twice) and milk (once); on day 1 user 0 buys tea, mug and pen."""
    user, item, at = [0, 0, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1, 3], [0, 0, 0, 0, *[DAY_US] * 3]
    return Interactions.of(
        [*user, 1, 1], [*item, 0, 2], [BUY] * 9, [*at, 9, 9], n_users=2, n_items=4
    )  # user 1's second basket: tea and milk


def test_questions_of_later_baskets_by_hand() -> None:
    said = ["tea", "mug", "milk", "pen"]
    asked = questions(later_baskets(), said, DAY_US, DAY_US, 10, 0)
    assert asked.texts == ["milk", "mug", "tea"]  # nobody bought a pen before
    assert asked.bought.tolist() == [1, 2, 3]
    found = {asked.texts[asked.query[0]], *(asked.texts[k] for k in asked.place)}
    assert found == {"mug", "tea"}
    assert asked.together[1, 2] == pytest.approx(2 / np.sqrt(2 * 3))
    with pytest.raises(UsageError, match="No basket"):
        questions(later_baskets(), said, 3 * DAY_US, DAY_US, 10, 0)


def test_the_question_is_no_answer_and_ties_go_by_popularity() -> None:
    asked = questions(later_baskets(), ["tea", "mug", "milk", "pen"], DAY_US, DAY_US, 10, 0)
    alike = np.ones((1, 3))
    assert _recall(alike, asked, 1).tolist() == [1.0]  # of tea and mug one is asked, the other comes before milk
    worst = np.array([[2.0, 1.0, 1.0]])
    assert _recall(worst, asked, 1).tolist() == [0.0]
    assert _recall(worst, asked, 2).tolist() == [1.0]
