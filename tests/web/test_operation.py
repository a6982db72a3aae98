"""What operators see: metrics, one line of log a request, and whether the server should be sent anything."""

import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mien.core.errors import TransientError
from mien.shop import Shop, create
from mien.testing.world import World
from mien.web import health, logs
from mien.web.access import ACCESS
from mien.web.app import create_app
from mien.web.metrics import sizes_of

VIEW = {"type": "track", "event": "Product Viewed", "userId": "ann", "properties": {"product_id": "teapot"}}


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Iterator[Shop]:
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        yield client


def scraped(client: TestClient) -> dict[str, float]:
    """Series → value, as Prometheus reads them."""
    page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    lines = [line.rpartition(" ") for line in page.text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


# -- metrics ------------------------------------------------------------------------------------------------------


def test_messages_are_counted_by_what_became_of_them(client: TestClient) -> None:
    batch = [VIEW | {"messageId": "a"}, VIEW | {"messageId": "b"}, VIEW | {"messageId": "a"}, 7]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200
    found = scraped(client)
    assert found['mien_messages_total{fate="new"}'] == 2
    assert found['mien_messages_total{fate="duplicate"}'] == 1
    assert found['mien_messages_total{fate="bad_message"}'] == 1
    assert found["mien_events_total"] == 2


def test_requests_are_counted_by_route_never_by_path(client: TestClient, toy: World) -> None:
    for path in (*(f"/v1/profiles/{user}" for user in toy.user_ids[:3]), "/v1/profiles/nobody", "/secret-path"):
        client.get(path)
    found = scraped(client)
    name = "mien_http_requests_seconds_count"
    assert found[f'{name}{{route="GET /v1/profiles/{{user_id}}",status="200"}}'] == 3
    assert found[f'{name}{{route="GET /v1/profiles/{{user_id}}",status="404"}}'] == 1
    assert found[f'{name}{{route="unknown",status="404"}}'] == 1
    routes = set(re.findall(r'route="([^"]+)"', client.get("/metrics").text))
    assert routes <= {*ACCESS, "unknown"}


def test_what_is_stored_and_how_far_folding_is(client: TestClient, shop: Shop, toy: World) -> None:
    found = scraped(client)
    assert found["mien_users"] == len(shop.stock.catalog.users)
    assert found["mien_items"] == len(shop.stock.catalog.items)
    build = shop.workspace.build()
    assert build is not None
    assert found["mien_build_timestamp_seconds"] == build.as_of.timestamp()
    assert found['mien_store_bytes{part="catalog.sqlite"}'] >= shop.workspace.catalog.stat().st_size
    assert found["mien_unfolded_events"] == found["mien_fold_lag_seconds"] == 0


def test_folding_that_is_behind_is_seen(client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    live = client.app.state.live  # type: ignore[attr-defined]
    with shop.workspace.folding():  # another process holds the gate
        client.post("/v1/batch", json={"batch": [VIEW, VIEW | {"userId": "bob"}]})
        found = scraped(client)
        assert found["mien_unfolded_events"] == 2
        assert found["mien_fold_lag_seconds"] > 0
        monkeypatch.setattr(health, "STUCK_S", 0.0)
        stuck = client.get("/readyz")
        assert (stuck.status_code, stuck.json()["code"]) == (503, "not_ready")
        assert "behind" in stuck.json()["message"]
    until = time.monotonic() + 30
    while live.behind_s():
        assert time.monotonic() < until, "it does not catch up"
        time.sleep(0.01)
    assert scraped(client)["mien_unfolded_events"] == 0


def test_while_the_store_is_away_the_rest_is_told(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> int:
        raise TransientError("redis://db does not answer")

    monkeypatch.setattr(shop.stock.states, "offset", away)
    client.post("/v1/batch", json={"batch": [VIEW]})
    found = scraped(client)
    assert "mien_unfolded_events" not in found
    assert (found["mien_events_total"], found["mien_users"]) == (1, len(shop.stock.catalog.users))
    assert found["mien_fold_lag_seconds"] > 0


def test_sizes_count_files_of_a_folder_together(tmp_path: Path) -> None:
    (tmp_path / "log" / "deep").mkdir(parents=True)
    for name, size in (("a.sqlite", 5), ("a.sqlite-wal", 7), ("log/x", 1), ("log/deep/y", 2), (".lock", 9)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert sizes_of(tmp_path) == {"a.sqlite": 12, "log": 3}


# -- log ------------------------------------------------------------------------------------------------------------


def test_a_line_a_request_that_names_no_person(
    client: TestClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    key, made = shop.keys.add("analyst", "admin", 1)
    headers = {"authorization": f"Bearer {key}", "x-request-id": "trace-7"}
    with caplog.at_level(logging.INFO, logger="mien.requests"):
        answer = client.get("/v1/profiles/ann-the-secret", headers=headers)
        client.post("/v1/search", json={"query": "a secret wish"}, headers=headers)
        client.get("/v1/profiles/ann-the-secret")
    assert answer.headers["x-request-id"] == "trace-7"
    lines = [json.loads(logs.JsonLines().format(record)) for record in caplog.records if record.name == "mien.requests"]
    assert [(one["route"], one["status"], one["key_id"]) for one in lines] == [
        ("GET /v1/profiles/{user_id}", 404, made.key_id),
        ("POST /v1/search", 200, made.key_id),
        ("GET /v1/profiles/{user_id}", 401, None),
    ]
    assert all(one["ms"] >= 0 and one["level"] == "info" for one in lines)
    assert "secret" not in json.dumps(lines)
    assert key not in json.dumps(lines)


def test_the_key_of_a_body_has_its_id_in_the_log(
    client: TestClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    key, made = shop.keys.add("pages", "write", 1)
    with caplog.at_level(logging.INFO, logger="mien.requests"):
        assert client.post("/v1/track", json=VIEW | {"writeKey": key}).status_code == 200
    assert caplog.records[-1].__dict__["key_id"] == made.key_id


@pytest.mark.parametrize("said", ["", "two words", "a\tb", "x" * 101, "é", "<script>", '"}'])
def test_an_id_that_does_not_fit_a_log_is_replaced(client: TestClient, said: str) -> None:
    answer = client.get("/healthz", headers={"x-request-id": said.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_errors_have_the_id_of_their_request(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shop, "complete", lambda *_: 1 / 0)
    formatter, lines = logs.JsonLines(), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(json.loads(formatter.format(record)))  # type: ignore[method-assign]
    logging.getLogger("mien.web").addHandler(handler)
    try:
        answer = client.get("/v1/complete?q=x", headers={"x-request-id": "broken-1"})
    finally:
        logging.getLogger("mien.web").removeHandler(handler)
    assert answer.status_code == 500
    assert "broken-1" in answer.json()["message"]
    (line,) = lines
    assert (line["level"], line["request_id"]) == ("error", "broken-1")
    assert "ZeroDivisionError" in line["trace"]


def test_on_a_terminal_there_are_warnings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root, before = logging.getLogger(), [*logging.getLogger().handlers]
    others = [one for one in before if type(one).__module__ != logs.__name__]  # a server may have run here before
    try:
        for style, terminal, level in (("auto", True, logging.WARNING), ("auto", False, logging.INFO),
                                       ("json", True, logging.INFO), ("text", False, logging.WARNING)):  # fmt: skip
            monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
            logs.configure(style)  # type: ignore[arg-type]
            assert logging.getLogger("mien.requests").level == level
            assert root.handlers[:-1] == others
            assert type(root.handlers[-1]).__module__ == logs.__name__
    finally:
        root.handlers = before
        logging.getLogger("mien.requests").setLevel(logging.NOTSET)


# -- readiness --------------------------------------------------------------------------------------------------------


def test_a_disk_that_cannot_be_written_to_is_not_ready(
    client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").status_code == 200
    assert not [path for path in shop.workspace.folder.iterdir() if path.name.startswith(health.PROBE)]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(health, "PROBE_S", 0.0)
    monkeypatch.setattr(health.os, "fsync", full)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "No space left" in answer.json()["message"]
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    monkeypatch.setattr(health, "LEAST_BYTES", 1 << 60)
    assert "free space" in client.get("/readyz").json()["message"]
    assert client.get("/healthz").status_code == 200  # the process itself is well


def test_before_a_build_it_is_not_ready(tmp_path: Path) -> None:
    with create(tmp_path / "bare") as bare, TestClient(create_app(bare)) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "mien build" in answer.json()["message"]
        assert scraped(client)["mien_build_timestamp_seconds"] == 0
