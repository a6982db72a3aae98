"""A span a request, a part of the caller's trace, and nothing in it that names a person."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from mien.shop import create
from mien.web import traces
from mien.web.app import create_app

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_is_a_span_without_ids_or_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with create(tmp_path / "shop") as shop:
        monkeypatch.setattr(shop, "complete", lambda *_: 1 / 0)
        with TestClient(create_app(shop), raise_server_exceptions=False) as client:
            headers = {"traceparent": PARENT, "x-request-id": "one"}
            client.get("/v1/profiles/ann-the-secret?as_of=secret", headers=headers)
            client.post("/v1/track", json={"type": "page", "userId": "ann-the-secret", "name": "a secret page"})
            client.get("/v1/complete?q=secret")
    profile, track, broken = spans.get_finished_spans()
    assert profile.name == "GET /v1/profiles/{user_id}"
    assert dict(profile.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/v1/profiles/{user_id}",
        "http.response.status_code": 400,
        "mien.request_id": "one",
    }
    assert profile.parent is not None
    assert f"{profile.parent.trace_id:032x}" == PARENT.split("-")[1]
    assert track.parent is None
    assert broken.status.status_code == trace.StatusCode.ERROR
    assert not [span for span in spans.get_finished_spans() if "secret" in span.to_json()]


def test_without_a_provider_no_request_pays(tmp_path: Path) -> None:
    assert not traces.wanted()
    with create(tmp_path / "shop") as shop:
        kinds = [one.cls for one in create_app(shop).user_middleware]
    assert traces.Traces not in kinds
