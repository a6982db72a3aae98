"""The key of a request, and who asks by it: the one place where keys are read from headers and bodies.

A key comes as the user name of HTTP Basic (as Segment's libraries send it), as `Authorization: Bearer`, or, where
messages are taken in, as `writeKey` in the body. Never in a URL: those are written to logs.
"""

import base64
import binascii
from typing import Protocol

import msgspec
from starlette.concurrency import run_in_threadpool

from mien.core.caller import LOCAL, Caller
from mien.web.refusals import NotAllowed


class KeyCheck(Protocol):
    """What looks keys up: `stores.keys.Keys` does."""

    def configured(self) -> bool:
        """Whether questions need a key."""
        ...

    def remembered(self, text: str) -> Caller | None:
        """Who asks by a key that was found right before; None: `find` has to be asked. Does not block."""
        ...

    def find(self, text: str) -> Caller | None:
        """Who asks by a key; None where it is wrong, unknown or revoked. May block."""
        ...


def key_of_header(authorization: str | None) -> str | None:
    """The key of an `Authorization` header: Basic's user name, or a Bearer's token; None where it says neither."""
    scheme, _, coded = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return coded.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


class _Keyed(msgspec.Struct, rename="camel"):
    write_key: str | None = None


_keyed = msgspec.json.Decoder(_Keyed)


def key_of_body(body: bytes) -> str | None:
    """`writeKey` of a body; None where it says none, or is no JSON."""
    try:
        return _keyed.decode(body).write_key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def caller_of_key(keys: KeyCheck, text: str | None) -> Caller:
    """Who asks by a key; whoever asks while there are no keys. Raises `NotAllowed`."""
    if not keys.configured():
        return LOCAL
    if text is None:
        raise NotAllowed("This needs a key, by Authorization: Bearer KEY or as the user name of HTTP Basic.")
    caller = keys.remembered(text) or await run_in_threadpool(keys.find, text)
    if caller is None:
        raise NotAllowed("This key is not known, or was revoked. Make one with: mien keys add")
    return caller
