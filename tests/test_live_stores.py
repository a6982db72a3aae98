"""The live service over each store, real servers among them: away, slow, emptied; nothing is lost, and it says so."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import servers
from starlette.testclient import TestClient

from mien.core.errors import TransientError
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.restoring import restore
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import World, world
from mien.web.app import create_app

pytestmark = pytest.mark.service
CLIENTS = {"redis": "redis", "postgres": "psycopg"}


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Path:
    """A workspace with its history, not built yet."""
    folder = tmp_path_factory.mktemp("stores") / "shop"
    with create(folder, clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
    return folder


@pytest.fixture(scope="module", params=sorted(CLIENTS))
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    pytest.importorskip(CLIENTS[request.param])
    with servers.SERVERS[request.param]() as server:  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def folder(original: Path, tmp_path: Path, server: Any) -> Path:
    """A copy whose profiles lie on the server, under a name of its own."""
    shutil.copytree(original, tmp_path / "shop")
    with (tmp_path / "shop" / "mien.toml").open("a") as settings:
        settings.write(f'\n[stores]\nprofiles = "{server.url}"\nwait_s = 0.5\n')
    return tmp_path / "shop"


@contextmanager
def served(folder: Path, toy: World) -> Iterator[tuple[Shop, TestClient]]:
    with (
        open_shop(folder, clock=lambda: toy.at + timedelta(hours=1), served=True) as shop,
        TestClient(create_app(shop), raise_server_exceptions=False) as client,
    ):
        yield shop, client


def batch(first: int, n: int, toy: World) -> bytes:
    messages = [
        {
            "type": "track", "messageId": f"m{k}", "event": "Order Completed", "userId": f"u{k % 7}",
            "timestamp": (toy.at + timedelta(seconds=k)).isoformat(),
            "properties": {"product_id": "teapot", "price": 30.0},
        }
        for k in range(first, first + n)
    ]  # fmt: skip
    return msgspec.json.encode({"batch": messages})


def settled(shop: Shop) -> None:
    stock = shop.stock
    servers.await_true(lambda: stock.states.offset() >= stock.tail.end(), "the tail is not folded")


def test_build_live_erase_and_build_again(folder: Path, toy: World) -> None:
    with served(folder, toy) as (shop, client):
        shop.build()
        assert client.post("/v1/batch", content=batch(0, 70, toy)).status_code == 200
        settled(shop)
        assert client.get("/v1/profiles/u3").json()["events"] == 10
        assert unlike_the_log(shop) == []
        assert client.delete("/v1/profiles/u3").json()["events"] == 10
        assert client.get("/v1/profiles/u3").status_code == 404
        shop.build()
        assert unlike_the_log(shop) == []
        assert client.get("/v1/profiles/u4").json()["events"] == 10
    assert not (folder / "states" / "states.sqlite").exists()


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_server_that_is_away_loses_nothing(folder: Path, toy: World, server: Any, how: str) -> None:
    away, back = (server.kill, server.start) if how == "killed" else (server.freeze, server.thaw)
    with served(folder, toy) as (shop, client):
        shop.build()
        client.post("/v1/batch", content=batch(0, 35, toy))
        settled(shop)
        away()
        try:
            assert client.post("/v1/batch", content=batch(35, 35, toy)).status_code == 200  # the log takes it
            began = time.monotonic()
            for path in ("/v1/profiles/u1", "/v1/profiles/u2"):
                answer = client.get(path)
                assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
                assert int(answer.headers["retry-after"]) > 0
            answer = client.post("/v1/recommend", json={"user_id": "u1"})
            assert answer.status_code == 503
            assert time.monotonic() - began < 15
            assert client.get("/healthz").status_code == 200
        finally:
            back()
        settled_within = time.monotonic() + 30
        while client.get("/v1/profiles/u1").json().get("events") != 10:
            assert time.monotonic() < settled_within, "the fold does not go on"
            time.sleep(0.05)
        assert unlike_the_log(shop) == []
        assert client.post("/v1/batch", content=batch(0, 70, toy)).json()["fates"]["duplicate"] == 70


def test_a_server_that_is_away_at_the_start_and_the_end_loses_nothing(folder: Path, toy: World, server: Any) -> None:
    with open_shop(folder, clock=lambda: toy.at) as shop:
        shop.build()
    server.kill()
    with served(folder, toy) as (shop, client):
        assert client.post("/v1/batch", content=batch(0, 14, toy)).status_code == 200
        assert client.get("/v1/profiles/u1").status_code in (404, 503)
        with pytest.raises(TransientError, match="does not answer"):
            shop.build()
    server.start()
    with served(folder, toy) as (shop, client):
        settled(shop)
        assert client.get("/v1/profiles/u1").json()["events"] == 2
        assert unlike_the_log(shop) == []


@pytest.mark.parametrize("lost", ["everything", "the last hour"])
def test_a_store_that_lost_states_is_noticed_and_filled_by_a_build(
    folder: Path, toy: World, lost: str, server: Any
) -> None:
    with served(folder, toy) as (shop, client):
        shop.build()
        client.post("/v1/batch", content=batch(0, 14, toy))
        settled(shop)
        old = shop.stock.states.read_many(list(shop.stock.states.users())), shop.stock.states.offset()
        client.post("/v1/batch", content=batch(14, 14, toy))
        settled(shop)
        shop.build()
        shop.stock.states.clear()
        if lost != "everything":
            shop.stock.states.write(old[0].items(), old[1])
        client.post("/v1/batch", content=batch(28, 14, toy))
        time.sleep(0.3)
        assert not shop.stock.states_held()
        shop.build()
        client.post("/v1/batch", content=batch(42, 7, toy))
        settled(shop)
        assert unlike_the_log(shop) == []
        assert client.get("/v1/profiles/u1").json()["events"] == 7


def test_a_workspace_restored_beside_a_newer_store_is_noticed(folder: Path, toy: World, tmp_path: Path) -> None:
    """The store has seen events that the log does not have; the next ones with their offsets must not be missed."""
    with served(folder, toy) as (shop, client):
        shop.build()
    shutil.copytree(folder, tmp_path / "backup")
    with served(folder, toy) as (shop, client):
        client.post("/v1/batch", content=batch(0, 70, toy))
        settled(shop)
    shutil.rmtree(folder)
    shutil.move(tmp_path / "backup", folder)
    with served(folder, toy) as (shop, client):
        servers.await_true(lambda: not shop.stock.states_held(), "the store is believed")
        client.post("/v1/batch", content=batch(100, 140, toy))  # more than there had been
        time.sleep(0.3)
        assert not shop.stock.states_held()
        shop.build()
        client.post("/v1/batch", content=batch(240, 7, toy))
        settled(shop)
        assert unlike_the_log(shop) == []
        assert client.get("/v1/profiles/u1").json()["events"] == 21


def spaces(server: Any) -> set[str]:
    """The namespaces that hold states on a server."""
    if "redis" in server.url:
        import redis

        with redis.Redis.from_url(server.url) as client:
            return {key.decode().split("{")[1].split("}")[0] for key in client.scan_iter("mien:{*}:states:*")}
    import psycopg

    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'state'").fetchall()
        filled = [name for (name,) in found if connection.execute(f"SELECT 1 FROM {name}.state LIMIT 1").fetchone()]
        return {name.removeprefix("mien_") for name in filled}


@pytest.mark.parametrize("where", ["in place", "elsewhere"])
def test_a_backup_comes_back_beside_a_server(folder: Path, toy: World, tmp_path: Path, server: Any, where: str) -> None:
    """The backup holds no states: a build folds them anew, without who was erased since; nobody else's are touched."""
    others = spaces(server)
    with served(folder, toy) as (shop, client):
        shop.build()
        client.post("/v1/batch", content=batch(0, 70, toy))
        settled(shop)
        shop.backup(tmp_path / "whole", tmp_path / "old-keys")
        wanted = client.get("/v1/profiles/u4").json()
        client.post("/v1/batch", content=batch(100, 70, toy))
        assert client.delete("/v1/profiles/u3").status_code == 200
        settled(shop)
        shop.backup(tmp_path / "newer", tmp_path / "keys")
    (ours,) = spaces(server) - others
    place = folder if where == "in place" else tmp_path / "elsewhere"
    assert restore(tmp_path / "whole", place, tmp_path / "keys", 0)["erased"] == 1
    assert spaces(server) - others == (set() if where == "in place" else {ours})
    with served(place, toy) as (shop, client):
        assert client.get("/v1/profiles/u4").status_code == 409
        client.post("/v1/batch", content=batch(200, 140, toy))
        shop.build()
        settled(shop)
        assert unlike_the_log(shop) == []
        assert client.get("/v1/profiles/u3").status_code == 404
        assert client.get("/v1/profiles/u4").json()["events"] == wanted["events"] + 20
        assert ours not in {shop.stock.catalog.meta("namespace")}
    if where == "elsewhere":  # what is served there goes on
        with served(folder, toy) as (shop, client):
            assert shop.stock.states_held()
            assert client.get("/v1/profiles/u4").json()["events"] == wanted["events"] + 10


def test_a_server_that_is_away_keeps_no_backup_from_coming_back(
    folder: Path, toy: World, tmp_path: Path, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with open_shop(folder, clock=lambda: toy.at) as shop:
        shop.build()
        shop.backup(tmp_path / "whole", tmp_path / "keys")
    server.kill()
    try:
        restore(tmp_path / "whole", folder, None, 0)
    finally:
        server.start()
    assert "are left where they were" in caplog.text
    with open_shop(folder, clock=lambda: toy.at) as shop:
        shop.build()
        assert unlike_the_log(shop) == []


def test_two_workspaces_on_one_server(folder: Path, original: Path, toy: World, tmp_path: Path, server: Any) -> None:
    shutil.copytree(original, tmp_path / "other")
    (tmp_path / "other" / "mien.toml").write_text((folder / "mien.toml").read_text())
    with open_shop(folder, clock=lambda: toy.at) as one, open_shop(tmp_path / "other", clock=lambda: toy.at) as two:
        one.build()
        two.build()
        two.erase(toy.user_ids[0])
        assert one.profile(toy.user_ids[0]).events > 0
        assert unlike_the_log(one) == unlike_the_log(two) == []
