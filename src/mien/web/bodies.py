"""Bodies of requests: unpacked no further than their limit."""

import zlib

from starlette.requests import Request

from mien.collect.tracking import BATCH_BYTES
from mien.core.errors import UsageError
from mien.web.refusals import TooLarge

BODY_BYTES = BATCH_BYTES
"""Bytes that a body may have, as it comes or unpacked: a batch of messages, and no question is longer."""


async def read_body(request: Request) -> bytes:
    """The body of a form of a page, whose body was not read before; `TooLarge` as soon as it is known to be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES:
            raise TooLarge(BODY_BYTES)
        parts.append(part)
    return b"".join(parts)


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """The body without gzip; a bomb is `TooLarge`, having been unpacked no further than the limit."""
    if (encoding or "").strip().lower() not in ("gzip", "x-gzip") and not body.startswith(b"\x1f\x8b"):
        return body
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(body, BODY_BYTES + 1)
    except zlib.error as broken:
        raise UsageError("The body is not gzip, as Content-Encoding says: {broken}.", broken=broken) from None
    if len(plain) > BODY_BYTES:
        raise TooLarge(BODY_BYTES)
    if not unpack.eof:
        raise UsageError("The gzip body ends too early. Send it again.")
    return plain
