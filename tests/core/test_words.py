"""Words: normalising, cutting, stemming, on paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.words import content_words, index_terms, is_han, normalise, query_words, search_terms, stem


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


def test_search_terms():
    assert search_terms("Paper filters, 1kg") == ["paper", "filter", "1kg", "1000g"]
    assert search_terms("保温杯") == ["保温", "保温杯", "保", "温", "杯", "保温", "温杯"]


@pytest.mark.parametrize(
    ("text", "han"), [("茶", True), ("㐀", True), ("한국", False), ("tea", False), ("\ud800", False)]
)
def test_what_is_chinese(text, han):
    assert is_han(text) == han


def test_nothing_invisible_is_left():
    assert normalise("\x00tea\u202e \u200bcup\ufeff") == "tea cup"


def test_a_measure_is_one_word_of_a_query():
    (cola, size) = query_words("可乐 1.5L")
    assert (size.surface, size.term, size.ways) == ("1.5l", "1500ml", ((1.0, ("1", "5l")),))
    assert cola.term == "可乐"


def test_a_long_chinese_word_may_be_found_by_its_pairs():
    (word,) = query_words("连衣裙")
    assert word.ways == ((1.0, ("连衣", "衣裙")),)


def test_query_words():
    assert [word.term for word in query_words("the filters for THE filter")] == ["filter"]
    assert [word.term for word in query_words("the of")] == ["the", "of"]  # nothing else is left
    assert [(word.term, word.han) for word in query_words("tea 茶叶")] == [("tea", False), ("茶叶", True)]
    assert query_words("!? …") == []


def test_content_words():
    assert content_words("The beans are great, 10 of 10") == [("bean", "beans"), ("great", "great")]
    assert content_words("包装非常精美") == [("包装", "包装"), ("精美", "精美")]
