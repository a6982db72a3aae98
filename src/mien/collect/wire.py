"""What client libraries send: a message, and a batch of them."""

from typing import Any

import msgspec

from mien.core.errors import UsageError

Id = str | int | float | None
BATCH_MESSAGES = 5_000
"""Messages of a batch; of real ones no more fit into its bytes."""


class Context(msgspec.Struct, gc=False):
    """What of a message's context is read: what it says of its user. The rest, mostly of the device, is skipped."""

    traits: Any = None
    consent: Any = None


class Message(msgspec.Struct, rename="camel", gc=False):
    """One message as clients send it; what Mien does not read is skipped."""

    type: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    event: Id = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: Context | None = None
    timestamp: Id = None
    original_timestamp: Id = None
    sent_at: Id = None


class Envelope(msgspec.Struct, rename="camel"):
    """A batch as clients send it: its messages are read one by one, so that a bad one stays alone."""

    batch: list[msgspec.Raw]
    sent_at: Id = None


_envelopes = msgspec.json.Decoder(Envelope)


def read_envelope(body: bytes) -> Envelope:
    """The batch of a body, or `UsageError` where it is no JSON object with a list `batch`, or has too many messages."""
    try:
        envelope = _envelopes.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise UsageError(
            "The body is not a batch: {broken}. Send {{'batch': [message, …]}} as JSON.", broken=broken
        ) from None
    if len(envelope.batch) > BATCH_MESSAGES:
        raise UsageError(
            "A batch may have {batch_messages:,} messages. Send it in smaller parts.", batch_messages=BATCH_MESSAGES
        )
    return envelope
