"""A request is refused in the one form that errors have, whatever refuses it, before a route is reached."""

from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from mien.core.errors import MienError
from mien.web import errors
from mien.web.tracking import CORS


async def refuse(error: MienError, connection: Connection, receive: Receive, send: Send) -> None:
    """Answer with the error; a page that sends messages must be able to read why."""
    if connection["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008, "reason": error.code})
    answer = errors.of(error, connection, CORS if connection["state"].get("needs") == "write" else None)
    return await answer(connection, receive, send)
