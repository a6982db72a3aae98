"""The routes that ask: profiles, search, recommendation, similar items, explanations, dead letters."""

from asyncio import Semaphore, timeout
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from mien.core.caller import LOCAL, Caller
from mien.core.clock import parse_time
from mien.core.query import SORTS, Answer
from mien.ranking.answering import MAX_OFFSET
from mien.ranking.completion import told as completions
from mien.shop import Shop
from mien.web.named import Named

AT_ONCE = 1
"""Questions of now that are answered at a time. More threads take the interpreter from each other after every step in
NumPy: of eight at once each took four times the processor's time that it takes alone."""
PATIENCE_S = 2.0
"""So long a question waits for its turn. Then it goes beside the others: who is before it may wait for a dead store."""
Count = Annotated[int, Query(ge=1, le=1000, description="How many results.")]


class Asked(BaseModel):
    """What every question to the ranking may say."""

    model_config = ConfigDict(extra="forbid")

    user_id: str | None = Field(None, max_length=1000, description="For whom; absent: an anonymous visitor.")
    k: int = Field(10, ge=1, le=1000, description="How many results.")
    filters: dict[str, list[str]] = Field(default_factory=dict, description="Facet → allowed values.")
    personalise: bool = Field(True, description="False: exactly what a visitor without any context gets.")


LARGEST = 2**63 - 1
"""The largest number of a row that a store holds."""
LetterId = Annotated[int, Field(ge=1, le=LARGEST)]
Ids = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=200)]
VISIT = "Item ids looked at in the running visit, oldest first."


class SearchAsked(Asked):
    """A search."""

    context: Ids = Field(default_factory=list, description=VISIT)
    query: str = Field(
        max_length=20_000, description="What is looked for, in Chinese or English; empty: all that the filters leave."
    )
    sort: str = Field("relevance", description=f"One of {', '.join(SORTS)}.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Results before the first one shown.")
    understand: bool = Field(True, description="Whether category, brand, colour and price are read out of the query.")
    literal: list[str] = Field(default_factory=list, description="Parts of the query that are words and nothing else.")


class RecommendAsked(Asked):
    """A recommendation."""

    kind: str = Field("for-you", max_length=100, description="Which kind of recommendation.")
    cart: Ids = Field(default_factory=list, description="Item ids it is asked about: a cart, or one item.")
    context: Ids = Field(default_factory=list, description=VISIT)


class ExplainAsked(RecommendAsked):
    """A question about one item of a ranking."""

    item_id: str = Field(max_length=1000, description="The item.")
    query: str = Field("", max_length=1000, description="A search; empty: a recommendation of the kind.")


class Mended(BaseModel):
    """A mended row."""

    model_config = ConfigDict(extra="forbid")

    row: dict[str, Any] = Field(description="The row or message, as it should have been.")


class Replayed(BaseModel):
    """Which rows are read again."""

    model_config = ConfigDict(extra="forbid")

    ids: list[LetterId] | None = Field(None, max_length=10_000, description="Numbers of dead letters; absent: all.")


def router(shop: Shop) -> APIRouter:
    """The routes, answering from one shop."""
    routes, turns = APIRouter(prefix="/v1"), Semaphore(AT_ONCE)

    async def by_turns(question: Callable[[], Response]) -> Response:
        try:
            async with timeout(PATIENCE_S):
                await turns.acquire()
        except TimeoutError:
            return await run_in_threadpool(question)
        try:
            return await run_in_threadpool(question)
        finally:
            turns.release()

    @routes.post("/recommend", summary="What a user may want next")
    async def post_recommend(asked: RecommendAsked) -> Response:
        return await by_turns(lambda: answered(shop.recommend(**told(asked), **of_kind(asked), shown=True)))

    @routes.post("/search", summary="Search the catalogue")
    async def post_search(asked: SearchAsked) -> Response:
        return await by_turns(lambda: answered(shop.search(asked.query, **told(asked), **more(asked), shown=True)))

    @routes.get("/profiles/{user_id}", summary="All that is known of a user")
    async def get_profile(request: Request, user_id: Named, as_of: str | None = None) -> Response:
        at, caller = None if as_of is None else parse_time(as_of, shop.settings.shop.zone), asker(request)
        turn = by_turns if at is None else run_in_threadpool  # the past takes seconds to look up, and holds up nobody
        found = await turn(lambda: rendered(shop.profile(user_id, as_of=at, clear=caller.may("admin")).to_dict()))
        await run_in_threadpool(shop.note, "profile.read", user_id, by=caller.key_id)
        return found

    @routes.get("/profiles/{user_id}/export", summary="Everything kept about a user")
    def get_export(request: Request, user_id: Named) -> Response:
        return rendered(shop.export(user_id, by=asker(request).key_id))

    @routes.delete("/profiles/{user_id}", summary="Forget a user")
    def delete_profile(request: Request, user_id: Named) -> Response:
        return rendered(shop.erase(user_id, by=asker(request).key_id))

    @routes.get("/complete", summary="What somebody may be about to type")
    async def get_complete(q: Annotated[str, Query(max_length=20_000)], k: Count = 10) -> Response:
        return await by_turns(lambda: rendered(completions(shop.complete(q, k))))

    @routes.get("/similar/{item_id}", summary="Items liked by the same people")
    async def get_similar(item_id: Named, k: Count = 10) -> Response:
        return await by_turns(lambda: answered(shop.similar(item_id, k=k, shown=True)))

    @routes.post("/explain", summary="Why an item stands where it stands for a user")
    async def post_explain(asked: ExplainAsked) -> Response:
        which = told(asked) | of_kind(asked)
        return await by_turns(lambda: answered(shop.explain(item=asked.item_id, query=asked.query, **which)))

    _add_letters(routes, shop)
    return routes


def _add_letters(routes: APIRouter, shop: Shop) -> None:
    """The routes about what could not be used."""

    @routes.get("/deadletters", summary="Rows that could not be used")
    def get_dead_letters(limit: Count = 20) -> Response:
        return rendered(shop.dead_letters(limit))

    @routes.put("/deadletters/{letter_id}", summary="Mend a row that could not be used")
    def put_dead_letter(letter_id: LetterId, mended: Mended, request: Request) -> Response:
        return rendered(shop.mend(letter_id, mended.row, by=asker(request).key_id))

    @routes.post("/deadletters/replay", summary="Read rows that could not be used again")
    def post_replay(asked: Replayed, request: Request) -> Response:
        return rendered(shop.replay(asked.ids, by=asker(request).key_id))


def asker(request: Request) -> Caller:
    """Who asks, as the gate found out."""
    caller = request.state.caller
    return caller if isinstance(caller, Caller) else LOCAL


def told(asked: Asked) -> dict[str, Any]:
    """The parts of a question as the shop takes them."""
    return {
        "user": asked.user_id,
        "k": asked.k,
        "filters": {facet: tuple(values) for facet, values in asked.filters.items()},
        "personalise": asked.personalise,
    }


def of_kind(asked: RecommendAsked) -> dict[str, Any]:
    """What a recommendation says beside."""
    return {"kind": asked.kind, "cart": asked.cart, "context": asked.context}


def more(asked: SearchAsked) -> dict[str, Any]:
    """What a search may say beyond other questions."""
    return {
        "sort": asked.sort,
        "offset": asked.offset,
        "understand": asked.understand,
        "literal": tuple(asked.literal),
        "context": tuple(asked.context),
    }


def answered(answer: Answer) -> Response:
    return rendered(answer.to_dict())


def rendered(document: object) -> Response:
    """One JSON document, encoded by msgspec."""
    return Response(msgspec.json.encode(document), media_type="application/json")
