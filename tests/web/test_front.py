"""What holds for every answer: headers for browsers, no trace of what went wrong, no other name than this machine's."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.shop import Shop, create
from mien.web import pages
from mien.web.access import ACCESS
from mien.web.app import create_app
from mien.web.front import headers_of

SOCKET = "/_nicegui_ws/socket"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with create(tmp_path_factory.mktemp("front") / "shop") as shop:
        yield shop


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("entry", [*ACCESS, "GET /nothing", "PATCH /v1/search"])
def test_every_answer_has_its_headers(client: TestClient, entry: str) -> None:
    method, _, path = entry.partition(" ")
    answer = client.request(method, path.replace("{user_id}", "ann").replace("{item_id}", "mug"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers
    if path.startswith("/v1"):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_pages_of_the_api_may_load_what_they_load(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        page = client.get(path)
        policy = page.headers["content-security-policy"]
        hosts = {part.split("/")[2] for part in page.text.split('"') if part.startswith("https://")}
        assert {host for host in hosts if host not in policy} <= {"fastapi.tiangolo.com"}  # a picture: any https may be
        assert "img-src 'self' data: https:" in policy


def test_only_behind_tls_is_tls_asked_for() -> None:
    assert b"strict-transport-security" in dict(headers_of("/v1/search", "read", "https"))
    assert b"strict-transport-security" not in dict(headers_of("/v1/search", "read", "http"))
    assert b"unsafe-eval" in dict(headers_of("/console", "own", "http"))[b"content-security-policy"]


def test_what_nobody_foresaw_leaves_no_trace(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(shop, "search", broken)
    with TestClient(create_app(shop)) as client:
        answer = client.post("/v1/search", json={"query": "who asks"})
    assert answer.status_code == 500
    assert set(answer.json()) == {"code", "message"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    for word in ("secret", "Traceback", "ZeroDivision", ".py"):
        assert word not in answer.text
    assert "the secret inside" in caplog.text  # the log says what
    assert "who asks" not in caplog.text


async def _accepted(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def test_without_keys_a_page_of_strangers_finds_no_other_name(shop: Shop) -> None:
    """A page may have its own name lead to 127.0.0.1; the browser then says that name."""
    app = create_app(shop, access={**ACCESS, **pages.ACCESS}, local=True)
    app.add_api_route("/console/users", lambda: "everybody")
    app.add_api_websocket_route(SOCKET, _accepted)
    with TestClient(app) as client:
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "localhost.evil"):
            for path in ("/v1/profiles/ann", "/console/users"):
                answer = client.get(path, headers={"host": host})
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (host, path)
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers={"host": host}):
                pass
        for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"):
            assert client.get("/v1/profiles/ann", headers={"host": host}).status_code == 409
            assert client.get("/console/users", headers={"host": host}).json() == "everybody"
            with client.websocket_connect(SOCKET, headers={"host": host}):
                pass
