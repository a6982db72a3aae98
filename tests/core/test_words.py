"""Words: normalising, cutting, stemming, on paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.words import content_words, index_terms, normalise, query_words, stem


@pytest.mark.parametrize(
    ("text", "plain"),
    [("  Café  CRÈME ", "cafe creme"), ("Ｔｅａ１２", "tea12"), ("龙井　茶", "龙井 茶"), ("ﬁlter", "filter"), ("", "")],
)
def test_normalise(text, plain):
    assert normalise(text) == plain


@given(st.text(max_size=40))
def test_normalising_twice_is_normalising_once(text):
    once = normalise(text)
    assert normalise(once) == once or once != once.lower()


@pytest.mark.parametrize(
    ("word", "root"), [("grinders", "grinder"), ("roasted", "roast"), ("茶叶", "茶叶"), ("1kg", "1kg")]
)
def test_stem(word, root):
    assert stem(word) == root


def test_index_terms():
    assert index_terms("Paper filters, 1kg") == ["paper", "filter", "1kg"]
    assert index_terms("保温杯") == ["保温", "保温杯", "保", "温", "杯"]


def test_query_words():
    assert [word.term for word in query_words("the filters for THE filter")] == ["filter"]
    assert [word.term for word in query_words("the of")] == ["the", "of"]  # nothing else is left
    assert [(word.term, word.han) for word in query_words("tea 茶叶")] == [("tea", False), ("茶叶", True)]
    assert query_words("!? …") == []


def test_content_words():
    assert content_words("The beans are great, 10 of 10") == [("bean", "beans"), ("great", "great")]
    assert content_words("包装非常精美") == [("包装", "包装"), ("精美", "精美")]
