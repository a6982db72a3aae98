"""Price limits as people write them, in English and Chinese: "under 50", "between 20 and 50", "200以下"."""

import math
import re
from dataclasses import dataclass

import numpy as np

from mien.core.errors import UsageError
from mien.core.measures import measures

AROUND = 0.2
"""How far from "around 200" a price may be, as a share."""
_DIGITS = {name: k for k, name in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_SCALE = {"十": 10, "百": 100, "千": 1000, "k": 1000, "万": 10_000}
_SIGN = r"(?:[$€£¥]|rmb|usd|eur|gbp|cny)"
_MONEY = r"(?:dollars?|bucks?|usd|euros?|eur|€|pounds?|gbp|£|yuan|rmb|cny|[$¥元块]|块钱|人民币)"
_N = r"((?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.\d{1,2})?[kw千万]?|[一二两三四五六七八九十百千万零]{1,8})"
_TO = r"\s*(?:-|–|—|~|到|至|to|and)\s*"
_END = r"(?![\d.a-z%])"
_PRICED = r"(?:price[sd]?|价格|价位|售价)?\s*"

_BETWEEN = (
    rf"{_PRICED}\bbetween\s+{_SIGN}?\s*{_N}\s*{_MONEY}?\s+(?:and|to)\s+{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}\bfrom\s+{_SIGN}?\s*{_N}\s*{_MONEY}?\s+to\s+{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}{_SIGN}\s*{_N}{_TO}{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}{_N}\s*{_MONEY}?{_TO}{_N}\s*{_MONEY}(?:之间|左右)?(?![a-z])",
    rf"{_PRICED}{_N}{_TO}{_N}\s*之间",
    rf"(?:price[sd]?|价格|价位|售价)\s*{_N}{_TO}{_N}{_END}",
)
_AT_MOST = (
    rf"{_PRICED}\b(?:under|below|less than|cheaper than|up to|at most|no more than|not over|max(?:imum)?)\s*"
    rf"{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}(?:<=?|≤)\s*{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}(?:不超过|低于|小于|少于|不到|最多)\s*{_SIGN}?\s*{_N}\s*{_MONEY}?",
    rf"{_PRICED}{_SIGN}?\s*{_N}\s*{_MONEY}?\s*(?:以下|以内|之内|之下)",
    rf"{_PRICED}{_SIGN}?\s*{_N}\s*{_MONEY}内",
    rf"{_PRICED}{_SIGN}\s*{_N}\s+(?:or|and)\s+(?:less|under|below|cheaper)\b",
    rf"{_PRICED}{_N}\s*{_MONEY}\s+(?:or|and)\s+(?:less|under|below|cheaper)\b",
)
_AT_LEAST = (
    rf"{_PRICED}\b(?:over|above|more than|at least|no less than|min(?:imum)?)\s*{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}(?:>=?|≥)\s*{_SIGN}?\s*{_N}{_END}\s*{_MONEY}?",
    rf"{_PRICED}(?:不低于|高于|大于|超过|至少)\s*{_SIGN}?\s*{_N}\s*{_MONEY}?",
    rf"{_PRICED}{_SIGN}?\s*{_N}\s*{_MONEY}?\s*(?:以上|之上)",
    rf"{_PRICED}{_SIGN}?\s*{_N}\s*{_MONEY}起",
    rf"{_PRICED}{_SIGN}\s*{_N}\s+(?:or|and)\s+(?:more|over|above|up)\b",
    rf"{_PRICED}{_N}\s*{_MONEY}\s+(?:or|and)\s+(?:more|over|above|up)\b",
)
_AROUND = (
    rf"{_PRICED}\b(?:around|about)\s*{_SIGN}\s*{_N}{_END}",
    rf"{_PRICED}\b(?:around|about)\s*{_N}\s*{_MONEY}(?![a-z])",
    rf"{_PRICED}{_SIGN}?\s*{_N}\s*{_MONEY}?\s*(?:左右|上下)",
)
_GRAMMAR = tuple(
    (kind, re.compile(pattern))
    for kind, patterns in (("between", _BETWEEN), ("most", _AT_MOST), ("least", _AT_LEAST), ("around", _AROUND))
    for pattern in patterns
)
_HINT = re.compile(
    r"under|below|less|cheaper|up to|most|more|over|above|least|max|min|between|from|price|around|about|rmb|usd|eur|gbp"
    r"|cny|[<>≤≥$€£¥元块]|以下|以内|以上|之内|之下|之上|之间|左右|上下|超过|不到|[低高小大少]于|最多|至少|价"
)
"""Without any of these there is no price limit, and nothing more to look for."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A price from `low` to `high`, both included; −∞ and ∞ where there is none. `text`: as it was written."""

    low: float
    high: float
    text: str = ""

    def written(self) -> str:
        """As a filter has it: "20..50", "..50", "20.."."""
        low, high = ("" if math.isinf(bound) else written(bound) for bound in (self.low, self.high))
        return f"{low}..{high}"

    @classmethod
    def read(cls, text: str) -> "Limit":
        """A filter's value; `UsageError` for one that is none."""
        low, dots, high = text.partition("..")
        try:
            found = cls(float(low) if low.strip() else -math.inf, float(high) if high.strip() else math.inf, text)
        except ValueError:
            dots = ""
        if not dots or math.isnan(found.low) or math.isnan(found.high) or found.low > found.high:
            raise UsageError("“{text}” is no price range. Write it as 10..50, 10.. or ..50.", text=text)
        return found


def written(number: float) -> str:
    """A number with every digit before the point and up to six behind it: "1234567", "0.1"."""
    return np.format_float_positional(round(number, 6), trim="-")


def price_limit(text: str) -> tuple[Limit, int, int] | None:
    """The first price limit of a normalised text and where it stands, or None.

    A number with a unit (under 50 cm) is no price. Cost: some 10 µs.
    """
    if not _HINT.search(text):
        return None
    taken = [
        (one.start, one.end) for one in measures(text) if not text[one.start : one.end].endswith(("pound", "pounds"))
    ]
    for kind, pattern in _GRAMMAR:
        for found in pattern.finditer(text):
            if any(found.start() < end and start < found.end() for start, end in taken):
                continue
            numbers = [number_of(group) for group in found.groups()]
            limit = _limit(kind, [number for number in numbers if number is not None], found.group().strip())
            if limit is not None:
                return limit, found.start(), found.end()
    return None


def _limit(kind: str, numbers: list[float], text: str) -> Limit | None:
    if not numbers or (kind == "between" and (len(numbers) < 2 or numbers[0] > numbers[1])):
        return None
    if kind == "between":
        return Limit(numbers[0], numbers[1], text)
    if kind == "around":
        return Limit(numbers[0] * (1 - AROUND), numbers[0] * (1 + AROUND), text)
    return Limit(-math.inf, numbers[0], text) if kind == "most" else Limit(numbers[0], math.inf, text)


def number_of(text: str | None) -> float | None:
    """ "1,200", "1.5k", "两百", "一千五" as a number; None where it is none."""
    if not text:
        return None
    if text[0].isdigit():
        scale = {"k": 1000, "千": 1000, "w": 10_000, "万": 10_000}.get(text[-1], 1)
        return float(text.rstrip("kw千万").replace(",", "")) * scale
    total, part, last = 0, 0, 1
    for letter in text:
        if letter in _DIGITS:
            part = _DIGITS[letter]
        elif letter == "万":
            total, part, last = (total + part) * 10_000, 0, 10_000
        else:
            total, part, last = total + (part or 1) * _SCALE[letter], 0, _SCALE[letter]
    return float(total + (part * last // 10 if part and last > 10 and text[-2:-1] in _SCALE else part))
