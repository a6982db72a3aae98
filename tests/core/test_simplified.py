"""Both scripts are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.simplified import simplified
from mien.core.words import normalise, query_words, search_terms


@pytest.mark.parametrize(
    ("traditional", "simple"),
    [
        ("紅色連衣裙", "红色连衣裙"), ("手機殼", "手机壳"), ("頭髮", "头发"), ("餅乾", "饼干"), ("麵包", "面包"),
        ("揹帶褲", "背带裤"), ("項鍊", "项链"), ("裡面", "里面"), ("裏面", "里面"),
    ],
)  # fmt: skip
def test_folds(traditional: str, simple: str) -> None:
    assert simplified(traditional) == simple
    assert search_terms(traditional) == search_terms(simple)
    assert query_words(traditional) == query_words(simple)


@pytest.mark.parametrize("text", ["", "tea", "café", "连衣裙", "茶 tea 1kg", "著名", "俱乐部"])
def test_leaves_alone(text: str) -> None:
    assert simplified(text) == text


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=12))
def test_a_character_alone_is_folded_as_it_is_inside(text: str) -> None:
    """No character that the fold gets rid of survives it anywhere."""
    assert all(simplified(letter) == letter for letter in simplified(text))
    assert normalise(normalise(text)) == normalise(text)
