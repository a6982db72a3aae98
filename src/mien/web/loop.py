"""The event loop of a worker: workers that listen at one socket share its connections evenly."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvloop

Made = Callable[[], asyncio.BaseProtocol]


PAUSE_S = 0.001
"""After each connection that a worker takes: so long the next one is left to others."""


class Loop(uvloop.Loop):
    """Takes one connection at a time from a socket that is shared, with a pause in which others may take the next.

    Loops otherwise take whatever waits. Of eight connections that come together one worker of two took all, three
    times in eight: half of the machine then answers nothing, for as long as clients keep their connections.
    """

    async def create_server(self, protocol_factory: Made, *args: Any, **how: Any) -> Any:
        """As asyncio has it; of `sock`, `backlog`, and no `ssl`, connections are taken one by one."""
        shared = how.get("sock")
        if shared is None or how.get("ssl") is not None:
            return await super().create_server(protocol_factory, *args, **how)
        return Door(self, shared, protocol_factory, how.get("backlog", 100))


class Door:
    """What listens at a shared socket; as much of `asyncio.Server` as a server needs to end it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: socket.socket, made: Made, backlog: int) -> None:
        self.sockets, self._loop, self._made = [shared], loop, made
        self._coming: set[asyncio.Task[Any]] = set()
        shared.setblocking(False)
        shared.listen(backlog)
        self._open()

    def _open(self) -> None:
        for shared in self.sockets:
            self._loop.add_reader(shared, self._take, shared)

    def _take(self, shared: socket.socket) -> None:
        self._loop.remove_reader(shared)
        self._loop.call_later(PAUSE_S, self._open)
        try:
            connection, _ = shared.accept()
        except OSError:  # another worker was first, or there is no handle left: whoever waits is seen again
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._made, connection))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    def close(self) -> None:
        """Take no more, and let go of the socket."""
        for shared in self.sockets:
            self._loop.remove_reader(shared)
            shared.close()
        self.sockets = []

    async def wait_closed(self) -> None:
        """Until what was taken is handed over."""
        await asyncio.gather(*self._coming, return_exceptions=True)
