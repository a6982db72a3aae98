"""The study of Chinese search: its questions, its figures on a draw of the real reviews, and the laws it must keep."""

from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import SourceError
from mien.core.words import is_han
from mien.studies.chinese_queries import HEADS, by_hand, dropped, homophones, real, swapped, words_of
from mien.studies.named import run_study


def test_the_questions_are_enough_and_none_is_twice() -> None:
    asked = by_hand()
    assert len({one.query for one in asked}) == len(asked) >= 200
    assert {one.category for one in asked} == set(HEADS)
    sounds = homophones()
    assert len(sounds) >= 50
    assert all(word != other and all(map(is_han, word + other)) for word, other in sounds)


def test_real_queries_are_told_by_what_stands_last(tmp_path: Path) -> None:
    lines = ["小米手机", "小米手机壳", "手机平板", "平板电脑", "電熱水器", "红富士苹果", "手机连衣裙"]
    file = tmp_path / "queries.tsv"
    file.write_text("\n".join(f"{k}\t{line}" for k, line in enumerate(lines)), encoding="utf-8")
    found = {(one.category, one.query) for one in real(file, 10, 0)}
    assert found == {("手机", "小米手机"), ("平板", "平板电脑"), ("热水器", "电热水器")}
    with pytest.raises(SourceError, match="cannot be read"):
        real(tmp_path / "none.tsv", 10, 0)


def test_words_are_mistyped_by_one_character() -> None:
    draw = np.random.default_rng(0)
    assert {dropped("连衣裙", draw) for _ in range(50)} == {"衣裙", "连裙", "连衣"}
    assert {swapped("连衣裙", draw) for _ in range(50)} == {"衣连裙", "连裙衣"}
    assert swapped("天天", draw) == "天天"
    assert words_of(["保温杯 很好", "保温杯", "tea"], 9, 0, least=2) == ["保温杯"]


@pytest.mark.slow
def test_the_laws_hold_on_real_reviews(shared_data: Path) -> None:
    found = run_study(
        "search-chinese",
        {
            "source": str(shared_data / "chinese_reviews" / "online_shopping_10_cats.zip"),
            "queries": str(shared_data / "taobao_queries" / "queries.tsv"),
            "encoder": "lexical", "documents": 3000, "words": 150, "most": 5, "threads": 1,
        },
    )  # fmt: skip
    assert found["single_character_recall"]["mean"] == 1.0
    assert found["swapped_recall"]["mean"] > 0.99
    rows = {row["model"]: row for row in found["models"]}
    for name in ("words", "served"):
        assert rows[name]["exact_word"]["mean"] >= 0.95
        assert rows[name]["traditional_overlap"]["mean"] >= 0.98
    assert rows["words"]["category_hand"]["mean"] > 0.4  # ten categories: chance is below .2
    assert rows["served"]["category_hand"]["mean"] > rows["words"]["category_hand"]["mean"]
    assert rows["words"]["homophone_false_hits"]["mean"] <= 0.02
    assert 0.0 < found["homophones_by_chance"]["mean"] < 0.05
