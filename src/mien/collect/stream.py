"""Messages that do not come by a request: records of a stream, and messages that were refused before.

Pure, as `collect.tracking` is: where a record lies and when it was written are arguments.
"""

from typing import Any

import msgspec

from mien.collect.cleaning import Cleaner
from mien.collect.refused import RAW_LENGTH, RECEIVED
from mien.collect.tracking import BATCH_BYTES, read_message, time_us
from mien.collect.wire import Envelope
from mien.core.tracked import Refusal, Tracked


class _Peek(msgspec.Struct):
    """Whether a record is a batch."""

    batch: msgspec.Raw = msgspec.Raw(b"null")


_peek = msgspec.json.Decoder(_Peek)
_envelopes = msgspec.json.Decoder(Envelope)


def read_record(
    value: bytes | None, place: str, *, source: str, received_us: int, cleaner: Cleaner | None
) -> list[Tracked | Refusal]:
    """The messages of one record: one message, or a batch as it is sent over HTTP.

    A message without an id gets that of its place, `place` or `place#n`, which is the same however often the record is
    delivered. A record that cannot be read is one refusal.
    """
    if not value:
        return [Refusal("empty_record", f"the record {place} has no value")]
    if len(value) > BATCH_BYTES:
        detail = f"the record {place} has {len(value):,} bytes; it may have {BATCH_BYTES:,}"
        return [_refused("too_large", detail, value, cleaner)]
    told: dict[str, Any] = {"source": source, "received_us": received_us, "cleaner": cleaner}
    try:
        if bytes(_peek.decode(value).batch) == b"null":
            return [read_message(value, unnamed=place, **told)]
        envelope = _envelopes.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        detail = f"the record {place}: {str(broken)[:200]}"
        return [_refused("bad_message", detail, value, cleaner)]
    return [
        read_message(one, sent_at=envelope.sent_at, unnamed=f"{place}#{number}", **told)
        for number, one in enumerate(envelope.batch, start=1)
    ]


def _refused(reason: str, detail: str, value: bytes, cleaner: Cleaner | None) -> Refusal:
    refusal = Refusal(reason, detail, value[:RAW_LENGTH].decode("utf-8", "replace"))
    return refusal if cleaner is None else cleaner.refusal(refusal)


def reread(raw: str, *, source: str, now_us: int, cleaner: Cleaner | None) -> Tracked | Refusal | None:
    """A message that was refused and may have been mended, as of when it was received; None for what is no message.

    One that does not say when it was received is received now.
    """
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    received_us = time_us(said.get(RECEIVED)) if isinstance(said.get(RECEIVED), str) else None
    received_us = min(now_us, received_us or now_us)
    return read_message(raw.encode(), source=source, received_us=received_us, cleaner=cleaner)
