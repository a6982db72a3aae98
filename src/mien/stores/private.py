"""What of a message is sealed under its user's key, as which columns, and what is remembered of it for good."""

import hashlib

import msgspec

from mien.core.tables import EVENT, LOG

PRIVATE = (EVENT.EVENT_ID, EVENT.QUERY, EVENT.TEXT, EVENT.IMPRESSION_ID, EVENT.PROPERTIES)
"""What of an event is sealed while it is in the tail, in this order."""
OPEN = tuple(name for name in LOG.names if name not in PRIVATE)
QUOTED = ", ".join(f'"{name}"' for name in OPEN)
SAID, OTHER, TOLD, TRAITS = b"event", b"other", b"told", b"traits"
"""What is sealed, as the vault binds it: an event's private part, another act's properties, the newest word on each
trait, the declared traits."""
ID_BYTES = 12
"""Of a message in what was received."""
pack, unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


def received(key: bytes, source: str, message_id: str, digest: int) -> tuple[bytes, int]:
    """What is remembered of a message for good: 12 bytes that stand for its id, 32 bits that stand for what it says.

    Both are keyed: without the key they confirm no guess. Of a billion messages two are taken for one with a
    probability of 6e-12; another message under the id of one that was received is overlooked with one of 2e-10.
    """
    return split(hashlib.blake2b(f"{source}\0{message_id}".encode(), key=key, digest_size=16).digest(), digest)


def split(hashed: bytes, digest: int) -> tuple[bytes, int]:
    """The keyed hash of an id (16 bytes) as what is remembered; its last 32 bits hide those of the content's hash."""
    return hashed[:ID_BYTES], (digest & 0xFFFFFFFF) ^ int.from_bytes(hashed[ID_BYTES:], "little")
