"""Mien: what people do becomes profiles that can be questioned, and better search and recommendation.

>>> import mien
>>> shop = mien.create("shop/")  # or mien.open("shop/")  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.shop import Shop, create, open  # noqa: A004 (mien.open reads as what it does)

__all__ = ["Shop", "create", "open"]


def __getattr__(name: str) -> Any:
    """The engines are loaded when a shop is first asked for, so that importing costs nothing."""
    if name in __all__:
        from mien import shop

        return getattr(shop, name)
    raise AttributeError(f"module 'mien' has no attribute '{name}'")
