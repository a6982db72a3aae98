"""Records of a stream become messages; what cannot be read says so and has no company."""

import json
from typing import Any

import pytest

from mien.collect.stream import read_record
from mien.collect.tracking import BATCH_BYTES
from mien.core.clock import SECOND_US
from mien.core.tracked import Refusal, Tracked

NOW_US = 1_790_000_000 * SECOND_US
TRACK = {"type": "track", "event": "Product Viewed", "userId": "ann", "properties": {"product_id": "mug"}}


def read(value: Any, place: str = "events/0/7") -> list[Tracked | Refusal]:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return read_record(raw, place, source="kafka", received_us=NOW_US, cleaner=None)


def test_one_message_or_a_batch_a_record() -> None:
    (one,) = read(TRACK | {"messageId": "m1"})
    assert isinstance(one, Tracked)
    assert (one.message_id, one.source, one.at_us) == ("m1", "kafka", NOW_US)
    many = read({"batch": [TRACK | {"messageId": "m1"}, TRACK, {"type": "track"}], "sentAt": "2026-01-01T00:00:00Z"})
    assert [one.message_id if isinstance(one, Tracked) else one.reason for one in many] == [
        "m1", "events/0/7#2", "missing_user",
    ]  # fmt: skip
    assert read({"batch": []}) == []


def test_a_message_without_an_id_is_known_by_its_place() -> None:
    (first,), (again,), (other,) = read(TRACK), read(TRACK), read(TRACK, "events/0/8")
    ids = [one.message_id for one in (first, again, other) if isinstance(one, Tracked)]
    assert ids == ["events/0/7", "events/0/7", "events/0/8"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty_record"),
        (b"", "empty_record"),
        (b"\xff\xfe", "bad_message"),
        (b"not json", "bad_message"),
        (b"[1, 2]", "bad_message"),
        (b"[" * 100_000, "bad_message"),
        ({"batch": 3}, "bad_message"),
        (b'{"batch": [' + b"[" * 100_000, "bad_message"),
        ({"x": "y" * BATCH_BYTES}, "too_large"),
        ({"type": "visit", "userId": "ann"}, "unknown_type"),
    ],
)
def test_poison_is_one_refusal(value: Any, reason: str) -> None:
    (refusal,) = read(value)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert len(refusal.raw) < 5_000
