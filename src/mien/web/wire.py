"""Connections: how many there may be, how long a head may take and how large it may become.

uvicorn reads requests; this bounds what it leaves open: a connection that says nothing, a head that never ends, and
what is no HTTP, which is answered in the form that all errors have.
"""

import asyncio
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_S: Final = 10.0
"""Seconds within which a head has to be complete."""
HEAD_BYTES: Final = 64 * 1024
"""Bytes that are read of a head that does not end; a complete one is looked at by `limits`."""
CONNECTIONS: Final = 2_000
"""Open connections of one process; one more is closed at once."""


class Wire(HttpToolsProtocol):
    """uvicorn's protocol, bounded."""

    _waiting: asyncio.TimerHandle | None = None
    """Set while a head is awaited."""
    _read = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.close()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_ended()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_ended()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._waiting is not None:
            self._read += len(data)
            if self._read > HEAD_BYTES:
                self._refuse(431, "head_too_large", f"A head may have {HEAD_BYTES:,} bytes. Send fewer headers.")

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "http", msg)

    def _await_head(self) -> None:
        self._head_ended()
        self._waiting = self.loop.call_later(HEAD_S, self._give_up)

    def _head_ended(self) -> None:
        self._read = 0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        if self._read:
            self._refuse(408, "too_slow", f"The head did not arrive within {HEAD_S:g} s. Send it again.")
        else:
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._head_ended()
        body = msgspec.json.encode({"code": code, "message": message})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
