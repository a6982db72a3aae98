"""Money, numbers and times as people write them."""

from datetime import UTC, datetime

import pytest

from mien.profiles.local import beginning, day, moment, money, month, number, percent


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        (1234.5, "USD", "$1,234.50", "US$1,234.50"),
        (0.5, "CNY", "CN¥0.50", "¥0.50"),
        (-3, "EUR", "−€3.00", "−€3.00"),
        (1999.6, "JPY", "¥2,000", "JP¥2,000"),
        (12, "CHF", "CHF 12.00", "CHF 12.00"),
        (0.0, "USD", "$0.00", "US$0.00"),
        (0.0027, "USD", "$0.0027", "US$0.0027"),
        (0.2, "JPY", "¥0.20", "JP¥0.20"),
    ],
)
def test_money(amount: float, currency: str, english: str, chinese: str) -> None:
    assert (money(amount, currency, "en"), money(amount, currency, "zh")) == (english, chinese)


def test_numbers_and_shares() -> None:
    assert (number(1234567), number(-0.25, 2), number(-0.0001, 2)) == ("1,234,567", "−0.25", "0.00")
    assert [percent(one) for one in (0.0, 0.004, 0.125, 1.0)] == ["0%", "<1%", "12%", "100%"]
    assert percent(0.0004, 1) == "<0.1%"
    assert percent(float("nan")) == "–"


def test_times_are_those_of_the_zone() -> None:
    at = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
    assert (day(at, "UTC", "en"), day(at, "Asia/Shanghai", "zh")) == ("21 Nov 2026", "2026年11月22日")
    assert (moment(at, "UTC", "en"), moment(at, "Asia/Shanghai", "zh")) == (
        "21 Nov 2026, 18:05",
        "2026年11月22日 02:05",
    )
    assert (month(2026, 1, "en"), month(2026, 1, "zh")) == ("Jan 2026", "2026年1月")


@pytest.mark.parametrize(
    ("start", "year", "english", "chinese"),
    [
        ("2026-11-08", False, "8 Nov", "11月8日"),
        ("2026-11-08", True, "8 Nov 2026", "2026年11月8日"),
        ("2026-01-28 14:00", False, "28 Jan 14:00", "1月28日 14:00"),
        ("2026-01-28 14:00", True, "28 Jan 2026, 14:00", "2026年1月28日 14:00"),
    ],
)
def test_the_beginning_of_a_day_or_an_hour(start: str, year: bool, english: str, chinese: str) -> None:
    assert (beginning(start, "en", year=year), beginning(start, "zh", year=year)) == (english, chinese)
