"""The workspace: ingest, build, train, evaluate, profile, search, recommend."""

from mien.shop.shop import Shop, create, open_shop

open = open_shop  # noqa: A001 (mien.open reads as what it does)

__all__ = ["Shop", "create", "open"]
