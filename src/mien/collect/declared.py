"""What a message says of its user: traits, and consents."""

from collections.abc import Iterator
from typing import Any

from mien.collect.scalars import CONTROL, number, text_of
from mien.collect.wire import Context

CONSENT_TRAITS = ("consent", "consents")
"""Traits of an `identify` that are no traits: purpose → given or not."""


def said_of_user(traits: dict[str, Any] | None, context: Context | None) -> dict[str, Any]:
    """All traits of a message: RudderStack's libraries write them under `context`."""
    beside = None if context is None else context.traits
    return (beside if isinstance(beside, dict) else {}) | (traits or {})


def traits_of(traits: dict[str, Any]) -> dict[str, str | int | float | bool]:
    """Plain traits; what is nested is written out as `address.city`."""
    found: dict[str, str | int | float | bool] = {}
    for name, value in _flat(traits):
        if isinstance(value, bool):
            found[name] = value
        elif isinstance(value, int | float) and number(value) is not None:
            found[name] = value if abs(value) < 2**53 else float(value)
        elif (text := text_of(value)) is not None:
            found[name] = text
    return found


def _flat(traits: dict[str, Any], prefix: str = "", depth: int = 3) -> Iterator[tuple[str, Any]]:
    for name, value in traits.items():
        path = CONTROL.sub(" ", f"{prefix}{name}")[:200]
        if isinstance(value, dict) and depth > 1:
            yield from _flat(value, f"{path}.", depth - 1)
        else:
            yield path, value


def consents_of(context: Context | None) -> dict[str, bool]:
    """`context.consent.categoryPreferences`: purpose → given or not."""
    consent = None if context is None else context.consent
    return words_of(consent.get("categoryPreferences")) if isinstance(consent, dict) else {}


def words_of(chosen: object) -> dict[str, bool]:
    """Of an object those names that are clearly answered."""
    if not isinstance(chosen, dict):
        return {}
    return {CONTROL.sub(" ", name)[:200]: given for name, given in chosen.items() if isinstance(given, bool)}
