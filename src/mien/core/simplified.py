"""Traditional characters folded onto simplified ones, so that a word is one word in either script."""

from functools import cache

from opencc import OpenCC

TRADITIONAL = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
_MORE = {"揹": "背", "暱": "昵", "傢": "家"}
"""Variants that OpenCC leaves as they are outside of phrases."""


def simplified(text: str) -> str:
    """The text with its traditional characters simplified; a text without any is returned as it is.

    First by phrases (乾隆, but 饼乾 → 饼干), then what is left character by character, so that a character alone is
    folded as it is inside a title. Source: OpenCC's tables, `t2s`. Cost: 1 µs for a simplified title, 3 µs for a
    traditional one; a tenth of a second once.
    """
    if text.isascii():
        return text
    table = _characters()
    if text.translate(table) == text:
        return text
    return str(_converter().convert(text)).translate(table)


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def _characters() -> dict[int, str]:
    """Code point → simplified character, for those that have one."""
    known = (chr(code) for start, end in TRADITIONAL for code in range(start, end))
    found = {ord(one): other for one in known if len(other := _converter().convert(one)) == 1 and other != one}
    return found | {ord(one): other for one, other in _MORE.items()}
