"""The route that tells how a profile came to be."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mien.core.clock import parse_time
from mien.shop import Shop
from mien.web.named import Named
from mien.web.query import asker, rendered

Limit = Annotated[int, Query(ge=1, le=1000, description="Of how many of the newest events.")]


def router(shop: Shop) -> APIRouter:
    """The route, answering from one shop."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/profiles/{user_id}/changes", summary="Which events changed which tags")
    def get_changes(request: Request, user_id: Named, since: str | None = None, limit: Limit = 50) -> Response:
        found = shop.changes(user_id, None if since is None else parse_time(since, shop.settings.shop.zone), limit)
        shop.note("profile.read", user_id, by=asker(request).key_id)
        return rendered(found)

    return routes
