"""The routes of segments."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from mien.shop import Shop
from mien.shop.segments import plain
from mien.web.query import Count, asker, rendered

Rule = str | dict[str, Any]
Offset = Annotated[int, Query(ge=0, le=100_000_000, description="Members before the first one listed.")]
TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class RuleTried(BaseModel):
    """A rule to try."""

    model_config = ConfigDict(extra="forbid")

    rule: Rule = Field(description="The rule, as text or JSON.")
    sample: int = Field(10, ge=0, le=1000, description="How many of the users it fits are named.")


class RuleSaved(BaseModel):
    """A rule to save."""

    model_config = ConfigDict(extra="forbid")

    rule: Rule = Field(description="The rule, as text or JSON.")
    note: str = Field("", max_length=1000, description="What was changed and why.")


class Overlapped(BaseModel):
    """Segments to compare."""

    model_config = ConfigDict(extra="forbid")

    names: list[str] = Field(max_length=8, description="Two to eight saved segments, or everyone.")


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes = APIRouter(prefix="/v1/segments")

    @routes.get("", summary="All saved segments")
    def get_segments() -> Response:
        return told({"segments": shop.segments.all()})

    @routes.post("", summary="Try a rule")
    def post_segments(asked: RuleTried) -> Response:
        return told(shop.segments.preview(asked.rule, asked.sample))

    @routes.get("/fields", summary="What rules may test")
    def get_fields() -> Response:
        return told({"fields": shop.segments.fields()})

    @routes.post("/overlap", summary="How segments overlap")
    def post_overlap(asked: Overlapped) -> Response:
        return told(shop.segments.overlap(asked.names))

    @routes.get("/{name}", summary="A saved segment")
    def get_segment(name: str) -> Response:
        return told(shop.segments.get(name))

    @routes.put("/{name}", summary="Save a segment")
    def put_segment(name: str, asked: RuleSaved) -> Response:
        return told(shop.segments.save(name, asked.rule, asked.note))

    @routes.delete("/{name}", summary="Delete a segment")
    def delete_segment(name: str) -> Response:
        shop.segments.delete(name)
        return told({"deleted": name})

    _add_views(routes, shop)
    return routes


def _add_views(routes: APIRouter, shop: Shop) -> None:
    """What is told of a segment."""

    @routes.get("/{name}/history", summary="Every version of a segment")
    def get_history(name: str) -> Response:
        return told({"versions": shop.segments.history(name)})

    @routes.get("/{name}/members", summary="Who is in a segment")
    def get_members(name: str, limit: Count = 50, offset: Offset = 0) -> Response:
        return told(shop.segments.members(name, limit, offset))

    @routes.get("/{name}/export", summary="All members as a file")
    def get_export(request: Request, name: str, form: Literal["csv", "parquet"] = "csv") -> Response:
        return Response(shop.segments.exported(name, form, by=asker(request).key_id), media_type=TYPES[form])

    @routes.get("/{name}/versus", summary="A segment beside everyone")
    def get_versus(name: str, facet: str | None = None, limit: Count = 100) -> Response:
        return told(shop.segments.versus(name, facet, limit))

    @routes.get("/{name}/rfm", summary="A segment by recency and frequency")
    def get_rfm(name: str) -> Response:
        return told(shop.segments.rfm(name))

    @routes.get("/{name}/retention", summary="Cohorts of a segment")
    def get_retention(name: str, by: Literal["month", "week"] = "month") -> Response:
        return told(shop.segments.retention(name, by))

    @routes.get("/{name}/lookalike", summary="Users most like a segment")
    def get_lookalike(name: str, size: Annotated[int, Query(ge=1, le=100_000)] = 100) -> Response:
        return told(shop.segments.lookalike(name, size))


def told(document: Any) -> Response:
    """What was told, as JSON."""
    return rendered(plain(document))
