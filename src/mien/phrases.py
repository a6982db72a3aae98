"""What is written on the command line as values: times, filters, lists, settings."""

import tomllib
from datetime import datetime
from typing import Any

from mien.core.clock import end_of_day, parse_time
from mien.core.errors import UsageError


def moment(text: str | None, zone: str) -> datetime | None:
    """A time as written on the command line, read in the shop's zone."""
    return None if text is None else parse_time(text, zone)


def end(text: str, zone: str) -> datetime:
    """The end of a span as written on the command line: a day counts whole, a time is exact."""
    return end_of_day(text, zone) if len(text) == len("2030-12-31") else parse_time(text, zone)


def filters(given: list[str] | None) -> dict[str, tuple[str, ...]]:
    """`["brand=A", "brand=B", "colour!=red"]` → `{"brand": ("A", "B"), "colour!": ("red",)}`."""
    found: dict[str, tuple[str, ...]] = {}
    for one in given or []:
        facet, sign, value = one.partition("=")
        if not (facet and sign and value):
            raise UsageError("“{one}” is not a filter. Write it as facet=value, for example brand=Acme.", one=one)
        found[facet] = (*found.get(facet, ()), value)
    return found


def listed(text: str | None) -> tuple[str, ...] | None:
    """ "a, b" → ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text is not None else None


def chosen(given: list[str] | None) -> dict[str, Any]:
    """`["k=5", "ease.ridge=10"]` → `{"k": 5, "settings": {"ease": {"ridge": 10}}}`; values as in TOML, else text."""
    found: dict[str, Any] = {}
    for one in given or []:
        name, sign, text = one.partition("=")
        if not (name and sign):
            raise UsageError("“{one}” is no option. Write it as name=value or model.setting=value.", one=one)
        model, dot, setting = name.partition(".")
        if dot:
            found.setdefault("settings", {}).setdefault(model, {})[setting] = parsed(text)
        else:
            found[name] = parsed(text)
    return found


def parsed(text: str) -> Any:
    """A value as TOML writes it, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def answers(given: list[str]) -> dict[str, bool]:
    """`["marketing=no", "analytics=yes"]` → `{"marketing": False, "analytics": True}`."""
    found: dict[str, bool] = {}
    for one in given:
        name, _, said = one.partition("=")
        if not name.strip() or said.strip().lower() not in ("yes", "no", "true", "false"):
            raise UsageError(
                "“{one}” is no answer. Write it as purpose=yes or purpose=no, for example marketing=no.", one=one
            )
        found[name.strip()] = said.strip().lower() in ("yes", "true")
    return found
