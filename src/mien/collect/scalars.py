"""Values of strangers' JSON as numbers and texts; None for what is neither."""

import math
import re
from typing import Any

TEXT_LENGTH = 10_000
"""Characters of a query or text; longer ones are cut."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def number(value: object) -> float | None:
    """A finite number, also one written as text ("19.90"); None for anything else."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and abs(found) <= 1e300 else None


def first(properties: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = properties.get(name)
        if value is not None and value != "":
            return value
    return None


def text_of(value: object) -> str | None:
    """A text without control characters, cut; numbers as they are written; None for blanks and anything else."""
    if value is None or isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value)[:TEXT_LENGTH]
    if not text.isprintable():
        text = CONTROL.sub(" ", text)
    return text if text.strip() else None
