"""Bodies of requests: read and unpacked no further than their limit."""

import zlib

from starlette.requests import Request

from mien.collect.tracking import BATCH_BYTES
from mien.core.errors import UsageError


class TooLarge(UsageError):
    """A body above the limit, as it came or unpacked."""

    code = "too_large"

    def __init__(self) -> None:
        super().__init__(f"A body may have {BATCH_BYTES:,} bytes of JSON. Send the messages in smaller batches.")


async def read_body(request: Request) -> bytes:
    """The body, or `TooLarge` as soon as it is known to be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BATCH_BYTES:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """The body without gzip; a bomb is `TooLarge`, having been unpacked no further than the limit."""
    if (encoding or "").strip().lower() not in ("gzip", "x-gzip") and not body.startswith(b"\x1f\x8b"):
        return body
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(body, BATCH_BYTES + 1)
    except zlib.error as broken:
        raise UsageError(f"The body is not gzip, as Content-Encoding says: {broken}.") from None
    if len(plain) > BATCH_BYTES:
        raise TooLarge
    if not unpack.eof:
        raise UsageError("The gzip body ends too early. Send it again.")
    return plain
