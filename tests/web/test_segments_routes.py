"""Segments over HTTP."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from mien.shop import create
from mien.testing.world import world
from mien.web.app import create_app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    toy = world()
    with create(tmp_path_factory.mktemp("segments") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        with TestClient(create_app(shop), raise_server_exceptions=False) as client:
            yield client


def test_from_a_rule_to_its_members(client: TestClient) -> None:
    rule = "category = Drinks/Tea [lift >= 1.5]"
    tried = client.post("/v1/segments", json={"rule": rule}).json()
    assert (tried["size"], tried["of"], tried["left_out"]) == (3, 7, 0)
    saved = client.put("/v1/segments/tea people", json={"rule": tried["rule"], "note": "first"})
    assert (saved.status_code, saved.json()["version"], saved.json()["size"]) == (200, 1, 3)
    assert [one["name"] for one in client.get("/v1/segments").json()["segments"]] == ["tea people"]
    members = client.get("/v1/segments/tea people/members", params={"limit": 2}).json()
    assert (members["total"], len(members["members"])) == (3, 2)
    lines = client.get("/v1/segments/tea people/export").text.splitlines()
    assert lines[0].startswith("user_id,")
    assert len(lines) == 4
    assert client.get("/v1/segments/tea people/export", params={"form": "parquet"}).content[:4] == b"PAR1"
    client.put("/v1/segments/buyers", json={"rule": "orders > 0"})
    overlap = client.post("/v1/segments/overlap", json={"names": ["tea people", "buyers"]}).json()
    assert overlap["sizes"] == {"tea people": 3, "buyers": 6}
    assert client.get("/v1/segments/buyers/versus", params={"limit": 3}).json()["rows"]
    assert client.get("/v1/segments/buyers/rfm").json()["without"] == 0
    assert client.get("/v1/segments/everyone/retention").json()["cohorts"]
    assert client.get("/v1/segments/tea people/lookalike", params={"size": 1}).json()["users"]
    assert client.get("/v1/profiles/dora").json()["segments"] == ["buyers", "tea people"]
    assert client.delete("/v1/segments/buyers").json() == {"deleted": "buyers"}
    assert client.get("/v1/segments/buyers").status_code == 404
    assert [one["version"] for one in client.get("/v1/segments/buyers/history").json()["versions"]] == [1]
    names = {one["name"] for one in client.get("/v1/segments/fields").json()["fields"]}
    assert {"tag.category", "count.purchase.30d", "rfm.r", "lifecycle", "spend"} <= names


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/segments", {}, 400),
        ("POST", "/v1/segments", {"rule": 5}, 400),
        ("POST", "/v1/segments", {"rule": "spend >"}, 400),
        ("POST", "/v1/segments", {"rule": {"all": "x"}}, 400),
        ("POST", "/v1/segments", {"rule": "categry = Drinks"}, 404),
        ("PUT", "/v1/segments/everyone", {"rule": "orders > 0"}, 400),
        ("PUT", "/v1/segments/%00", {"rule": "orders > 0"}, 400),
        ("POST", "/v1/segments/overlap", {"names": ["one"]}, 400),
        ("POST", "/v1/segments/overlap", {"names": ["one", "two"]}, 404),
        ("GET", "/v1/segments/none/members", None, 404),
        ("GET", "/v1/segments/everyone/versus?facet=nothing", None, 404),
        ("GET", "/v1/segments/everyone/retention?by=day", None, 400),
        ("GET", "/v1/segments/everyone/lookalike?size=0", None, 400),
    ],
)
def test_bad_questions_are_told_so(client: TestClient, method: str, path: str, body: object, status: int) -> None:
    answer = client.request(method, path, json=body)
    assert (answer.status_code, set(answer.json())) == (status, {"code", "message"})
