"""The routes about the shop as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mien.shop import Shop
from mien.shop.standing import LONGEST_DAYS
from mien.web.query import rendered


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/overview", summary="What happened lately, and how the shop stands")
    def get_overview(
        days: Annotated[int, Query(ge=1, le=LONGEST_DAYS, description="Local days, the running one included.")] = 28,
    ) -> Response:
        return rendered(shop.overview(days).to_dict())

    @routes.get("/tags", summary="What tags everybody has, facet by facet")
    def get_tags() -> Response:
        return rendered(shop.tags().to_dict())

    return routes
