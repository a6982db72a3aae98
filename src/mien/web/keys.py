"""Who may track: the one place where the key of a request is asked for and looked at.

No keys are configured yet, so every key will do, which is why the server listens to this machine only. What looks keys
up is one function from a key to the source it belongs to; events are deduplicated by source, so that keys can change
while a source stays.
"""

import base64
import binascii
from collections.abc import Callable

import msgspec

from mien.core.errors import MienError

KeyCheck = Callable[[str | None], str]
"""A write key (None: the request has none) → the source it writes for. Raises `NotAllowed`."""

SOURCE = "http"
"""Where events come from while no keys are configured."""


class NotAllowed(MienError):
    """A key that is missing, unknown or revoked, or may not do this."""

    code = "not_allowed"


def any_key(_: str | None) -> str:
    """While no keys are configured any will do."""
    return SOURCE


class _Keyed(msgspec.Struct, rename="camel"):
    write_key: str | None = None


_keyed = msgspec.json.Decoder(_Keyed)


def key_of(authorization: str | None, body: bytes) -> str | None:
    """The key of a request: the user name of HTTP Basic, else `writeKey` of the body; None where neither says it."""
    scheme, _, coded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(coded, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
        if key:
            return key
    try:
        return _keyed.decode(body).write_key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
