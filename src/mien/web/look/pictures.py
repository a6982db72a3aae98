"""Drawn placeholders for items without a picture: one calm shape a kind of goods, in a hue of its category or colour.

The same item always looks the same, and items of one category look like relatives.
"""

import hashlib
from html import escape

from mien.core.item import CATEGORY_SEPARATOR, Item

SHAPES: dict[str, str] = {
    "bottle": (
        '<path class="b" d="M41 14h14v14c8 4 11 10 11 18v32a6 6 0 0 1-6 6H36a6 6 0 0 1-6-6V46c0-8 3-14 11-18z"/>'
        '<path class="c" d="M30 52h36v18H30z"/><path class="d" d="M41 14h14v6H41z"/>'
    ),
    "egg": (
        '<path class="b" d="M34 24c10 0 18 18 18 32a18 18 0 0 1-36 0c0-14 8-32 18-32z"/>'
        '<path class="d" d="M62 34c10 0 18 16 18 28a18 18 0 0 1-36 0c0-12 8-28 18-28z"/>'
    ),
    "wedge": (
        '<path class="d" d="M12 56 70 20c8 6 13 14 14 24v12z"/><path class="b" d="M12 56h72v24H12z"/>'
        '<circle class="c" cx="34" cy="66" r="6"/><circle class="c" cx="62" cy="70" r="5"/>'
    ),
    "box": (
        '<path class="b" d="M22 26h52v54a4 4 0 0 1-4 4H26a4 4 0 0 1-4-4z"/>'
        '<path class="d" d="M22 26l8-12h36l8 12z"/><path class="c" d="M22 46h52v20H22z"/>'
    ),
    "can": (
        '<path class="b" d="M28 24h40v50c0 6-40 6-40 0z"/><ellipse class="d" cx="48" cy="24" rx="20" ry="6"/>'
        '<path class="c" d="M28 38h40v24H28z"/>'
    ),
    "jar": (
        '<rect class="b" x="26" y="28" width="44" height="56" rx="9"/>'
        '<rect class="d" x="29" y="15" width="38" height="13" rx="3"/><path class="c" d="M26 46h44v22H26z"/>'
    ),
    "bag": (
        '<path class="b" d="M26 20h44l4 58a6 6 0 0 1-6 6H28a6 6 0 0 1-6-6z"/>'
        '<path class="d" d="M26 20h44l.8 9H25.200z"/><circle class="c" cx="48" cy="55" r="14"/>'
    ),
    "leaf": (
        '<path class="b" d="M18 72c-2-34 20-54 60-56 2 40-20 62-54 60z"/><path class="s" d="M22 80C34 58 46 44 64 30"/>'
    ),
    "fruit": (
        '<circle class="b" cx="48" cy="56" r="29"/>'
        '<path class="d" d="M48 28c0-9 6-14 16-15 0 9-6 15-16 15z"/>'
        '<path class="c" d="M28 50c2-9 8-13 15-14-6 5-9 9-10 16z"/>'
    ),
    "loaf": (
        '<path class="b" d="M16 46c0-16 12-20 32-20s32 4 32 20c0 6-4 8-4 8v22a5 5 0 0 1-5 5H25a5 5 0 '
        '0 1-5-5V54s-4-2-4-8z"/>'
        '<path class="s" d="M36 36l-4 10M50 34l-4 10M64 36l-4 10"/>'
    ),
    "meat": (
        '<path class="b" d="M20 56c0-22 16-36 36-34 16 2 24 14 20 28-5 18-22 30-38 28-11-1-18-9-18-22z"/>'
        '<circle class="c" cx="56" cy="42" r="10"/><circle class="d" cx="56" cy="42" r="4"/>'
    ),
    "fish": (
        '<path class="b" d="M14 48c14-22 40-24 56-4l14-12c-3 12-3 20 0 32L70 52c-16 20-42 18-56-4z"/>'
        '<circle class="d" cx="30" cy="45" r="3.5"/>'
    ),
    "cup": (
        '<path class="b" d="M24 28h44l-4 50a6 6 0 0 1-6 6H34a6 6 0 0 1-6-6z"/>'
        '<path class="c" d="M26 48h40l-1.5 18H27.500z"/><path class="d" d="M22 20h48v9H22z"/>'
    ),
    "drop": (
        '<path class="b" d="M48 12c16 20 25 32 25 45a25 25 0 0 1-50 0c0-13 9-25 25-45z"/>'
        '<path class="c" d="M33 58c0 9 5 15 13 17-9 1-18-6-18-16z"/>'
    ),
    "home": (
        '<path class="b" d="M18 46 48 18l30 28v34a4 4 0 0 1-4 4H22a4 4 0 0 1-4-4z"/>'
        '<path class="c" d="M38 56h20v28H38z"/>'
    ),
    "shirt": (
        '<path class="b" d="M34 16h28l20 14-9 15-8-5v42H31V40l-8 5-9-15z"/>'
        '<path class="c" d="M38 16c1 12 19 12 20 0z"/>'
    ),
    "flower": (
        '<g class="b"><circle cx="48" cy="28" r="13"/><circle cx="29" cy="42" r="13"/>'
        '<circle cx="67" cy="42" r="13"/><circle cx="37" cy="62" r="13"/><circle cx="59" cy="62" r="13"/></g>'
        '<circle class="d" cx="48" cy="47" r="10"/>'
    ),
    "phone": (
        '<rect class="b" x="30" y="12" width="36" height="72" rx="7"/>'
        '<rect class="c" x="34" y="22" width="28" height="48"/><circle class="d" cx="48" cy="77" r="3"/>'
    ),
    "book": (
        '<path class="b" d="M22 18h42a8 8 0 0 1 8 8v56H30a8 8 0 0 1-8-8z"/>'
        '<path class="c" d="M22 74a8 8 0 0 1 8-8h42v16H30a8 8 0 0 1-8-8z"/>'
        '<path class="d" d="M34 30h26v6H34z"/>'
    ),
}
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fish", ("seafood", "fish", "shrimp", "tuna", "海鲜", "鱼", "虾")),
    ("cup", ("ice cream", "yogurt", "coffee", "tea", "cup", "mug", "sherb", "茶", "咖啡", "杯", "酸奶")),
    ("egg", ("egg", "蛋")),
    ("wedge", ("cheese", "butter", "margarine", "奶酪", "黄油")),
    (
        "bottle",
        ("milk", "drink", "juice", "wine", "beer", "water", "spirits", "sauce", "oil", "奶", "酒", "饮", "汁", "油"),
    ),
    ("flower", ("floral", "flower", "garden", "花", "园艺")),
    ("fruit", ("fruit", "apple", "berries", "banana", "orange", "melon", "grape", "citrus", "水果", "果")),
    ("leaf", ("produce", "salad", "vegetable", "herb", "potato", "onion", "pepper", "tomato", "蔬", "菜")),
    ("loaf", ("bread", "bak", "pastry", "cake", "donut", "roll", "cookie", "面包", "糕", "饼")),
    ("meat", ("meat", "beef", "pork", "chicken", "turkey", "bacon", "sausage", "deli", "ham", "肉", "鸡")),
    (
        "drop",
        (
            "soap",
            "hair",
            "detergent",
            "cleaner",
            "lotion",
            "cosmetic",
            "makeup",
            "fuel",
            "gasoline",
            "洗",
            "妆",
            "护肤",
        ),
    ),
    ("bag", ("chip", "snack", "candy", "rice", "flour", "sugar", "pet", "dog", "cat", "零食", "糖", "米")),
    ("can", ("can", "soup", "vegetables - shelf", "beans", "罐", "汤")),
    ("jar", ("jam", "jelly", "peanut butter", "spice", "honey", "pickle", "baby", "vitamin", "drug", "酱", "蜜", "药")),
    ("phone", ("phone", "electr", "photo", "video", "comput", "手机", "电", "数码")),
    ("book", ("book", "magazine", "card", "paper", "书", "纸")),
    ("shirt", ("cloth", "apparel", "dress", "shirt", "shoe", "sock", "hosiery", "衣", "裤", "鞋", "服")),
    ("home", ("house", "kitchen", "home", "auto", "plumb", "light", "tool", "家", "厨", "居")),
)
"""Shape → words of a title or category that ask for it; the first that fits, the category's last part first."""
HUES = {
    "red": 8, "orange": 28, "yellow": 46, "green": 128, "teal": 174, "blue": 212, "purple": 268, "pink": 334,
    "brown": 24,
    "红": 8, "橙": 28, "黄": 46, "绿": 128, "蓝": 212, "紫": 268, "粉": 334, "棕": 24,
}  # fmt: skip
PALETTE = (12, 32, 46, 84, 128, 160, 178, 202, 222, 262, 300, 338)
"""Hues of categories without a colour of their own."""
SPREAD = 14
"""Degrees by which items of one category differ."""


def picture(item: Item, size: int = 96) -> str:
    """The picture of an item where it has one, else the drawing; for readers nothing: the title is beside."""
    if item.image and item.image.startswith(("https://", "http://", "/")):
        return f'<img src="{escape(item.image, quote=True)}" alt="" loading="lazy" referrerpolicy="no-referrer">'
    return (
        f'<svg class="drawing" style="--h:{hue(item)}" viewBox="-14 -14 124 124" width="{size}" height="{size}" '
        f'aria-hidden="true" focusable="false">{SHAPES[shape(item)]}</svg>'
    )


def shape(item: Item) -> str:
    """Which shape an item is drawn in."""
    parts = (item.category or "").casefold().split(CATEGORY_SEPARATOR)
    for text in (parts[-1], item.title.casefold(), *reversed(parts[:-1])):
        for name, words in KINDS:
            if any(asks_for(word, text) for word in words):
                return name
    return ("box", "bag", "jar", "can")[_digest(item.category or item.title) % 4]


def asks_for(word: str, text: str) -> bool:
    """Whether a text holds a word, or one that begins with it; Chinese has no gaps between words."""
    return word in text if not word.isascii() else f" {word}" in f" {text.replace('-', ' ')}"


def hue(item: Item) -> int:
    """Degrees on the colour wheel."""
    colour = (item.colour or "").casefold()
    named = next((at for word, at in HUES.items() if word in colour), None)
    if named is not None:
        return named
    parts = (item.category or item.title).split(CATEGORY_SEPARATOR)
    shade = _digest(item.item_id) % (2 * SPREAD + 1) - SPREAD
    return (PALETTE[_digest(CATEGORY_SEPARATOR.join(parts[:2])) % len(PALETTE)] + shade) % 360


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")
