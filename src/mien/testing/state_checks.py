"""When two states are the same: counts exact, sums to a relative 1e-9 (engines add up in any order)."""

from collections.abc import Iterator
from math import isclose
from typing import Any

from mien.features.state import State

TOLERANCE = 1e-9
EXACT = ("settings", "events", "first_us", "last_us", "hours", "weekdays", "queries", "texts", "recent", "stale")


def differences(a: State, b: State) -> list[str]:
    """What differs between two states, one sentence each; empty where they are equal.

    The prefix is compared only where both are fresh: a stale one is to be refolded before it is read.
    """
    found = [
        f"{name}: {getattr(a, name)} and {getattr(b, name)}" for name in EXACT if getattr(a, name) != getattr(b, name)
    ]
    if not a.stale and not b.stale and a.prefix != b.prefix:
        found.append(f"prefix: {a.prefix} and {b.prefix}")
    for name in ("tallies", "days", "orders"):
        found += _rows(name, dict(getattr(a, name)), dict(getattr(b, name)))
    return found


def _rows(name: str, a: dict[Any, Any], b: dict[Any, Any]) -> Iterator[str]:
    for key in sorted(a.keys() | b.keys()):
        if key not in a or key not in b:
            yield f"{name}[{key}] is only in the {'second' if key in b else 'first'}"
        elif not all(map(_same, a[key], b[key])):
            yield f"{name}[{key}]: {a[key]} and {b[key]}"


def _same(x: float | str, y: float | str) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        return isclose(x, y, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)
    return x == y
