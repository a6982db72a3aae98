"""Search, recommendations and similar items see a change at once, over HTTP: no build between it and the answer."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mien.shop.shop import create, open_shop
from mien.testing.world import world
from mien.web.app import create_app

NEW = "a newcomer"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    toy = world()
    now = [toy.at + timedelta(hours=1)]

    def clock() -> Any:
        now[0] += timedelta(milliseconds=1)
        return now[0]

    create(tmp_path / "shop").close()
    settings = tmp_path / "shop" / "mien.toml"
    settings.write_text(f"{settings.read_text()}\n[ranking]\nbought_again = false\n")  # nothing is bought twice here
    with open_shop(tmp_path / "shop", clock=clock) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        shop.served = True
        with TestClient(create_app(shop)) as client:
            yield client


def ids(answer: dict[str, Any]) -> list[str]:
    return [result["item_id"] for result in answer["results"]]


def search(client: TestClient, text: str, user: str | None = NEW) -> dict[str, Any]:
    return client.post("/v1/search", json={"query": text, "user_id": user, "k": 50}).json()  # type: ignore[no-any-return]


def recommend(client: TestClient, **asked: Any) -> list[str]:
    return ids(client.post("/v1/recommend", json={"user_id": NEW, "k": 50, **asked}).json())


def track(client: TestClient, name: str, item: str) -> None:
    """Tell of an act, and wait until it is folded: the answer says it is durable, the profile follows."""
    before = client.get(f"/v1/profiles/{NEW}")
    events = before.json()["events"] if before.status_code == 200 else 0
    products = {"product_id": item, "products": [{"product_id": item, "price": 5}]}
    message = {"userId": NEW, "event": name, "messageId": f"{name} {item}", "properties": products}
    assert client.post("/v1/track", json=message).status_code == 200
    until = time.monotonic() + 30
    while client.get(f"/v1/profiles/{NEW}").json().get("events", 0) == events:
        assert time.monotonic() < until, "the event is never folded"


def test_a_change_is_seen_at_once(client: TestClient) -> None:
    assert search(client, "leaves")["personalised"] is False
    plain = ids(search(client, "green tea leaves", None))

    # a new interest: answers become personal, and lean towards it
    track(client, "Product Viewed", "longjing")
    mine = search(client, "tea")
    assert mine["personalised"] is True
    longjing = next(one for one in mine["results"] if one["item_id"] == "longjing")
    assert {reason["kind"] for reason in longjing["reasons"]} > {"base"}
    first = recommend(client, kind="for-you")
    assert first.index("green-tea") < first.index("espresso"), "tea stands above what coffee people want"
    assert plain == ids(search(client, "green tea leaves", None)), "nobody else's answer has changed"

    # what was bought drops out of what is for you, where nothing is bought twice
    assert "teapot" in recommend(client)
    track(client, "Order Completed", "teapot")
    assert "teapot" not in recommend(client)
    assert any(tag["value"] == "Greenleaf" for tag in client.get(f"/v1/profiles/{NEW}").json()["tags"])

    # what is sold out vanishes, from everybody's answers
    assert "green-tea" in recommend(client)
    assert "green-tea" in ids(client.get("/v1/similar/longjing", params={"k": 50}).json())
    assert "green-tea" in ids(search(client, "green tea"))
    sold_out = {"items": [{"item_id": "green-tea", "available": False}]}
    assert client.put("/v1/items", json=sold_out).status_code == 200
    for found in (
        recommend(client),
        recommend(client, user_id="dora"),
        ids(client.get("/v1/similar/longjing", params={"k": 50}).json()),
        ids(search(client, "green tea")),
        ids(search(client, "green tea", None)),
    ):
        assert found
        assert "green-tea" not in found

    # and comes back, under another name and price
    renamed = {"item_id": "green-tea", "title": "Gyokuro leaves", "price": 40, "available": True}
    assert client.put("/v1/items", json={"items": [renamed]}).status_code == 200
    assert ids(search(client, "gyokuro"))[0] == "green-tea"
    assert "green-tea" in recommend(client)
