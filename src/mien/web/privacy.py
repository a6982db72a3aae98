"""The routes about what a person lets be done."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.core.clock import parse_time
from mien.shop import Shop
from mien.stores.audit_check import verify as check
from mien.web.named import Named
from mien.web.query import asker, rendered

SOURCE = "api"


class ConsentGiven(BaseModel):
    """What a user said."""

    model_config = ConfigDict(extra="forbid")

    purposes: dict[Annotated[str, Field(max_length=60)], bool] = Field(
        max_length=10,
        description="Purpose → given or not: analytics, personalisation, marketing, automated_decisions.",
    )
    at: str | None = Field(None, max_length=100, description="When it was said (ISO 8601); absent: now.")
    source: str = Field(SOURCE, max_length=200, description="Where it was said, for the history.")


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/profiles/{user_id}/consent", summary="What a user lets be done")
    def get_consent(request: Request, user_id: Named) -> Response:
        found = shop.consents(user_id)
        shop.note("consent.read", user_id, by=asker(request).key_id)
        return rendered(found)

    @routes.put("/profiles/{user_id}/consent", summary="Keep what a user said of some purposes")
    def put_consent(request: Request, user_id: Named, said: ConsentGiven) -> Response:
        at = None if said.at is None else parse_time(said.at, shop.settings.shop.zone)
        by = asker(request).key_id
        return rendered(shop.consent(user_id, said.purposes, at=at, source=said.source, by=by))

    @routes.get("/audit", summary="Who read, exported, erased and changed what")
    def get_audit(
        limit: Annotated[int, Query(ge=1, le=10_000, description="How many entries, newest first.")] = 100,
        user_id: Annotated[str | None, Query(max_length=1000, description="Only those about this user.")] = None,
        verify: Annotated[bool, Query(description="Whether to check the whole log first.")] = False,
    ) -> Response:
        found: dict[str, object] = {"entries": shop.audit.entries(user_id=user_id, limit=limit)}
        return rendered(found | ({"verdict": check(shop.audit).to_dict()} if verify else {}))

    return routes
