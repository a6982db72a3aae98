"""Segment's e-commerce events: which of them says what, in one table.

Names as in Segment's e-commerce specification (version 2), compared in lower case. A name that is not here says
nothing about liking an item: such an event is kept with its properties and counted.
"""

from dataclasses import dataclass

from mien.core.event import Action


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event of one name means.

    `each`: where set, the property that lists products, each of which makes an event of its own (`messageId#n`).
    `value`: whether money goes with it, the price of a piece times the pieces.
    `query`, `text`, `rating`, `impression`: the properties that hold them, the first one that is said counts.
    """

    action: Action
    each: str = ""
    value: bool = False
    query: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()


MEANINGS: dict[str, Meaning] = {
    "Products Searched": Meaning(Action.SEARCH, query=("query", "search", "search_term")),
    "Product List Viewed": Meaning(Action.IMPRESSION, each="products"),
    "Product List Filtered": Meaning(Action.IMPRESSION, each="products"),
    "Product Clicked": Meaning(Action.CLICK),
    "Product Viewed": Meaning(Action.VIEW),
    "Product Added": Meaning(Action.CART, value=True),
    "Product Removed": Meaning(Action.UNCART, value=True),
    "Product Added to Wishlist": Meaning(Action.FAVOURITE),
    "Wishlist Product Added to Cart": Meaning(Action.CART, value=True),
    "Product Shared": Meaning(Action.SHARE, text=("share_message",)),
    "Cart Shared": Meaning(Action.SHARE, each="products", text=("share_message",)),
    "Product Reviewed": Meaning(Action.REVIEW, text=("review_body", "review"), rating=("rating",)),
    "Product Rated": Meaning(Action.RATE, rating=("rating",)),
    "Order Completed": Meaning(Action.PURCHASE, each="products", value=True),
    "Order Refunded": Meaning(Action.REFUND, each="products", value=True),
    "Order Cancelled": Meaning(Action.REFUND, each="products", value=True),
}
"""Event → meaning. The table of docs/tracking.md says the same, and a test compares the two."""

BY_NAME = {name.casefold(): meaning for name, meaning in MEANINGS.items()}

ITEM_ID = ("product_id", "sku", "item_id", "id")
"""Properties that name the item, the first one that is said counts."""
IMPRESSION_ID = ("impression_id",)
"""The property that names the answer which an event reacts to."""
ORDER_MONEY = ("total", "revenue", "value")
"""What an order says it is worth, used where it lists no products, or one without a price."""
ITEM_FIELDS: dict[str, tuple[str, ...]] = {
    "title": ("name", "title"),
    "category": ("category",),
    "brand": ("brand",),
    "colour": ("colour", "color"),
    "price": ("price",),
    "image": ("image_url",),
    "description": ("description",),
}
"""Column of items → properties of a product that fill it."""
REFUSED_IDS = frozenset(
    (
        "", "0", "-1", "1970-01-01", "null", "nil", "none", "nan", "n/a", "na", "undefined", "unknown", "anonymous",
        "anon", "guest", "user", "userid", "user_id", "id", "true", "false", "test", "default", "[object object]", "{}",
        "[]", "not set", "(not set)", "00000000-0000-0000-0000-000000000000",
    )
)  # fmt: skip
"""What programs send for "nobody": as somebody's id it would make one person of strangers. Compared in lower case."""
