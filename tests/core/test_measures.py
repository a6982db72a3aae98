"""A number and its unit are one word, whatever the unit."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.measures import measures
from mien.core.words import normalise


def terms(text: str) -> list[str]:
    return [one.term for one in measures(normalise(text))]


@pytest.mark.parametrize(
    "same",
    [
        ("1.5l", "1.5 L", "1500ml", "1,500 ml", "1.5升", "1500毫升", "１．５Ｌ", "1½ litres".replace("1½", "1 1/2")),
        ("1kg", "1000g", "1 kilogram", "2斤", "1公斤", "1000克", "㎏".join(["1", ""])),
        ("2米", "200cm", "2 m", "2000 mm", "200厘米", "200公分"),
        ('8"', "8 inches", "8in", "8 in.", "8寸", "8英寸", "203.2 mm"),
        ("6'", "6 ft", "6 feet", "72 inch", "2 yards"),
        ("1 lb", "16 oz", "1 pound", "16 ounces"),
        ("8 fl oz", "8 fl. oz.", "8floz"),
        ("1tb", "1024 GB"),
    ],
)
def test_one_measure_however_it_is_written(same: tuple[str, ...]) -> None:
    assert len({tuple(terms(text)) for text in same}) == 1
    assert all(len(terms(text)) == 1 for text in same)


@pytest.mark.parametrize(
    "text", ["iphone 5s", "x5l", "2 in 1", "5克拉", "3升级", "5米色", "m", "1/0 ml", "", "12", "a1kg2"]
)
def test_what_is_no_measure(text: str) -> None:
    assert terms(text) == []


def test_where_it_stands() -> None:
    text = "可乐1.5l瓶装 2箱"
    (found,) = measures(text)
    assert (text[found.start : found.end], found.term) == ("1.5l", "1500ml")


@given(text=st.text(alphabet="0123456789.,/ -'\"lmkgin升米寸cx", max_size=30))
def test_any_text_has_measures_in_order(text: str) -> None:
    found = list(measures(text))
    assert all(one.start < one.end for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
