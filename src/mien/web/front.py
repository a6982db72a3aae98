"""The outermost layer: what holds for every answer, whoever gives it."""

import logging
from collections.abc import Mapping
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from mien.web import errors
from mien.web.access import ACCESS, Needs, Table

log = logging.getLogger("mien.web")

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

PAGES_OF_THE_API = ("/docs", "/redoc")
ALWAYS: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
JSON_ONLY: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Answers of the API hold what is known of people: nobody keeps a copy, and none is shown as a page."""
API_PAGES: Final[Headers] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; "
        b"style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net https://fonts.googleapis.com; "
        b"font-src https://fonts.gstatic.com; img-src 'self' data: https:; worker-src blob:; frame-ancestors 'none'",
    ),
)
PAGES: Final[Headers] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob: https:; font-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'self'; "
        b"form-action 'self'; object-src 'none'; frame-ancestors 'self'",
    ),
)
"""The console and the storefront: their framework compiles its templates in the browser."""
HSTS: Final[Headers] = ((b"strict-transport-security", b"max-age=31536000"),)


class Front:
    """Finds the entry of a request in the table of access, and gives every answer its headers. Pure ASGI.

    An error that nobody foresaw is logged and answered without a trace.
    """

    def __init__(self, app: ASGIApp, access: Mapping[str, Needs] = ACCESS) -> None:
        self.app, self.table = app, Table(access)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] not in ("http", "websocket"):
            return await self.app(connection, receive, send)
        method, path = connection.get("method", "GET"), connection["path"]
        state = connection.setdefault("state", {})
        state["entry"] = entry = self.table.entry(method, path)
        state["needs"] = "admin" if entry is None else self.table.access[entry]
        state["caller"] = None
        if connection["type"] == "websocket":
            return await self.app(connection, receive, send)
        headers, started = headers_of(path, state["needs"], connection.get("scheme", "http")), False

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            await self.app(connection, receive, headed)
        except Exception:
            log.exception("unforeseen error at %s", entry or "a path that is no route")
            if not started:
                answer = errors.answer(500, "error", "Something went wrong inside. The server's log says what.")
                await answer(connection, receive, headed)


def headers_of(path: str, needs: Needs, scheme: str) -> Headers:
    """What the answer to a request says to browsers, beside what it answers."""
    kind = API_PAGES if path.startswith(PAGES_OF_THE_API) else PAGES if needs == "own" else JSON_ONLY
    return (*ALWAYS, *kind, *(HSTS if scheme == "https" else ()))
