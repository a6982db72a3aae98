"""How much and how long: heads, bodies, time, and requests at once. What is beyond is answered, never suffered."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from mien.core.errors import MienError, UsageError
from mien.settings import ServerSettings
from mien.web.bodies import BODY_BYTES
from mien.web.refusals import Busy, HeadTooLarge, TooLarge, TooSlow
from mien.web.refusing import refuse

HEADERS: Final = 100
HEADER_BYTES: Final = 32 * 1024
"""Headers of a request, and the bytes of their names and values together."""
BODIES: dict[str, int] = {"PUT /v1/items": 8 * 1024 * 1024}
"""Entry of `access.ACCESS` → the bytes its body may have, where that is not `BODY_BYTES`."""
SMALL: Final = 64 * 1024
"""Bytes of an answer that are handed to the network at once; a larger one waits for its reader, but not for ever."""


class Limits:
    """Reads a body, bounded and in time, before what answers it is asked. Pure ASGI.

    Parts that look after themselves (`own`, the pages) are handed their bodies as they come.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app, self.settings = app, settings
        self._running = 0

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] != "http":
            return await self.app(connection, receive, send)
        if self._running >= self.settings.at_once:
            return await refuse(Busy(), connection, receive, send)
        self._running += 1
        try:
            if connection["state"]["needs"] != "own":
                receive = await self._bounded(connection, receive)
                send = self._patient(send)
        except MienError as error:
            return await refuse(error, connection, receive, send)
        else:
            return await self.app(connection, receive, send)
        finally:
            self._running -= 1

    async def _bounded(self, connection: Connection, receive: Receive) -> Receive:
        """What hands out the body, which was read already; afterwards the connection itself."""
        look_at_head(connection)
        headers = Headers(scope=connection)
        most = BODIES.get(connection["state"]["entry"] or "", BODY_BYTES)
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            return receive
        if length is not None and not (length.isascii() and length.isdigit()):
            raise UsageError("Content-Length is not a number.")
        if length is not None and int(length) > most:
            raise TooLarge(most)
        read = [await self._body(receive, most)]

        async def once() -> Message:
            return read.pop() if read else await receive()

        return once

    async def _body(self, receive: Receive, most: int) -> Message:
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.settings.body_s):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return message
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise TooLarge(most)
                    if not message.get("more_body", False):
                        return {"type": "http.request", "body": b"".join(parts), "more_body": False}
        except TimeoutError:
            raise TooSlow(self.settings.body_s) from None

    def _patient(self, send: Send) -> Send:
        async def timed(message: Message) -> None:
            if len(message.get("body", b"")) <= SMALL:
                return await send(message)
            async with asyncio.timeout(self.settings.answer_s):
                return await send(message)

        return timed


def look_at_head(connection: Connection) -> None:
    """Raises `HeadTooLarge`."""
    headers = connection["headers"]
    if len(headers) > HEADERS or sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES:
        raise HeadTooLarge(HEADERS, HEADER_BYTES)
