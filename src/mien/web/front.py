"""The outermost layer: what holds for every answer, whoever gives it."""

import logging
import time
from collections.abc import Mapping
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from mien.core.phrase import Phrase
from mien.web import errors, logs
from mien.web.access import ACCESS, Needs, Table
from mien.web.metrics import Metrics
from mien.web.named import path_of

log = logging.getLogger("mien.web")

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

GONE: Final = 499
"""In the counts and the log: who asked went away before the whole question was there; nobody is answered."""
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
    """Finds the entry of a request in the table of access, gives every answer its headers and its id, and counts it.

    An error that nobody foresaw is logged and answered without a trace. Pure ASGI.
    """

    def __init__(self, app: ASGIApp, counts: Metrics, access: Mapping[str, Needs] = ACCESS) -> None:
        self.app, self.counts, self.table = app, counts, Table(access)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] not in ("http", "websocket"):
            return await self.app(connection, receive, send)
        connection["path"] = path_of(connection)
        state = connection.setdefault("state", {})
        state["entry"] = entry = self.table.entry(connection.get("method", "GET"), connection["path"])
        state["needs"] = "admin" if entry is None else self.table.access[entry]
        state["caller"] = None
        if connection["type"] == "websocket":
            return await self.app(connection, receive, send)
        answering = _Answering(connection, send)
        state["request_id"] = answering.request_id
        logs.REQUEST_ID.set(answering.request_id)
        try:
            await self.app(connection, receive, answering.send)
        except ClientDisconnect:
            answering.status = GONE
        except Exception:
            await self._unforeseen(connection, receive, answering)
        finally:
            state["status"] = answering.status
            seconds, caller = time.perf_counter() - answering.began_s, state["caller"]
            self.counts.answered(entry, answering.status, seconds)
            logs.answered(entry, answering.status, seconds, caller.key_id if caller else None)

    async def _unforeseen(self, connection: Connection, receive: Receive, answering: "_Answering") -> None:
        log.exception("unforeseen error at %s", connection["state"]["entry"] or "a path that is no route")
        if not answering.status:
            place = answering.request_id
            said = Phrase("Something went wrong inside. The server's log says what, at {place}.", place=place)
            await errors.answer(connection, 500, "error", said)(connection, receive, answering.send)


class _Answering:
    """One answer on its way. `status`: 0 until it has begun."""

    def __init__(self, connection: Connection, send: Send) -> None:
        self.began_s, self.status, self._send = time.perf_counter(), 0, send
        said = next((value for name, value in connection["headers"] if name == logs.ID_HEADER), None)
        self.request_id = logs.request_id(said)
        path, needs = connection["path"], connection["state"]["needs"]
        self._headers = headers_of(path, needs, connection.get("scheme", "http"))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = (logs.ID_HEADER, self.request_id.encode())
            message["headers"] = [*message["headers"], *self._headers, own]
        await self._send(message)


def headers_of(path: str, needs: Needs, scheme: str) -> Headers:
    """What the answer to a request says to browsers, beside what it answers."""
    kind = API_PAGES if path.startswith(PAGES_OF_THE_API) else PAGES if needs == "own" else JSON_ONLY
    return (*ALWAYS, *kind, *(HSTS if scheme == "https" else ()))
