"""The overview over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.shop import Shop, create
from mien.testing.world import world
from mien.web.app import create_app


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    toy = world()
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


def test_the_overview_is_that_of_the_shop(shop: Shop) -> None:
    with TestClient(create_app(shop)) as client:
        answer = client.get("/v1/overview", params={"days": 7})
        told = shop.overview(7).to_dict()
        assert answer.status_code == 200
        assert answer.json()["pulse"]["counts"] == {action: list(n) for action, n in told["pulse"]["counts"].items()}
        assert answer.json()["users"] == told["users"]
        assert client.get("/v1/overview", params={"days": 0}).status_code == 400


def test_tags_are_those_of_the_shop(shop: Shop) -> None:
    with TestClient(create_app(shop)) as client:
        answer = client.get("/v1/tags")
        assert answer.status_code == 200
        assert [one["facet"] for one in answer.json()["facets"]] == [one.census.facet for one in shop.tags().facets]


def test_before_the_first_build(tmp_path: Path) -> None:
    with create(tmp_path / "empty") as shop, TestClient(create_app(shop)) as client:
        answer = client.get("/v1/overview")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
