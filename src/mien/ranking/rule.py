"""Rules of the shop: pin, boost or hide some items, while, where and for what query they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from mien.core.clock import load_zone, parse_time, to_us
from mien.core.errors import UnknownName, UsageError
from mien.core.item import TEXT_FACETS
from mien.core.phrase import Phrase
from mien.core.words import normalise
from mien.features.prices import PRICE_BAND

FACETS = (*TEXT_FACETS, PRICE_BAND)
"""Facets that rules and caps may name."""
DEEDS = ("pin", "boost", "hide")
SEARCH = "search"
"""What a rule's `kinds` calls a search."""
MOST = 5.0
"""Most that the boosts of one item come to together, up or down."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`do`: pin, boost or hide. What: `items` (ids), and what has any of the values of every facet of `where`.

    When: from `from_us` to before `until_us`; `until`: the last day, for people. In what: `kinds` (`search` for
    searches), () is everywhere; `queries`: only in searches for one of these, () is any. `weight`: of a boost, below 0
    moves down. `name`: for people.
    """

    do: str
    name: str = ""
    items: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    from_us: int | None = None
    until_us: int | None = None
    until: date | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.do not in DEEDS:
            raise UnknownName("deed of a rule", self.do, DEEDS)
        if not self.items and not self.where:
            raise UsageError(
                "The rule {label} names no items. Give it items = [ids] or where = {{facet = [values]}}.",
                label=self.label,
            )
        for name in self.where:
            if name not in FACETS:
                raise UnknownName(Phrase("facet of the rule {label}", label=self.label), name, FACETS)
        if self.do == "boost" and not 0 < abs(self.weight) <= MOST:
            raise UsageError(
                "The weight of the rule {label} must lie between −{most:g} and {most:g} and not be 0.",
                label=self.label,
                most=MOST,
            )
        if self.from_us is not None and self.until_us is not None and self.until_us <= self.from_us:
            raise UsageError("The rule {label} ends before it begins.", label=self.label)

    @property
    def label(self) -> str:
        """How people call it."""
        return f"“{self.name}”" if self.name else f"({self.do})"

    def holds(self, kind: str, text: str, at_us: int) -> bool:
        """Whether it holds for a question of this kind with this text at that time."""
        if self.from_us is not None and at_us < self.from_us:
            return False
        if self.until_us is not None and at_us >= self.until_us:
            return False
        if self.kinds and kind not in self.kinds:
            return False
        return not self.queries or normalise(text).strip() in {normalise(one).strip() for one in self.queries}


_KEYS = ("do", "name", "items", "where", "kinds", "queries", "from", "until", "weight")


def read_rules(given: Any, kinds: tuple[str, ...], zone: str = "UTC") -> tuple[Rule, ...]:
    """The `[[rules]]` of a settings file. Days are the shop's; the day `until` counts whole.

    Raises `UnknownName` for a key, deed, facet or kind nobody knows, `UsageError` for what does not fit.
    """
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise UsageError("Rules are written as [[rules]], one table each.")
    return tuple(_rule(one, kinds, zone) for one in given)


def _rule(given: Mapping[str, Any], kinds: tuple[str, ...], zone: str) -> Rule:
    for key in given:
        if key not in _KEYS:
            raise UnknownName("setting of a rule", key, _KEYS)
    if "do" not in given:
        raise UsageError("A rule must say what it does: do = one of {deeds}.", deeds=DEEDS)
    for kind in _texts(given, "kinds"):
        if kind not in (*kinds, SEARCH):
            raise UnknownName("kind of a rule", kind, (*kinds, SEARCH))
    where = given.get("where", {})
    weight = given.get("weight", 1.0)
    if not isinstance(where, dict) or not isinstance(weight, int | float) or isinstance(weight, bool):
        raise UsageError("A rule's where is a table facet = [values], its weight a number.")
    until = _moment(given.get("until"), zone)
    return Rule(
        do=str(given["do"]),
        name=str(given.get("name", "")),
        items=_texts(given, "items"),
        where={facet: _texts(where, facet) for facet in where},
        kinds=_texts(given, "kinds"),
        queries=_texts(given, "queries"),
        from_us=None if (begin := _moment(given.get("from"), zone)) is None else to_us(begin),
        until_us=None if until is None else to_us(until + _whole_day(given["until"])),
        until=None if until is None else until.astimezone(load_zone(zone)).date(),
        weight=float(weight),
    )


def _texts(given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError("A rule's {key} must be a list of texts.", key=key)
    return tuple(value)


def _moment(value: Any, zone: str) -> datetime | None:
    """A day or time as TOML writes it, or as text; what has no zone is in the shop's."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=load_zone(zone))
    if isinstance(value, date):
        return datetime.combine(value, time(), load_zone(zone))
    if isinstance(value, str):
        return parse_time(value, zone)
    raise UsageError("A rule's from and until are days or times, as in 2026-12-03, not {value!r}.", value=value)


def _whole_day(value: Any) -> timedelta:
    """What is added to a last day, which counts whole; a time is exact."""
    day = (isinstance(value, date) and not isinstance(value, datetime)) or (isinstance(value, str) and len(value) == 10)
    return timedelta(days=1) if day else timedelta()
