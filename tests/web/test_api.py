"""The HTTP API, as a client meets it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from mien.core.query import Answer
from mien.shop import Shop, create
from mien.testing.world import World
from mien.web import query
from mien.web.app import create_app
from mien.web.query import AT_ONCE


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"


def test_a_profile(client: TestClient, shop: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    answer = client.get(f"/v1/profiles/{user}")
    assert answer.status_code == 200
    assert answer.json() == shop.profile(user).to_dict()
    first = min(event.at for event in toy.events if event.user_id == user)
    early = client.get(f"/v1/profiles/{user}", params={"as_of": first.isoformat()}).json()
    assert early["events"] == 1


def test_an_unknown_user_is_404_with_a_sentence(client: TestClient) -> None:
    answer = client.get("/v1/profiles/nobody")
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown_name"
    assert "nobody" in answer.json()["message"]


def test_search_recommend_similar_and_explain_sum_up(client: TestClient, toy: World) -> None:
    user = toy.user_ids[0]
    answers = [
        client.post("/v1/search", json={"query": "coffee", "user_id": user}),
        client.post("/v1/recommend", json={"user_id": user, "k": 3}),
        client.get(f"/v1/similar/{toy.item_ids[0]}", params={"k": 3}),
        client.post("/v1/explain", json={"user_id": user, "item_id": toy.item_ids[0]}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        document = answer.json()
        assert {"impression_id", "personalised", "took_ms", "total", "results"} <= document.keys()
        assert document["results"]
        for result in document["results"]:
            assert sum(reason["contribution"] for reason in result["reasons"]) == pytest.approx(
                result["score"], abs=1e-6
            )
            assert any(reason["kind"] == "base" for reason in result["reasons"])


def test_without_personalisation_is_what_anybody_gets(client: TestClient, toy: World) -> None:
    ask = {"query": "tea"}
    anybody = client.post("/v1/search", json=ask).json()
    off = client.post("/v1/search", json={**ask, "user_id": toy.user_ids[0], "personalise": False}).json()
    assert off["results"] == anybody["results"]
    assert off["personalised"] is False


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/search", {}),
        ("/v1/search", {"query": "tea", "k": 0}),
        ("/v1/search", {"query": "tea", "k": -1}),
        ("/v1/search", {"query": "tea", "k": 1_000_000}),
        ("/v1/search", {"query": "tea", "offset": -1}),
        ("/v1/search", {"query": "tea", "sort": "cheapest"}),
        ("/v1/search", {"query": "tea", "filters": {"price": ["cheap"]}}),
        ("/v1/search", {"query": "tea" * 10_000}),
        ("/v1/search", {"query": "tea", "nonsense": 1}),
        ("/v1/search", {"query": 7}),
        ("/v1/search", {"query": "tea", "filters": {"no such facet": ["x"]}}),
        ("/v1/recommend", {"k": "many"}),
        ("/v1/explain", {"user_id": "ann", "item_id": "no such item"}),
    ],
)
def test_bad_questions_are_answered_with_code_and_message(client: TestClient, path: str, body: object) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code in (400, 404)
    assert set(answer.json()) == {"code", "message"}


def test_search_is_sorted_paged_filtered_and_understood(client: TestClient, shop: Shop) -> None:
    ask = {"query": "coffee under 100", "k": 2}
    first, second = (client.post("/v1/search", json={**ask, "offset": offset}).json() for offset in (0, 2))
    assert first["understood"][0] == {"facet": "price", "value": "..100", "text": "under 100"}
    assert second["offset"] == 2
    ranks = [result["rank"] for page in (first, second) for result in page["results"]]
    assert ranks == [1, 2, 3, 4]
    words = client.post("/v1/search", json={**ask, "literal": ["under 100"]}).json()
    assert {one["facet"] for one in words["understood"]} == {"category"}
    plain = client.post("/v1/search", json={**ask, "understand": False}).json()
    assert "understood" not in plain
    cheap = client.post("/v1/search", json={"query": "coffee", "sort": "price_up", "filters": {"brand!": ["Altura"]}})
    assert cheap.json()["sort"] == "price_up"
    assert cheap.json()["results"][0]["item_id"] == "filters"
    assert cheap.json() == shop.search("coffee", sort="price_up", filters={"brand!": ("Altura",)}).to_dict() | {
        "took_ms": cheap.json()["took_ms"]
    }


def test_completion(client: TestClient) -> None:
    found = client.get("/v1/complete", params={"q": "龙", "k": 3}).json()
    assert found == {"completions": [{"text": "龙井茶叶 明前", "kind": "title"}]}
    assert client.get("/v1/complete", params={"q": "\x00!*"}).json() == {"completions": []}
    assert client.get("/v1/complete", params={"q": "茶" * 500}).json() == {"completions": []}
    assert client.get("/v1/complete").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "t", "茶", "tea " * 2_500, "x" * 10_000, "!?…，。", "🍵", "شاي", "\u202etea", "\x07\x1b[31m",
        "title:*", "((", "tea under 999999999",
    ],
)  # fmt: skip
def test_whatever_is_typed_is_answered(client: TestClient, text: str) -> None:
    answer = client.post("/v1/search", json={"query": text})
    assert answer.status_code == 200
    assert answer.json()["results"]


@pytest.mark.parametrize("text", ["' OR 1=1 --", "\x00", "AND OR NOT (", "../../etc/passwd", "面" * 999, "*:*", '"'])
def test_hostile_texts_are_only_texts(client: TestClient, text: str) -> None:
    assert client.post("/v1/search", json={"query": text}).status_code == 200
    assert client.post("/v1/recommend", json={"user_id": text}).status_code == 200


def test_paths_nobody_knows_and_broken_json(client: TestClient) -> None:
    assert client.get("/v1/nothing").json().keys() == {"code", "message"}
    broken = client.post("/v1/search", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    assert broken.json()["code"] == "usage"


def test_a_shop_without_a_build_is_not_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    with create(tmp_path_factory.mktemp("bare") / "shop") as bare, TestClient(create_app(bare)) as client:
        assert client.get("/readyz").status_code == 503
        assert client.post("/v1/recommend", json={}).status_code == 409


def test_erasing_over_http(toy: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    with create(tmp_path_factory.mktemp("erase") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        with TestClient(create_app(shop)) as client:
            user = toy.user_ids[1]
            exported = client.get(f"/v1/profiles/{user}/export").json()
            assert len(exported["events"]) == client.delete(f"/v1/profiles/{user}").json()["events"]
            assert client.get(f"/v1/profiles/{user}").status_code == 404


def test_erasing_while_others_ask(toy: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    with create(tmp_path_factory.mktemp("busy") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        gone, asked = toy.user_ids[0], toy.user_ids[1]
        with TestClient(create_app(shop), raise_server_exceptions=False) as client, ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(client.get, f"/v1/profiles/{asked}") for _ in range(40)]
            erased = pool.submit(client.delete, f"/v1/profiles/{gone}")
            assert erased.result().status_code == 200
            assert {one.result().status_code for one in asking} == {200}
            assert client.get(f"/v1/profiles/{gone}").status_code == 404


def test_questions_are_answered_by_turns(client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many ask at once; no more than `AT_ONCE` compute, and everybody is answered."""
    inside, most, gate = [0], [0], threading.Lock()
    recommend = shop.recommend

    def counted(*args: Any, **kwargs: Any) -> Answer:
        with gate:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        answer = recommend(*args, **kwargs)
        with gate:
            inside[0] -= 1
        return answer

    monkeypatch.setattr(shop, "recommend", counted)
    with ThreadPoolExecutor(8) as many:
        codes = list(many.map(lambda _: client.post("/v1/recommend", json={"k": 3}).status_code, range(16)))
    assert codes == [200] * 16
    assert most[0] == AT_ONCE


def test_a_stuck_question_holds_up_nobody_for_ever(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that hangs keeps the turn; the others wait a moment and are answered beside it, and turns go on after."""
    stuck, recommend = threading.Event(), shop.recommend

    def slow(user: str | None, **asked: Any) -> Answer:
        if user == "stuck":
            assert stuck.wait(30)
        return recommend(user, **asked)

    monkeypatch.setattr(shop, "recommend", slow)
    monkeypatch.setattr(query, "PATIENCE_S", 0.05)
    with ThreadPoolExecutor(2) as many:
        waiting = many.submit(client.post, "/v1/recommend", json={"user_id": "stuck"})
        time.sleep(0.2)
        for _ in range(3):
            assert client.post("/v1/recommend", json={"k": 1}).status_code == 200
        assert not waiting.done()
        stuck.set()
        assert waiting.result().status_code == 200
    assert client.post("/v1/recommend", json={"k": 1}).status_code == 200
