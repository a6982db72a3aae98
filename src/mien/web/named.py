"""Ids in addresses. A slash inside one is sent as `%2F`; it belongs to the id and parts no path."""

import re
from typing import Annotated, Final
from urllib.parse import quote, unquote

from pydantic import BeforeValidator
from starlette.types import Scope as Connection

_SLASH: Final = "\ufdd0"
"""Stands for the slash until the route is found: a code point that Unicode gives to no character."""
_SENT = re.compile("%2f", re.IGNORECASE)

Named = Annotated[str, BeforeValidator(lambda sent: sent.replace(_SLASH, "/"))]
"""An id or name, as a route takes it out of its path."""


def path_of(connection: Connection) -> str:
    """The path to find a route by. The server has decoded every `%2F` already; here those stay apart from slashes."""
    path: str = connection["path"]
    raw = connection.get("raw_path", b"").decode("ascii", "replace")
    return unquote(_SENT.sub(quote(_SLASH), raw)) if path.startswith("/v1/") and _SENT.search(raw) else path
