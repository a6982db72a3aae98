"""What a column of times looks like, and the SQL that reads it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mien.collect.engine import literal
from mien.collect.raw import Column
from mien.core.errors import UsageError

ISO = "iso"
UNIX = {"unix_s": 1_000_000, "unix_ms": 1_000, "unix_us": 1, "unix_ns": 0.001}
"""Word → µs per unit."""
DAY_FIRST, MONTH_FIRST = ("%d", "%m"), ("%m", "%d")

_ISO = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s*(Z|[+-]\d{2}:?(\d{2})?|UTC)?")
_NUMBER = re.compile(r"(\d+)(\.\d+)?")
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(.*)")
_NAMED = re.compile(r"\d{1,2}([- ])[A-Za-z]{3}\1(\d{4}|\d{2})(.*)")
_CHINESE = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日(\s*)(.*)")
_CLOCK = re.compile(r"( ?)(\d{1,2}):\d{2}(:\d{2})?(\.\d+)?( ?[AaPp][Mm])?")


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """`formats` that read the values; `day_or_month`: the separators of dates whose order content must prove."""

    formats: tuple[str, ...]
    day_or_month: bool = False
    share: float = 1.0


def guess_times(values: Iterable[str]) -> TimeGuess | None:
    """The formats of a sample; None where under 90 % of it are times. `<a>`/`<b>` stand for day and month unproven."""
    shapes = Counter(map(time_shape, values))
    total, unread = shapes.total(), shapes.pop(None, 0)
    if not total or unread > 0.1 * total:
        return None
    formats = tuple(str(shape) for shape, count in shapes.most_common() if count >= 0.01 * total)
    return TimeGuess(formats, any("<a>" in shape for shape in formats), 1 - unread / total)


def time_shape(value: str) -> str | None:
    """The format that a text follows: `iso`, `unix_…` or a strptime pattern; None where it is no time."""
    value = value.strip()
    if _ISO.fullmatch(value):
        return ISO
    if number := _NUMBER.fullmatch(value):
        return _number_shape(number[1])
    if slashed := _SLASHED.fullmatch(value):
        clock = _clock_shape(slashed[5])
        year = "%Y" if len(slashed[4]) == 4 else "%y"
        return None if clock is None else f"<a>{slashed[2]}<b>{slashed[2]}{year}{clock}"
    if named := _NAMED.fullmatch(value):
        clock = _clock_shape(named[3])
        year = "%Y" if len(named[2]) == 4 else "%y"
        return None if clock is None else f"%d{named[1]}%b{named[1]}{year}{clock}"
    if chinese := _CHINESE.fullmatch(value):
        clock = _clock_shape(chinese[2])
        return None if clock is None else f"%Y年%m月%d日{chinese[1]}{clock}"
    return None


def _number_shape(digits: str) -> str | None:
    length = len(digits)
    if length == 8 and "19000101" <= digits <= "21001231" and "01" <= digits[4:6] <= "12" and digits[6:] <= "31":
        return "%Y%m%d"
    if length == 14 and "1900" <= digits[:4] <= "2100" and "01" <= digits[4:6] <= "12":
        return "%Y%m%d%H%M%S"
    sizes = {9: "unix_s", 10: "unix_s", 12: "unix_ms", 13: "unix_ms", 15: "unix_us", 16: "unix_us", 19: "unix_ns"}
    return sizes.get(length)


def _clock_shape(text: str) -> str | None:
    if not text.strip():
        return ""
    clock = _CLOCK.fullmatch(text.rstrip())
    if clock is None:
        return None
    half = clock[5]
    shape = clock[1] + ("%I" if half else "%H") + ":%M" + (":%S" if clock[3] else "") + (".%f" if clock[4] else "")
    return shape + (half.replace(half.strip(), "%p") if half else "")


def ordered(formats: Iterable[str], order: tuple[str, str]) -> tuple[str, ...]:
    """Unproven formats with day and month in this order."""
    return tuple(shape.replace("<a>", order[0]).replace("<b>", order[1]) for shape in formats)


def check_format(word: str) -> str:
    """A format a mapping may name, or a `UsageError`."""
    if word == ISO or word in UNIX or "%" in word:
        return word
    words = ", ".join([ISO, *UNIX])
    raise UsageError(
        "“{word}” is no time format. Use {words}, or a pattern such as %d/%m/%Y %H:%M.", word=word, words=words
    )


def time_sql(text: str, column: Column, formats: Iterable[str], zone: str) -> str:
    """An expression of type TIMESTAMPTZ, null where unreadable. `text`: the column as trimmed text.

    Naive ISO times are read in the session's zone, which must be `zone`.
    """
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f'"{column.name}"'
    if column.is_time:
        name = column.name.replace('"', '""')
        return f'(CAST("{name}" AS TIMESTAMP) AT TIME ZONE {literal(zone)})'
    formats = tuple(formats)
    parts = []
    if ISO in formats:
        parts.append(f"TRY_CAST({text} AS TIMESTAMPTZ)")
    parts.extend(_unix_sql(text, UNIX[word]) for word in formats if word in UNIX)
    patterns = [literal(word) for word in formats if "%" in word]
    if patterns:
        parts.append(f"(try_strptime({text}, [{', '.join(patterns)}]) AT TIME ZONE {literal(zone)})")
    return f"coalesce({', '.join(parts)})"


def _unix_sql(text: str, unit_us: float) -> str:
    """A number of units since 1970; what no calendar holds becomes a time that is out of every range."""
    number = f"TRY_CAST({text} AS DECIMAL(38, 6))"
    micros = f"(CAST({number} AS DOUBLE) * {unit_us})"
    exact = f"CAST(round({number} * {unit_us}) AS BIGINT)" if unit_us >= 1 else f"CAST({micros} AS BIGINT)"
    bounded = f"CASE WHEN abs({micros}) < 9e16 THEN {exact} WHEN {micros} IS NOT NULL THEN -90000000000000000 END"
    return f"(make_timestamp({bounded}) AT TIME ZONE 'UTC')"
