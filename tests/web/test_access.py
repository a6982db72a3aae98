"""Who may do what: every route stands in one table, and the gate keeps to it whatever is sent."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from mien.core.caller import SCOPES
from mien.core.errors import UsageError
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.world import world
from mien.web.access import ACCESS, Table
from mien.web.app import create_app
from mien.web.server import run

TRACK = {"type": "track", "event": "Product Viewed", "userId": "ann", "properties": {"product_id": "mug"}}
Keyed = dict[str, str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    toy, folder = world(), tmp_path_factory.mktemp("access") / "shop"
    create(folder).close()
    with (folder / "mien.toml").open("a") as settings:
        settings.write("[server]\nwrong_keys = 0\n")  # all of them are sent from one address here
    with open_shop(folder, clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


@pytest.fixture(scope="module")
def keyed(shop: Shop) -> Keyed:
    """Scope → a key of it."""
    return {scope: shop.keys.add(f"a {scope} key", scope, 1)[0] for scope in SCOPES}


@pytest.fixture(scope="module")
def client(shop: Shop, keyed: Keyed) -> Iterator[TestClient]:
    assert keyed
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        yield client


def routes(router: Any) -> set[str]:
    """Every route of a router and of those included in it, as the table spells it."""
    found: set[str] = set()
    for route in router.routes:
        if hasattr(route, "original_router"):
            found |= routes(route.original_router)
        else:
            assert isinstance(route, Route), f"{route} is mounted: say here how its paths stand in the table"
            found |= {f"{method} {route.path}" for method in route.methods or {"GET"} if method != "HEAD"}
    return found


def test_the_table_has_every_route_and_no_other(shop: Shop) -> None:
    assert routes(create_app(shop).router) == set(ACCESS)


def filled(entry: str) -> tuple[str, str]:
    method, _, path = entry.partition(" ")
    return method, path.replace("{user_id}", "u0").replace("{item_id}", "mug")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("entry", [one for one in ACCESS if ACCESS[one] == "open"])
def test_what_is_open_needs_no_key(client: TestClient, entry: str) -> None:
    assert client.request(*filled(entry)).status_code in (200, 204)


@pytest.mark.parametrize("entry", [one for one in ACCESS if ACCESS[one] != "open"])
def test_everything_else_needs_a_key_of_the_scope(client: TestClient, keyed: Keyed, entry: str) -> None:
    method, path = filled(entry)
    needed = ACCESS[entry]
    for headers in ({}, bearer("mien_a_00000000_" + "0" * 48), bearer("x"), {"authorization": "Digest x"}):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_allowed")
        assert "bearer" in answer.headers["www-authenticate"].lower()
    for scope, key in keyed.items():
        enough = scope == needed or scope == "admin" or (needed == "metrics" and scope == "read")
        if method == "DELETE" and enough:
            continue
        answer = client.request(method, path, headers=bearer(key))
        assert (answer.status_code == 403) is not enough, (scope, answer.text)
        assert answer.status_code != 401
        if not enough:
            assert answer.json()["code"] == "forbidden"


def test_unknown_paths_are_shut(client: TestClient, keyed: Keyed) -> None:
    for path in ("/v1/nothing", "/", "//v1/search", "/v1/%2e%2e/healthz", "/v1/profiles/a/b", "/HEALTHZ", "/healthz/"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=bearer(keyed["read"])).status_code == 404
        assert client.get(path, headers=bearer(keyed["admin"]), follow_redirects=False).status_code in (404, 307)
    assert client.delete("/v1/search", headers=bearer(keyed["read"])).status_code == 404


def test_messages_need_a_write_key_in_header_or_body(client: TestClient, shop: Shop, keyed: Keyed) -> None:
    write, read = keyed["write"], keyed["read"]
    basic = {"authorization": "Basic " + base64.b64encode(f"{write}:".encode()).decode()}
    sent: list[tuple[dict[str, Any], dict[str, str], int]] = [
        (TRACK, basic, 200), (TRACK, bearer(write), 200), (TRACK | {"writeKey": write}, {}, 200),
        (TRACK, {}, 401), (TRACK | {"writeKey": "x"}, {}, 401), (TRACK | {"writeKey": 7}, {}, 401),
        (TRACK | {"writeKey": read}, {}, 403), (TRACK | {"writeKey": write}, bearer("x"), 401),
        (TRACK | {"writeKey": write}, bearer(read), 403), (TRACK, {"authorization": "Basic !"}, 401),
    ]  # fmt: skip
    for body, headers, status in sent:
        answer = client.post("/v1/track", json=body, headers=headers)
        assert answer.status_code == status, (body, headers)
        assert answer.headers["access-control-allow-origin"] == "*"  # a page must be able to read why
    (source,) = set(shop.stock.tail.table()["source"].to_pylist())
    assert source == "a write key"


def test_a_write_key_is_told_nothing_of_people(shop: Shop, client: TestClient, keyed: Keyed) -> None:
    """It lies open in pages: whoever takes it could ask who was erased, who refused, and who was here before."""
    for user in ("gone", "silent"):
        client.post("/v1/track", json=TRACK | {"userId": user}, headers=bearer(keyed["write"]))
    shop.erase("gone")
    shop.consent("silent", {"analytics": False})
    answers = [
        client.post("/v1/batch", json={"batch": [TRACK | {"userId": user}, 7]}, headers=bearer(keyed["write"])).json()
        for user in ("gone", "silent", "a stranger", "a stranger")
    ]
    assert answers == [{"success": True, "fates": {"taken": 1, "bad_message": 1}}] * 4
    told = client.post("/v1/batch", json={"batch": [TRACK | {"userId": "gone"}]}, headers=bearer(keyed["admin"])).json()
    assert told["fates"]["erased"] == 1


def test_a_key_in_the_url_opens_nothing(client: TestClient, keyed: Keyed) -> None:
    for name in ("key", "writeKey", "access_token", "authorization"):
        assert client.get("/v1/profiles/u0", params={name: keyed["admin"]}).status_code == 401


def test_keys_rotate_and_sources_stay(shop: Shop, client: TestClient) -> None:
    old, first = shop.keys.add("app 1", "write", 1, source="app")
    message = TRACK | {"messageId": "once"}
    before = len(shop.stock.tail)
    assert client.post("/v1/track", json=message, headers=bearer(old)).status_code == 200
    shop.keys.revoke(first.key_id, 2)
    assert client.post("/v1/track", json=message, headers=bearer(old)).status_code == 401
    new, _ = shop.keys.add("app 2", "write", 3, source="app")
    assert client.post("/v1/track", json=message, headers=bearer(new)).status_code == 200
    assert len(shop.stock.tail) == before + 1


def test_no_key_is_written_to_the_log(client: TestClient, keyed: Keyed, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        for key in (*keyed.values(), "mien_w_00000000_" + "1" * 48):
            client.get("/v1/profiles/u0", headers=bearer(key))
            client.post("/v1/track", json=TRACK | {"writeKey": key})
    told = caplog.text
    assert not [key for key in (*keyed.values(), "1" * 48) if key in told]


def test_a_server_without_keys_listens_to_its_machine_only_and_says_so(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = []
    monkeypatch.setattr("uvicorn.Server.run", lambda server: listening.append(server.config.host))
    with create(tmp_path_factory.mktemp("bare") / "shop") as bare:
        for host in ("0.0.0.0", "::", "192.0.2.1", "shop.example"):
            with pytest.raises(UsageError, match="mien keys add"):
                run(bare, host=host, port=0)
        for host in ("127.0.0.1", "::1", "localhost"):
            run(bare, host=host, port=0)
        assert "There are no keys" in caplog.text
        bare.keys.add("ops", "admin", 1)
        run(bare, host="0.0.0.0", port=0)
    assert listening == ["127.0.0.1", "::1", "localhost", "0.0.0.0"]


def test_the_table_reads_paths_as_the_router_does() -> None:
    table = Table({"GET /a/{b}": "read", "GET /a/{b}/c": "admin", "GET /docs": "open", "GET /d/{rest:path}": "open"})
    assert table.entry("GET", "/a/x.y") == "GET /a/{b}"
    assert table.entry("HEAD", "/a/x/c") == "GET /a/{b}/c"
    assert table.entry("GET", "/d/x/y\nz") == "GET /d/{rest:path}"
    for path in ("/a/", "/a/x/", "/a/x/y", "/docs/", "/docsx", "/xdocs", "/a/x/c/"):
        assert table.entry("GET", path) is None
    assert table.entry("POST", "/docs") is None
