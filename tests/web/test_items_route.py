"""Items over HTTP: put, and seen by the next question."""

import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.shop import Shop, create
from mien.testing.world import World, world
from mien.web.app import create_app


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Shop:
    shop = create(tmp_path / "shop", clock=lambda: toy.at)
    shop.ingest(events=toy.event_table, items=toy.items)
    shop.build()
    return shop


def found(client: TestClient, text: str) -> list[str]:
    return [one["item_id"] for one in client.post("/v1/search", json={"query": text, "k": 50}).json()["results"]]


def test_items_are_put_and_withdrawn(shop: Shop) -> None:
    with shop, TestClient(create_app(shop)) as client:
        moka = {"item_id": "moka", "title": "Moka pot", "brand": "Altura", "price": 35}
        answer = client.put("/v1/items", json={"items": [moka, {"item_id": "teapot", "available": False}]})
        assert (answer.status_code, answer.json()) == (200, {"items": 2, "change": 2})
        assert found(client, "pot")[:1] == ["moka"]
        assert "teapot" not in found(client, "teapot")
        client.put("/v1/items", json={"items": [{"item_id": "moka", "withdrawn": True}]})
        assert "moka" not in found(client, "pot")


@pytest.mark.parametrize(
    "body", [{}, {"items": 1}, {"items": [1]}, {"items": [{}]}, {"items": [], "more": 1}, {"items": [{"item_id": "x"}]}]
)
def test_bad_items_are_told_so(shop: Shop, body: object) -> None:
    with shop, TestClient(create_app(shop), raise_server_exceptions=False) as client:
        answer = client.put("/v1/items", json=body)
        assert answer.status_code == 400
        assert set(answer.json()) == {"code", "message"}


def test_many_at_once_are_all_kept_while_others_search(shop: Shop) -> None:
    with shop, TestClient(create_app(shop)) as client:
        wrong: list[object] = []

        def put(number: int) -> None:
            for k in range(5):
                item = {"item_id": f"new-{number}-{k}", "title": f"Novelty {number} {k}", "brand": f"Brand {number}"}
                if client.put("/v1/items", json={"items": [item]}).status_code != 200:
                    wrong.append(item)

        def ask() -> None:
            for _ in range(40):
                answer = client.post("/v1/search", json={"query": "novelty coffee", "user_id": "ann", "k": 50})
                if answer.status_code != 200:
                    wrong.append(answer.text)

        threads = [threading.Thread(target=put, args=(n,)) for n in range(3)] + [threading.Thread(target=ask)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len([one for one in found(client, "novelty") if one.startswith("new-")]) == 15
