"""Spans of OpenTelemetry, a request each, where whoever runs the server has set up where they go.

Made by hand, since what frameworks make holds paths and queries, and those hold ids and texts of people. A span has the
route as the table of access spells it, the status and the request's id, and nothing else.
"""

from typing import Any, Final

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

FRAMEWORK_OFF: Final[Any] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own spans and records, which would hold paths, queries and what a stranger sent."""


def wanted() -> bool:
    """Whether a provider was set up; without one no request pays for spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


class Traces:
    """Makes a span of each request, a part of the caller's trace where it says one (`traceparent`). Pure ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.tracer = app, trace.get_tracer("mien")

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] != "http":
            await self.app(connection, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in connection["headers"]}
        state = connection.setdefault("state", {})
        with self.tracer.start_as_current_span(
            connection["method"], context=propagate.extract(headers), kind=SpanKind.SERVER
        ) as span:
            await self.app(connection, receive, send)
            entry, status = state.get("entry"), state.get("status", 0)
            span.update_name(entry or "unknown")
            span.set_attributes(
                {
                    "http.request.method": connection["method"],
                    "http.route": (entry or "unknown").partition(" ")[2] or "unknown",
                    "http.response.status_code": status,
                    "mien.request_id": state.get("request_id", ""),
                }
            )
            if status >= 500:
                span.set_status(StatusCode.ERROR)
