"""What the storefront says, in English and Chinese."""

from collections.abc import Mapping

STORE: Mapping[str, tuple[str, str]] = {
    "search_for": ("Search the shop", "搜索商品"),
    "search": ("Search", "搜索"),
    "cart": ("Cart", "购物车"),
    "cart_n": ("Cart, {n} items", "购物车，{n} 件"),
}
