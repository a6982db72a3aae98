"""The gate that stands before every route: a request is let through with its caller, or answered here."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from mien.core.caller import Caller
from mien.core.errors import MienError
from mien.web.access import Needs
from mien.web.admission import Admission, Asking
from mien.web.keys import key_of_header
from mien.web.refusals import Forbidden, NotThere
from mien.web.refusing import refuse


class Gate:
    """Lets a request through with its caller on `request.state.caller`, or answers it. Pure ASGI.

    A route that takes messages in may have its key in the body: without one in the headers it is let through with no
    caller, and asks itself (`tracking.take`).
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self.app, self.admission = app, admission

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] not in ("http", "websocket"):
            return await self.app(connection, receive, send)
        state = connection["state"]
        state["asking"], key = asking_of(connection)
        try:
            state["caller"] = await self._caller(state["needs"], key, state["asking"])
        except MienError as error:
            unknown = state["entry"] is None and isinstance(error, Forbidden)
            return await refuse(NotThere() if unknown else error, connection, receive, send)
        return await self.app(connection, receive, send)

    async def _caller(self, needs: Needs, key: str | None, asking: Asking) -> Caller | None:
        if needs == "open" or needs == "own":
            if self.admission.keys.configured():
                self.admission.count_stranger(asking)
            elif needs == "own":
                self.admission.look_at_host(asking)
            return None
        if key is None and needs == "write" and self.admission.keys.configured():
            return None
        return await self.admission.admit(key, needs, asking)


def asking_of(connection: Connection) -> tuple[Asking, str | None]:
    """Who asks, as far as the connection and its head tell, and their key."""
    host = authorization = None
    headers: Iterable[tuple[bytes, bytes]] = connection["headers"]
    for name, value in headers:
        if name == b"host":
            host = value.decode("latin-1")
        elif name == b"authorization":
            authorization = value.decode("latin-1")
    client = connection.get("client")
    return Asking(client[0] if client else "", host_name(host or "")), key_of_header(authorization)


def host_name(host: str) -> str:
    """A `Host` header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
