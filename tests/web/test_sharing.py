"""Workers that listen at one socket share its connections, and close it as asyncio's server does."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from mien.web.loop import Loop

TOGETHER = 40
"""So many take one worker alone 40 ms: longer than any other needs to wake up."""


class _Counting(asyncio.Protocol):
    def __init__(self, taken: list[int]) -> None:
        self.taken = taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.taken[0] += 1

    def data_received(self, data: bytes) -> None:
        self.taken[1] += len(data)


@contextmanager
def _worker(listening: socket.socket) -> Iterator[list[int]]:
    """A loop in a thread that serves a copy of the socket; connections taken and bytes read so far."""
    loop, ready, taken = Loop(), threading.Event(), [0, 0]

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(
            loop.create_server(lambda: _Counting(taken), sock=listening.dup(), backlog=128)
        )
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield taken
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _until(done: threading.Event, workers: list[list[int]], place: int, n: int) -> None:
    for _ in range(2000):
        if sum(one[place] for one in workers) == n:
            return
        done.wait(0.005)
    raise AssertionError(workers)


def test_what_comes_together_is_shared() -> None:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        workers = [stack.enter_context(_worker(listening)) for _ in range(2)]
        clients = [stack.enter_context(socket.create_connection(listening.getsockname())) for _ in range(TOGETHER)]
        for client in clients:
            client.sendall(b"x")
        _until(threading.Event(), workers, 1, TOGETHER)
        taken = [one[0] for one in workers]
    assert sum(taken) == TOGETHER
    assert min(taken) >= TOGETHER // 8, taken


def test_a_socket_of_its_own_is_served_as_ever() -> None:
    """Without a shared socket it is uvloop's own server."""

    async def served() -> int:
        taken = [0, 0]
        server = await asyncio.get_running_loop().create_server(lambda: _Counting(taken), "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await asyncio.sleep(0.05)
        writer.close()
        server.close()
        return taken[0]

    def run() -> int:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(served())

    with ThreadPoolExecutor() as threads:  # a browser of another test leaves a loop running in this one
        assert threads.submit(run).result() == 1
