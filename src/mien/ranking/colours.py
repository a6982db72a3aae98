"""The names of colours in English and Chinese: one colour, however a shop or a shopper calls it."""

from functools import cache

_NAMES = (
    "red 红色 大红 酒红 红",
    "blue navy 蓝色 天蓝 藏蓝 深蓝 蓝",
    "green 绿色 墨绿 军绿 绿",
    "yellow 黄色 黄",
    "orange 橙色 橘色 橙",
    "pink 粉色 粉红 粉红色",
    "purple violet 紫色 紫",
    "black 黑色 黑",
    "white 白色 米白 白",
    "grey gray 灰色 灰",
    "brown 棕色 咖啡色 褐色 棕",
    "beige 米色 杏色",
    "gold golden 金色",
    "silver 银色",
    "khaki 卡其色 卡其",
    "transparent clear 透明",
)


@cache
def colours() -> dict[str, tuple[str, ...]]:
    """Name → all names of that colour, itself among them."""
    groups = [tuple(line.split()) for line in _NAMES]
    return {name: group for group in groups for name in group}


def other_names(colour: str) -> str:
    """A shop's colour with the names of the other language, for the index: "Navy" is found by 蓝色 as well."""
    known = colours()
    found = dict.fromkeys(name for part in [colour.lower(), *colour.lower().split()] for name in known.get(part, ()))
    return " ".join([colour, *(name for name in found if len(name) > 1)]) if found else colour
