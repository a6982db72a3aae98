"""The toy shop and a client of its API; a real server on this machine, in a thread of the test."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import uvicorn
from starlette.testclient import TestClient

from mien.shop import Shop, create
from mien.testing.world import World, world
from mien.web.app import create_app
from mien.web.keys import KeyCheck
from mien.web.server import served

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Iterator[Shop]:
    """The toy shop, built; one for each file of tests."""
    with create(tmp_path_factory.mktemp("web") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def serving() -> Serve:
    """`with serving(shop) as url`: the API of a shop, listening on a free port of 127.0.0.1."""

    @contextmanager
    def serve(shop: Shop, keys: KeyCheck | None = None) -> Iterator[str]:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(served(create_app(shop, keys=keys), shop.settings.server))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until = time.monotonic() + 30
            while not server.started:
                assert time.monotonic() < until, "the server does not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            listener.close()

    return serve
