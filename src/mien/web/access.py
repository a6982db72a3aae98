"""Which scope each route needs: one table. What is not in it is shut to all but admin keys: forgotten is closed."""

import re
from collections.abc import Mapping
from typing import Literal

from mien.collect.tracking import KINDS
from mien.core.caller import Scope
from mien.web.tracking import MANY, SHORT

Needs = Scope | Literal["open", "own"]
"""A scope; `open`: no key is needed; `own`: pages that ask whoever opens them themselves."""

TRACKING = (*KINDS, *MANY, *SHORT)
ACCESS: dict[str, Needs] = {
    **{f"POST /v1/{name}": "write" for name in TRACKING},
    **{f"OPTIONS /v1/{name}": "open" for name in TRACKING},
    "GET /v1/profiles/{user_id}": "read",
    "GET /v1/profiles/{user_id}/export": "admin",
    "GET /v1/profiles/{user_id}/consent": "read",
    "PUT /v1/profiles/{user_id}/consent": "admin",
    "DELETE /v1/profiles/{user_id}": "admin",
    "POST /v1/search": "read",
    "GET /v1/complete": "read",
    "POST /v1/recommend": "read",
    "GET /v1/similar/{item_id}": "read",
    "POST /v1/explain": "read",
    "PUT /v1/items": "admin",
    "GET /v1/overview": "read",
    "GET /v1/tags": "read",
    "GET /v1/audit": "admin",
    "GET /v1/quality/searches": "read",
    "GET /v1/profiles/{user_id}/changes": "read",
    **{f"GET /v1/segments{rest}": "read" for rest in ("", "/fields", "/{name}", "/{name}/history", "/{name}/versus")},
    **{f"GET /v1/segments/{{name}}/{part}": "read" for part in ("members", "rfm", "retention", "lookalike")},
    **{f"POST /v1/segments{rest}": "read" for rest in ("", "/overlap")},
    "PUT /v1/segments/{name}": "admin",
    "DELETE /v1/segments/{name}": "admin",
    "GET /v1/segments/{name}/export": "admin",
    "GET /v1/deadletters": "admin",
    "PUT /v1/deadletters/{letter_id}": "admin",
    "POST /v1/deadletters/replay": "admin",
    "GET /healthz": "open",
    "GET /readyz": "open",
    "GET /metrics": "metrics",
    "GET /docs": "open",
    "GET /docs/oauth2-redirect": "open",
    "GET /redoc": "open",
    "GET /openapi.json": "open",
}
"""Method and path, as the router has them → what is needed. `{name:path}` stands for any rest of a path."""


class Table:
    """Finds the entry of a request: by its very path where that stands in the table, else by the patterns."""

    def __init__(self, access: Mapping[str, Needs]) -> None:
        self.access = access
        self._patterns = [(re.compile(_pattern(entry)), entry) for entry in access if "{" in entry]

    def entry(self, method: str, path: str) -> str | None:
        """The entry of a request, as `ACCESS` spells it; None where there is none. HEAD is as GET."""
        asked = f"{'GET' if method == 'HEAD' else method} {path}"
        if asked in self.access:
            return asked
        return next((entry for pattern, entry in self._patterns if pattern.fullmatch(asked)), None)


def _pattern(entry: str) -> str:
    parts = re.split(r"(\{\w+(?::path)?\})", entry)
    return "".join(
        re.escape(part) if not part.startswith("{") else "(?s:.*)" if part.endswith(":path}") else "[^/]+"
        for part in parts
    )
