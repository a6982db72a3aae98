"""The server's log: one JSON object a line, one line a request, and nothing in it that names a person.

A line has the route as the table of access spells it, never the path, the query or the body: those hold ids and texts.
"""

import logging
import re
import secrets
import sys
import time
from contextvars import ContextVar
from typing import Final, Literal, TextIO

import msgspec

Style = Literal["auto", "json", "text"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request being answered, for whatever is logged meanwhile."""
ID_HEADER: Final = b"x-request-id"
FIELDS: Final = ("route", "status", "ms", "key_id")

_FIT = re.compile(rb"[A-Za-z0-9._-]{1,100}")

requests = logging.getLogger("mien.requests")


def request_id(said: bytes | None) -> str:
    """The id of a request: what the caller says, where it can be written to a log as it is, else a new one."""
    return said.decode() if said is not None and _FIT.fullmatch(said) else secrets.token_hex(8)


def answered(entry: str | None, status: int, seconds: float, key_id: str | None) -> None:
    """Note a request. Cost: some 10 µs where it is written, else none."""
    if requests.isEnabledFor(logging.INFO):
        facts = {"route": entry or "unknown", "status": status, "ms": round(seconds * 1e3, 1), "key_id": key_id}
        requests.info("request", extra=facts)


class JsonLines(logging.Formatter):
    """A record as one line of JSON: `at`, `level`, `logger`, `message`, `request_id`, and what it says beside."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if said := REQUEST_ID.get():
            line["request_id"] = said
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode("utf-8", "replace")


def configure(style: Style) -> None:
    """Have the server write its log to standard error. `auto`: text on a terminal, JSON lines elsewhere.

    As text there are warnings alone; as JSON each request has its line, too.
    """
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [*(one for one in root.handlers if not isinstance(one, _Lines)), handler]
    requests.setLevel(logging.INFO if as_json else logging.WARNING)


class _Lines(logging.StreamHandler[TextIO]):
    """The server's own handler, told apart from those of whoever runs it inside another program."""
