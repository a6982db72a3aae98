"""The tracking routes, as browsers, servers and attackers meet them."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mien.collect.tracking import BATCH_BYTES
from mien.collect.wire import BATCH_MESSAGES
from mien.live import Overloaded
from mien.shop import Shop, create
from mien.web.app import create_app
from mien.web.tracking import SHORT

TRACK = {"type": "track", "event": "Product Viewed", "userId": "ann", "properties": {"product_id": "mug"}}
ONE = {"track": TRACK, "identify": {"userId": "ann", "traits": {"age": 4}}, "page": {"userId": "ann", "name": "Home"}}
ONE |= {
    "screen": ONE["page"],
    "group": {"userId": "ann", "groupId": "g"},
    "alias": {"userId": "ann", "previousId": "a"},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with create(tmp_path_factory.mktemp("tracking") / "shop") as shop:
        yield shop


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        yield client


def batch(*messages: Any, **more: Any) -> bytes:
    return msgspec.json.encode({"batch": messages, **more})


def test_every_route_long_and_short_takes_its_kind(client: TestClient) -> None:
    for path in (*ONE, *(short for short, name in SHORT.items() if name in ONE)):
        answer = client.post(f"/v1/{path}", json=ONE[SHORT.get(path, path)])
        assert (answer.status_code, answer.json()["success"]) == (200, True), path
    for path in ("batch", "import", "b"):
        answer = client.post(f"/v1/{path}", content=batch(TRACK | {"messageId": f"by {path}"}))
        assert answer.status_code == 200
        assert answer.json()["fates"]["events"] == 1


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json", "image/png", ""]
)
def test_json_under_any_content_type(client: TestClient, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    assert client.post("/v1/t", content=msgspec.json.encode(TRACK), headers=headers).status_code == 200


def test_gzip_is_unpacked_and_a_bomb_is_not(client: TestClient) -> None:
    packed = gzip.compress(batch(TRACK | {"messageId": "gz"}))
    headers = {"content-encoding": "gzip"}
    assert client.post("/v1/batch", content=packed, headers=headers).json()["fates"] == {"new": 1, "events": 1}
    assert client.post("/v1/batch", content=packed).json()["fates"]["duplicate"] == 1
    bomb = gzip.compress(b"[" * 400_000_000, compresslevel=1)[:BATCH_BYTES]
    assert client.post("/v1/batch", content=bomb, headers=headers).status_code == 413
    for broken in (packed[:-9], b"not gzip", zlib.compress(b"{}")):
        answer = client.post("/v1/batch", content=broken, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "usage")


def test_browsers_may_post_from_any_page(client: TestClient) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = client.options("/v1/b", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    for body in (msgspec.json.encode(TRACK), b"{"):
        assert client.post("/v1/t", content=body).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in client.post("/v1/search", json={"query": "x"}).headers


def test_a_bad_message_never_takes_its_batch(client: TestClient, shop: Shop) -> None:
    bad: list[Any] = [1, None, [], "x", {}, {"type": "track"}, {**TRACK, "properties": 7}, {**TRACK, "userId": "null"}]
    good = [TRACK | {"messageId": f"good {k}"} for k in range(3)]
    answer = client.post("/v1/batch", content=batch(good[0], *bad, *good[1:]))
    assert answer.status_code == 200
    assert answer.json()["fates"]["new"] == 3
    assert sum(shop.dead_letters(0)["reasons"].values()) >= len(bad)
    alone = client.post("/v1/track", json={**TRACK, "userId": "null"})
    assert (alone.status_code, alone.json()["code"]) == (400, "refused_id")


HOSTILE = [
    b"", b"{", b"[]", b"null", b"3", b'"x"', b'{"batch":{}}', b'{"batch":[', b"\xff\xfe\x00", b"\x00" * 100,
    b'{"batch":[{"userId":"\\ud800"}]}', b'{"batch":[' + b"[" * 200_000, b'{"a":' * 90_000, b"x" * (BATCH_BYTES + 1),
    b'{"batch":[{"userId":' + b"9" * 30_000 + b"}]}", b'{"batch":[{"userId":"a\\u0000b","type":"page"}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:20]))
def test_hostile_bodies_are_answered_in_words(client: TestClient, body: bytes) -> None:
    for path in ("batch", "track", "identify"):
        answer = client.post(f"/v1/{path}", content=body)
        assert answer.status_code in (200, 400, 413)
        if answer.status_code != 200:
            assert set(answer.json()) == {"code", "message"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("type", "messageId", "userId", "anonymousId", "event", "properties", "traits", "context", "timestamp")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON, max_size=4))
def test_no_message_is_an_error_of_the_server(client: TestClient, messages: list[Any]) -> None:
    assert client.post("/v1/batch", content=batch(*messages)).status_code == 200


def test_overload_says_when_to_come_back(shop: Shop) -> None:
    with TestClient(create_app(shop)) as client:

        def refuse(*_: Any, **__: Any) -> None:
            raise Overloaded(retry_s=3)

        client.app.state.live.submit = refuse  # type: ignore[attr-defined]
        answer = client.post("/v1/batch", content=batch(TRACK))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.json()["code"] == "overloaded"


def test_a_batch_of_more_messages_than_real_ones_fit_is_not_read(client: TestClient) -> None:
    """Reading each takes time in which nobody else is answered."""
    for n, status in ((BATCH_MESSAGES, 200), (BATCH_MESSAGES + 1, 400)):
        answer = client.post("/v1/batch", content=b'{"batch": [' + b",".join([b"0"] * n) + b"]}")
        assert answer.status_code == status
    assert "smaller" in answer.json()["message"]
