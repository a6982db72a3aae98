"""The kinds of recommendation by name, as they come and as a shop's settings change them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from mien.core.errors import UnknownName, UsageError
from mien.core.phrase import Phrase
from mien.ranking.candidates import SOURCES
from mien.ranking.kind import BUY_AGAIN, FOR_YOU, GOES_WITH, NEW, POPULAR, SIMILAR, TRENDING, Again, Kind
from mien.ranking.options import MAX_WEIGHTS
from mien.ranking.rule import FACETS
from mien.ranking.summands import TERMS

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(FOR_YOU, ("popular", "own", "neighbours", "favourite", "behaviour", "visit", "segment")),
            Kind(SIMILAR, ("alike", "popular"), {"shared": 0.4, "alike": 0.4, "content": 0.4, "popular": 0.1}, caps={}),
            Kind(GOES_WITH, ("complements", "popular"), {"complement": 2.0, "popular": 0.3}, caps={}),
            Kind(BUY_AGAIN, ("bought",), {"due": 4.0, "repeat": 2.0, "popular": 0.3}, caps={}, bought_again=True),
            Kind(TRENDING, ("rising",), {"trend": 1.0, "popular": 0.1}),
            Kind(NEW, ("new",), {"new": 1.0, "tag": 0.5}),
            Kind(POPULAR, ("popular",), {"popular": 1.0}, caps={}),
        )
    }
)
"""As they come. `for-you` has the terms of [ranking], those of the visit and of the segments beside them."""
FIRST_VISIT: Mapping[str, float] = MappingProxyType({"visit": 1.0, "segment": 1.0})
"""Terms of a kind that has no terms of its own, beside those of [ranking]."""
_KEYS = {
    "candidates": list[str],
    "terms": dict[str, float],
    "diversity": float,
    "caps": dict[str, int],
    "bought_again": Again,
}


def kind_named(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of this name, the shop's own first; `UnknownName` with the nearest ones."""
    known = {**KINDS, **kinds}
    if name not in known:
        raise UnknownName("kind of recommendation", name, known)
    return known[name]


def read_kinds(given: Any) -> dict[str, Kind]:
    """The `[kinds.NAME]` tables of a settings file: changes of those that come, or new ones with their candidates.

    Raises `UnknownName` for a setting, source, term or facet nobody knows, `UsageError` for what does not fit.
    """
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        raise UsageError("Kinds of recommendation are tables: [kinds.NAME].")
    return {name: _kind(name, one) for name, one in given.items()}


def _kind(name: str, given: Mapping[str, Any]) -> Kind:
    for key in given:
        if key not in _KEYS:
            raise UnknownName(Phrase("setting in [kinds.{name}]", name=name), key, _KEYS)
    told = {key: _value(name, key, value) for key, value in given.items()}
    if name not in KINDS and not {"candidates", "terms"} <= set(told):
        raise UnknownName("kind of recommendation (a new one needs candidates and terms):", name, KINDS)
    kind = replace(KINDS.get(name, Kind(name, ())), **told)
    _check(kind)
    return kind


def _value(kind: str, key: str, value: Any) -> Any:
    try:
        found = msgspec.convert(value, type=_KEYS[key], strict=True)
    except msgspec.ValidationError as wrong:
        raise UsageError(
            "The setting kinds.{kind}.{key} does not fit: {wrong}.", kind=kind, key=key, wrong=wrong
        ) from None
    return tuple(found) if key == "candidates" else found


def _check(kind: Kind) -> None:
    for what, names, known in (
        (Phrase("source of candidates"), kind.candidates, SOURCES),
        (Phrase("term"), kind.terms or {}, TERMS),
        (Phrase("facet of caps"), kind.caps or {}, FACETS),
    ):
        for name in names:
            if name not in known:
                raise UnknownName(Phrase("{what} in [kinds.{name}]", what=what, name=kind.name), name, known)
    weights = list((kind.terms or {}).values())
    if any(weight < 0 for weight in weights) or sum(weights) > MAX_WEIGHTS - 1.0:
        raise UsageError(
            "The weights of [kinds.{name}] must not be negative and must sum to {max_weights:g} or less.",
            name=kind.name,
            max_weights=MAX_WEIGHTS - 1.0,
        )
    if not kind.candidates or not 0 <= kind.diversity <= 1 or any(limit < 1 for limit in (kind.caps or {}).values()):
        raise UsageError(
            "[kinds.{name}] needs candidates, a diversity between 0 and 1, and caps of 1 or more.", name=kind.name
        )
