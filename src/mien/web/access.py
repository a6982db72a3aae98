"""Who may do what: which scope each route needs, in one table, and the gate that asks before a route is reached.

A path that is not in the table is shut to all but admin keys: what was forgotten is closed, not open.
"""

import re
from collections.abc import Mapping
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from mien.collect.tracking import KINDS
from mien.core.caller import Caller, Scope
from mien.core.errors import MienError
from mien.web import errors
from mien.web.keys import Forbidden, KeyCheck, NotThere, allowed, caller_of_key, key_of_header
from mien.web.tracking import CORS, MANY, SHORT

Needs = Scope | Literal["open"]

TRACKING = (*KINDS, *MANY, *SHORT)
ACCESS: dict[str, Needs] = {
    **{f"POST /v1/{name}": "write" for name in TRACKING},
    **{f"OPTIONS /v1/{name}": "open" for name in TRACKING},
    "GET /v1/profiles/{user_id}": "read",
    "GET /v1/profiles/{user_id}/export": "admin",
    "GET /v1/profiles/{user_id}/consent": "read",
    "PUT /v1/profiles/{user_id}/consent": "admin",
    "DELETE /v1/profiles/{user_id}": "admin",
    "POST /v1/search": "read",
    "GET /v1/complete": "read",
    "POST /v1/recommend": "read",
    "GET /v1/similar/{item_id}": "read",
    "POST /v1/explain": "read",
    "PUT /v1/items": "admin",
    "GET /v1/audit": "admin",
    "GET /v1/deadletters": "admin",
    "GET /healthz": "open",
    "GET /readyz": "open",
    "GET /docs": "open",
    "GET /docs/oauth2-redirect": "open",
    "GET /redoc": "open",
    "GET /openapi.json": "open",
}
"""Method and path, as the router has them → what is needed. `{name:path}` stands for any rest of a path."""


class Table:
    """Finds the entry of a request: by its very path where that stands in the table, else by the patterns."""

    def __init__(self, access: Mapping[str, Needs]) -> None:
        self.access = access
        self._patterns = [(re.compile(_pattern(entry)), entry) for entry in access if "{" in entry]

    def entry(self, method: str, path: str) -> str | None:
        """The entry of a request, as `ACCESS` spells it; None where there is none. HEAD is as GET."""
        asked = f"{'GET' if method == 'HEAD' else method} {path}"
        if asked in self.access:
            return asked
        return next((entry for pattern, entry in self._patterns if pattern.fullmatch(asked)), None)


def _pattern(entry: str) -> str:
    parts = re.split(r"(\{\w+(?::path)?\})", entry)
    return "".join(
        re.escape(part) if not part.startswith("{") else "(?s:.*)" if part.endswith(":path}") else "[^/]+"
        for part in parts
    )


class Gate:
    """Lets a request through with its caller on `request.state.caller`, or answers it. Pure ASGI.

    A route that takes messages in may have its key in the body: without one in the headers it is let through with no
    caller, and asks itself (`tracking.take`).
    """

    def __init__(self, app: ASGIApp, keys: KeyCheck, access: Mapping[str, Needs] = ACCESS) -> None:
        self.app, self.keys, self.table = app, keys, Table(access)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] not in ("http", "websocket"):
            return await self.app(connection, receive, send)
        entry = self.table.entry(connection.get("method", "GET"), connection["path"])
        needs = "admin" if entry is None else self.table.access[entry]
        state = connection.setdefault("state", {})
        state["caller"] = None
        if needs != "open":
            try:
                state["caller"] = await self._caller(connection, needs)
            except MienError as error:
                refused = NotThere() if entry is None and isinstance(error, Forbidden) else error
                return await _refuse(refused, CORS if needs == "write" else {}, connection, receive, send)
        return await self.app(connection, receive, send)

    async def _caller(self, connection: Connection, needs: Scope) -> Caller | None:
        key = key_of_header(Headers(scope=connection).get("authorization"))
        if key is None and needs == "write" and self.keys.configured():
            return None
        return allowed(await caller_of_key(self.keys, key), needs)


async def _refuse(
    error: MienError, headers: Mapping[str, str], connection: Connection, receive: Receive, send: Send
) -> None:
    if connection["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
    else:
        await errors.of(error, headers)(connection, receive, send)
