"""Segments: a rule settled against what a shop knows, and answered for a whole crowd at once."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName, UsageError
from mien.core.event import ACTIONS
from mien.features.windows import WINDOWS
from mien.profiles.crowd import LIFECYCLES, Crowd, TagTable
from mien.profiles.rule import Bound, Condition, Join, Plain, Rule

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

VALUES = ("spend", "orders", "average_order", "gap_days", "recency", "tenure")
"""Numbers of a user: money, orders, days since anything was done and since the first of it."""
QUINTILES = ("r", "f", "m")
BOUNDS = ("weight", "lift", "confidence", "n", "trend", "days")
"""What a tag may be bounded by; `days`: since its last sign."""
EVENTS = "events"
NAMED = ("=", "!=", "in")
"""How names are compared."""
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """What rules of a shop may speak of. `facets`: name → values; `traits`: name → values seen; `intents`: names."""

    facets: Mapping[str, frozenset[str]]
    traits: Mapping[str, frozenset[Plain]]
    intents: tuple[str, ...] = ()

    def fields(self) -> list[str]:
        """Every field by its full name."""
        return [
            *(f"tag.{name}" for name in self.facets),
            *(f"trait.{name}" for name in self.traits),
            *(f"count.{action}.{window}" for action in (EVENTS, *ACTIONS) for window in WINDOWS),
            *VALUES,
            *(f"recency.{action}" for action in ACTIONS),
            *(f"rfm.{part}" for part in QUINTILES),
            "lifecycle",
            *(f"intent.{name}" for name in self.intents),
        ]


def settled(rule: Rule, words: Vocabulary) -> Rule:
    """The rule with every field by its full name. `UnknownName` names the nearest known; `UsageError` a wrong value.

    Short names: a facet for `tag.…`, `purchase.30d` for `count.…`, `r`, `f`, `m` for `rfm.…`.
    """
    if isinstance(rule, Join):
        return replace(rule, parts=tuple(settled(part, words) for part in rule.parts))
    field = _full(rule.field, words)
    _check(replace(rule, field=field), words)
    return replace(rule, field=field)


def _full(name: str, words: Vocabulary) -> str:
    fields = words.fields()
    shorts = {full.partition(".")[2]: full for full in reversed(fields) if full.startswith(("count.", "rfm.", "tag."))}
    found = name if name in fields else shorts.get(name)
    if found is None:
        raise UnknownName("field of a rule", name, [*fields, *shorts])
    return found


def _check(test: Condition, words: Vocabulary) -> None:
    kind, _, name = test.field.partition(".")
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    if kind == "tag":
        _check_tag(test, name, words)
    elif test.where:
        raise UsageError("{field}: bounds in square brackets go with tags only.", field=test.field)
    elif kind == "lifecycle":
        for value in values:
            if value not in LIFECYCLES:
                raise UnknownName("lifecycle", str(value), LIFECYCLES)
        if test.op not in NAMED:
            raise UsageError("lifecycle is compared by one of {named}.", named=NAMED)
    elif kind != "trait" and not all(isinstance(value, float) for value in values):
        raise UsageError("{field} is compared with a number.", field=test.field)


def _check_tag(test: Condition, name: str, words: Vocabulary) -> None:
    if test.op not in NAMED:
        raise UsageError(
            "{field}: a tag is had or not; use =, != or in, and bounds such as [lift >= 1.5].", field=test.field
        )
    for value in _listed(test):
        if value_name(value) not in words.facets[name]:
            raise UnknownName(name, value_name(value), words.facets[name])
    for bound in test.where:
        if bound.field not in BOUNDS:
            raise UnknownName("bound of a tag", bound.field, BOUNDS)


def value_name(value: Plain) -> str:
    """A value of a facet or trait as it is written: a number that was read out of text is a name here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def members(rule: Rule, crowd: Crowd) -> Mask:
    """`(n,)`: who the rule fits, of those who may be in a segment. What is unknown of a user fits no test.

    `rule` has full names (`settled`); a value that is gone from the shop fits nobody. Cost: some ms for 100,000 users.
    """
    return _fits(rule, crowd) & crowd.allowed


def _fits(rule: Rule, crowd: Crowd) -> Mask:
    if isinstance(rule, Condition):
        return _passes(rule, crowd)
    parts = [_fits(part, crowd) for part in rule.parts]
    if rule.kind == "not":
        return ~parts[0]
    return reduce(np.logical_and if rule.kind == "all" else np.logical_or, parts)


def _passes(test: Condition, crowd: Crowd) -> Mask:
    kind, _, name = test.field.partition(".")
    if kind == "tag":
        return _tagged(test, name, crowd)
    if kind == "trait":
        return np.array([_holds(traits.get(name), test) for traits in crowd.traits], dtype=np.bool_)
    if kind == "lifecycle":
        names = np.array([*LIFECYCLES, ""])[crowd.life]
        found = np.isin(names, _listed(test))
        return found if test.op != "!=" else ~found & (crowd.life >= 0)
    return compared(column(test.field, crowd), test)


def compared(numbers: Floats, test: Condition) -> Mask:
    """Where the numbers pass; NaN passes nothing."""
    known = ~np.isnan(numbers)
    if test.op == "in":
        return known & np.isin(numbers, np.array(_listed(test), dtype=np.float64))
    return known & np.asarray(_COMPARE[test.op](numbers, test.value), dtype=np.bool_)


def column(field: str, crowd: Crowd) -> Floats:
    """The numbers of a field, by its full name; NaN is unknown."""
    kind, _, name = field.partition(".")
    nothing = np.full(len(crowd), np.nan)
    if kind == "count":
        action, _, window = name.rpartition(".")
        counts = crowd.counts[:, :, list(WINDOWS).index(window)]
        chosen = counts.sum(axis=1) if action == EVENTS else counts[:, [str(one) for one in ACTIONS].index(action)]
        numbers: Floats = chosen.astype(np.float64)
        return numbers
    if kind == "recency":
        at = crowd.last_us if not name else crowd.last_act_us[:, [str(one) for one in ACTIONS].index(name)]
        return np.where(at > 0, (crowd.at_us - at) / DAY_US, np.nan)
    if kind == "rfm":
        quintiles: Floats = crowd.rfm[:, QUINTILES.index(name)]
        return quintiles
    if kind == "intent":
        return np.where(crowd.predictable, crowd.intents.get(name, nothing), np.nan)
    if kind == "tenure":
        return np.where(crowd.first_us > 0, (crowd.at_us - crowd.first_us) / DAY_US, np.nan)
    if kind == "orders":
        return crowd.orders
    if kind == "spend":
        return np.where(crowd.priced, crowd.spend, np.nan)
    if kind == "average_order":
        each: Floats = np.divide(crowd.spend, crowd.orders, out=nothing, where=crowd.priced)
        return each
    assert kind == "gap_days", "the field was settled"
    return crowd.gap_days


def _tagged(test: Condition, name: str, crowd: Crowd) -> Mask:
    found = np.zeros(len(crowd), dtype=np.bool_)
    wanted = {value_name(value) for value in _listed(test)}
    for level, facet in enumerate(crowd.yardstick.facets):
        codes = [code for code, value in enumerate(facet.values) if value in wanted] if facet.name == name else []
        if codes:
            table = crowd.tags(level)
            held = np.isin(table.code, codes)
            for bound in test.where:
                held &= _bounded(table, bound)
            found[table.user[held]] = True
    return found if test.op != "!=" else ~found & crowd.personal


def _bounded(table: TagTable, bound: Bound) -> Mask:
    return np.asarray(_COMPARE[bound.op](getattr(table, bound.field), bound.value), dtype=np.bool_)


def _listed(test: Condition) -> tuple[Plain, ...]:
    return test.value if isinstance(test.value, tuple) else (test.value,)


def _holds(known: object, test: Condition) -> bool:
    """Whether one trait passes; texts that are numbers are compared as numbers."""
    return known is not None and (
        any(_same(known, value) for value in _listed(test))
        if test.op in ("=", "in")
        else not _same(known, _listed(test)[0])
        if test.op == "!="
        else _above(known, test)
    )


def _same(known: object, value: Plain) -> bool:
    if isinstance(known, bool) or isinstance(value, bool):
        return str(known).casefold() == str(value).casefold()  # a file has text
    number, other = _as_number(known), _as_number(value)
    return number == other if number is not None and other is not None else str(known) == str(value)


def _above(known: object, test: Condition) -> bool:
    number, other = _as_number(known), _as_number(test.value)
    return number is not None and other is not None and bool(_COMPARE[test.op](number, other))


def _as_number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None


def named(rules: Iterable[tuple[str, Rule]], crowd: Crowd) -> tuple[str, ...]:
    """Of a crowd of one: the names of the segments it is in."""
    return tuple(name for name, rule in rules if members(rule, crowd).any())
