"""The route that changes items while the shop is open."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.collect.given import MOST
from mien.shop import Shop
from mien.web.query import rendered


class ItemsGiven(BaseModel):
    """Items to add, change or withdraw."""

    model_config = ConfigDict(extra="forbid")

    items: list[dict[str, Any]] = Field(
        max_length=MOST,
        description="Each with item_id and what is new: title, description, category, brand, colour, price, image, "
        "audio, available, attributes, valid_from, withdrawn.",
    )


def router(shop: Shop) -> APIRouter:
    """The route, changing the items of one shop."""
    routes = APIRouter(prefix="/v1")

    @routes.put("/items", summary="Add, change and withdraw items")
    def put_items(given: ItemsGiven) -> Response:
        return rendered(shop.put_items(given.items))

    return routes
