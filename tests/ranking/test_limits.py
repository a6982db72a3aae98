"""Price limits in both languages, and numbers that are none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import UsageError
from mien.core.words import normalise
from mien.ranking.limits import Limit, number_of, price_limit


@pytest.mark.parametrize(
    ("text", "written", "said"),
    [
        ("nike shoes under 50", "..50", "under 50"),
        ("mug under $1,200", "..1200", "under $1,200"),
        ("shoes less than 20 dollars", "..20", "less than 20 dollars"),
        ("<50 mug", "..50", "<50"),
        ("tv over $300", "300..", "over $300"),
        ("between 20 and 50 mug", "20..50", "between 20 and 50"),
        ("dress $20-$50", "20..50", "$20-$50"),
        ("dress from 20 to 50", "20..50", "from 20 to 50"),
        ("红色连衣裙 200以下", "..200", "200以下"),
        ("紅色連衣裙200元以內", "..200", "200元以内"),
        ("茶 100-200元", "100..200", "100-200元"),
        ("茶 100到200之间", "100..200", "100到200之间"),
        ("不超过500元的耳机", "..500", "不超过500元"),
        ("耳机 三百块以上", "300..", "三百块以上"),
        ("两百元左右的鞋", "160..240", "两百元左右"),
        ("千元以下手机", "..1000", "千元以下"),
        ("￥99以下", "..99", "¥99以下"),
    ],
)
def test_reads_a_limit(text: str, written: str, said: str) -> None:
    found = price_limit(normalise(text))
    assert found is not None
    limit, start, end = found
    assert (limit.written(), limit.text) == (written, said)
    assert normalise(text)[start:end].strip() == said
    assert Limit.read(written) == Limit(limit.low, limit.high, written)


@pytest.mark.parametrize(
    "text",
    [
        "over the door hook", "under 50 cm", "over 50 inch tv", "128g以上", "3-6岁 童装", "size 8-10", "iphone 12",
        "2 or more", "ages 10 and under", "5元店", "between friends", "", "以下", "up to date",
    ],
)  # fmt: skip
def test_numbers_that_are_no_price(text: str) -> None:
    assert price_limit(normalise(text)) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,200", 1200), ("1.5k", 1500), ("2万", 20_000), ("两百", 200), ("一百五", 150), ("一千零五", 1005), ("十二", 12),
     ("三万五千", 35_000), ("九", 9), ("二十", 20), ("", None)],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["10", "10..5", "a..b", "nan..1", ".."[:1], "", "1..2..3"])
def test_ranges_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"10\.\.50"):
        Limit.read(text)


def test_open_ranges() -> None:
    assert Limit.read("..") == Limit(-math.inf, math.inf, "..")
    assert Limit.read("10..").written() == "10.."


@given(text=st.text(alphabet="0123456789一二十百千万 .,-<>$¥元块以下内上左右underbetwandoverfromto到", max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    found = price_limit(normalise(text))
    assert found is None or found[0].low <= found[0].high


@pytest.mark.parametrize("text", ["..1234567", "1234567.89..", "0.1..99999.95", "160.."])
def test_a_limit_is_written_as_it_was_read(text):
    assert Limit.read(text).written() == text
