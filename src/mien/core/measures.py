"""Measures in a text: a number with its unit becomes one word, whatever unit it was written in.

"1.5l", "1.5 L" and "1500ml" are `1500ml`; "2米" is `2000mm`, and so is "200cm".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UNITS: dict[str, dict[float, str]] = {
    "ml": {
        1.0: "ml milliliter milliliters millilitre millilitres cc 毫升",
        10.0: "cl",
        100.0: "dl",
        1000.0: "l lt liter liters litre litres 升 公升",
        29.5735295625: "fl.oz floz fl.ounce fl.ounces",
        473.176473: "pint pints",
        946.352946: "qt quart quarts",
        3785.411784: "gal gallon gallons 加仑",
    },
    "g": {
        0.001: "mg 毫克",
        1.0: "g gr gram grams gramme grammes 克",
        50.0: "两",
        500.0: "斤 市斤",
        1000.0: "kg kgs kilo kilos kilogram kilograms 千克 公斤",
        28.349523125: "oz ounce ounces 盎司",
        453.59237: "lb lbs pound pounds 磅",
    },
    "mm": {
        1.0: "mm millimeter millimeters millimetre millimetres 毫米",
        10.0: "cm centimeter centimeters centimetre centimetres 厘米 公分",
        1000.0: "m meter meters metre metres 米",
        25.4: 'inch inches " ″ ′′ 英寸 寸',
        304.8: "ft foot feet ' ′ 英尺",
        914.4: "yd yard yards",
    },
    "gb": {1.0: "gb", 1024.0: "tb"},
    "w": {1.0: "w watt watts 瓦", 1000.0: "kw kilowatt kilowatts 千瓦"},
    "v": {1.0: "v volt volts 伏"},
    "mah": {1.0: "mah 毫安 毫安时"},
}
"""Base unit → how many of it → what that is called. Pounds, ounces, inches and gallons as the USA has them."""
_UNIT = {
    name.replace(".", " "): (base, times)
    for base, sizes in _UNITS.items()
    for times, names in sizes.items()
    for name in names.split()
}
_NOT_A_UNIT = {"克": "拉", "升": "级降", "米": "色白其奇饭粉", "两": "件用个只双层色面", "寸": "照", "斤": "斤"}
"""What follows where a character is no unit: 克拉 is a carat, 升级 an upgrade."""
_LATIN = "|".join(
    re.escape(name).replace(r"\ ", r"\.? ?")
    for name in sorted(_UNIT, key=len, reverse=True)
    if name[0].isascii() and name[0].isalpha()
)
_SIGNS = "|".join(
    name + (f"(?![{_NOT_A_UNIT[name]}])" if name in _NOT_A_UNIT else "")
    for name in sorted(_UNIT, key=len, reverse=True)
    if not (name[0].isascii() and name[0].isalpha())
)
_MEASURE = re.compile(
    r"(?<![a-z0-9.,/⁄])(?:(?:(?P<whole>\d{1,4})[ -])?(?P<over>\d{1,4})[/⁄](?P<under>\d{1,4})"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,7}(?:\.\d{1,4})?))"
    rf"(?:[ -]?(?:(?P<unit>(?:{_LATIN})(?![a-z0-9])|{_SIGNS})|(?P<inch>in\.))|(?P<attached>in(?![a-z0-9])))"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure and where it stands: `text[start:end]` is what `term` says in the base unit."""

    start: int
    end: int
    term: str


def measures(text: str) -> Iterator[Measure]:
    """The measures of a normalised text, in order. "in" is the inch only where it is attached or has its point.

    Cost: some µs for a title.
    """
    for found in _MEASURE.finditer(text):
        number = _number(found)
        if number is None:
            continue
        base, times = _UNIT["inch"] if found["unit"] is None else _UNIT[_plain(found["unit"])]
        yield Measure(found.start(), found.end(), f"{_written(number * times)}{base}")


def _plain(unit: str) -> str:
    """ "fl. oz", "fl oz" and "floz" are one unit."""
    parts = unit.replace(".", " ").split()
    return " ".join(parts) if " ".join(parts) in _UNIT else "".join(parts)


def _number(found: re.Match[str]) -> float | None:
    if found["number"]:
        return float(found["number"].replace(",", ""))
    under = int(found["under"])
    return int(found["whole"] or 0) + int(found["over"]) / under if under else None


def _written(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
