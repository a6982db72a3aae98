"""The routes about what a person lets be done."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.core.clock import parse_time
from mien.shop import Shop
from mien.web.query import rendered

SOURCE = "api"


class ConsentGiven(BaseModel):
    """What a user said."""

    model_config = ConfigDict(extra="forbid")

    purposes: dict[Annotated[str, Field(max_length=200)], bool] = Field(
        max_length=100,
        description="Purpose → given or not: analytics, personalisation, marketing, automated_decisions.",
    )
    at: str | None = Field(None, max_length=100, description="When it was said (ISO 8601); absent: now.")
    source: str = Field(SOURCE, max_length=200, description="Where it was said, for the history.")


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/profiles/{user_id}/consent", summary="What a user lets be done")
    def get_consent(user_id: str) -> Response:
        return rendered(shop.consents(user_id))

    @routes.put("/profiles/{user_id}/consent", summary="Keep what a user said of some purposes")
    def put_consent(user_id: str, said: ConsentGiven) -> Response:
        at = None if said.at is None else parse_time(said.at, shop.settings.shop.zone)
        return rendered(shop.consent(user_id, said.purposes, at=at, source=said.source))

    return routes
