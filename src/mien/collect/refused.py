"""A refused message as it is kept: whole, with what was known at its receipt, so that it can be read again."""

from typing import Any

import msgspec

RAW_LENGTH = 4_096
"""Characters that are kept of what is no JSON object, or too large."""
RECEIVED = "receivedAt"
"""Under this name a refused message says when it was received."""


def as_received(data: bytes, facts: dict[str, Any], *, most: int) -> str:
    """A message (JSON) with what its route, its batch and its receipt said of it.

    What is no JSON object, or has more than `most` bytes, is kept as a text that is cut; it can be looked at only.
    """
    try:
        said = msgspec.json.decode(data) if len(data) <= most else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return data.decode("utf-8", "replace")[:RAW_LENGTH]
    over = {"type", RECEIVED}  # the route and the clock of the server know better
    added = {k: v for k, v in facts.items() if v is not None and (k in over or said.get(k) is None)}
    return msgspec.json.encode({**said, **added}).decode()
