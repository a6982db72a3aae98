"""The routes that take events in, as Segment's and RudderStack's client libraries speak to them.

Answers exactly 200 once a batch is durable; every error is `{"code", "message"}`, since clients send a batch again
where they understand neither. A bad message of a batch is a dead letter, never an error of the batch.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
from fastapi import APIRouter, Request, Response

from mien.collect.tracking import KINDS
from mien.core.caller import Caller
from mien.core.errors import MienError
from mien.core.tracked import Refusal, Tracked
from mien.live import Live
from mien.web import errors
from mien.web.admission import Admission
from mien.web.bodies import unpacked
from mien.web.keys import key_of_body

Kept = Callable[[Mapping[str, int]], None]
"""Told of the fates of a batch once it is durable."""
MANY = ("batch", "import")
SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch"}
"""Short forms, as libraries in browsers use them."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "86400",
}
"""Tracking is called from the pages of the shop; a write key lets nobody read, so any page may."""
SUMMARIES = {"batch": "Take in messages of any kind", "import": "Take in messages of the past"}


def router(admission: Admission, kept: Kept) -> APIRouter:
    """The routes; `app.state.live` takes what they are sent, and `kept` is told what became of it."""
    routes = APIRouter(prefix="/v1")

    def add(path: str, name: str, *, shown: bool) -> None:
        async def post(request: Request) -> Response:
            return await take(request, None if name in MANY else name, admission, kept)

        routes.add_api_route(
            f"/{path}",
            post,
            methods=["POST"],
            include_in_schema=shown,
            summary=SUMMARIES.get(name, f"Take in one message of the kind {name}"),
            name=f"post_{path}",
        )

    for name in (*MANY, *KINDS):  # most messages come in batches
        add(name, name, shown=True)
    for path, name in SHORT.items():
        add(path, name, shown=False)
    for path in (*MANY, *KINDS, *SHORT):
        routes.add_api_route(f"/{path}", preflight, methods=["OPTIONS"], include_in_schema=False)
    return routes


async def preflight() -> Response:
    """What a browser asks before it posts."""
    return Response(status_code=204, headers=CORS)


async def take(request: Request, kind: str | None, admission: Admission, kept: Kept) -> Response:
    """Read, append, and answer when it is durable."""
    live: Live = request.app.state.live
    try:
        body = unpacked(await request.body(), request.headers.get("content-encoding"))
        caller = request.state.caller or await admission.admit(key_of_body(body), "write", request.state.asking)
        request.state.caller, source = caller, caller.source
        messages = live.read(body, source=source, kind=kind)
        fates = await asyncio.wrap_future(live.submit(messages, source=source))
        kept(fates)
    except MienError as error:
        return errors.of(error, request.scope, CORS)
    if kind is not None and isinstance(messages[0], Refusal):
        return errors.answer(request.scope, 400, messages[0].reason, messages[0].detail, CORS)
    answer = msgspec.json.encode({"success": True, "fates": told(fates, messages, caller)})
    return Response(answer, media_type="application/json", headers=CORS)


def told(fates: Mapping[str, int], messages: Sequence[Tracked | Refusal], caller: Caller) -> Mapping[str, int]:
    """What the sender learns of the fates of a batch.

    A write key lies open in pages: its bearer is told what is wrong with messages, and not who was erased or refused.
    """
    if caller.may("admin"):
        return fates
    refused = Counter(message.reason for message in messages if isinstance(message, Refusal))
    return {"taken": len(messages) - refused.total(), **refused}
