"""The routes that tell how well the shop answers."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from mien.shop import Shop
from mien.shop.segments import plain
from mien.web.query import Count, rendered

Days = Annotated[float, Query(gt=0, le=3660, description="Of how many days.")]


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes = APIRouter(prefix="/v1/quality")

    @routes.get("/searches", summary="How good searches are")
    def get_searches(days: Days = 7.0, limit: Count = 50) -> Response:
        return rendered(plain(shop.quality.searches(days, limit)))

    return routes
