"""What the shop decides: which rules hold, what they pin, boost and hide."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.query import Query
from mien.ranking.blend import Blend, Term
from mien.ranking.rule import MOST, SEARCH, Rule
from mien.ranking.shelf import Context
from mien.ranking.wording import say

Mask = npt.NDArray[np.bool_]


def holding(query: Query, context: Context, deed: str) -> list[Rule]:
    """The rules of a deed that hold for this question now, in their order."""
    kind = SEARCH if query.searches else query.kind
    return [rule for rule in context.rules if rule.do == deed and rule.holds(kind, query.text, context.at_us)]


def touched(rule: Rule, context: Context) -> Mask:
    """`(n_items,)`: the items a rule is about; ids and values that no item has touch nothing."""
    mask = np.zeros(len(context.shelf.catalogue), dtype=np.bool_)
    mask[context.shelf.rows_of(rule.items)] = True
    if rule.where:
        mask |= np.logical_and.reduce([_having(name, values, context) for name, values in rule.where.items()])
    return mask


def _having(name: str, values: Iterable[str], context: Context) -> Mask:
    mask = np.zeros(len(context.shelf.catalogue), dtype=np.bool_)
    for facet in context.shelf.yardstick.facets:
        codes = [facet.values.index(value) for value in values if facet.name == name and value in facet.values]
        mask |= np.isin(facet.codes, codes)
    return mask


def hidden(query: Query, context: Context) -> Mask:
    """`(n_items,)`: what the shop hides from this question."""
    mask = np.zeros(len(context.shelf.catalogue), dtype=np.bool_)
    for rule in holding(query, context, "hide"):
        mask |= touched(rule, context)
    return mask


def pinned(query: Query, context: Context) -> list[int]:
    """Item rows that stand first, in this order: those of the rules, then those of [ranking]; each once."""
    rows: list[int] = []
    for rule in holding(query, context, "pin"):
        named = context.shelf.rows_of(rule.items)
        rows += [*named, *np.setdiff1d(np.flatnonzero(touched(rule, context)), named).tolist()]
    return list(dict.fromkeys([*rows, *context.shelf.rows_of(context.options.pins)]))


def boost_terms(blend: Blend, query: Query, context: Context) -> list[Term]:
    """`boost`, one a rule that holds and touches a candidate; together they move an item by 5 at most."""
    rules = [(rule, touched(rule, context)[blend.rows]) for rule in holding(query, context, "boost")]
    rules = [(rule, mask) for rule, mask in rules if mask.any()]
    if not rules:
        return []
    most = sum((abs(rule.weight) * mask for rule, mask in rules), np.zeros(len(blend.rows)))
    scale = MOST / np.maximum(most, MOST)
    return [Term("boost", np.asarray(rule.weight * mask * scale), _told(rule, context)) for rule, mask in rules]


def _told(rule: Rule, context: Context) -> Callable[[int], tuple[str, tuple[str, ...]]]:
    return lambda _: (rule_text(rule, context), ())


def rule_text(rule: Rule, context: Context) -> str:
    """ "placed higher by the shop until 3 Dec: advent tea"."""
    what = "rule_higher" if rule.weight > 0 else "rule_lower"
    what = {"pin": "pin", "hide": "rule_hidden"}.get(rule.do, what)
    until = "" if rule.until is None else say(context.language, "rule_until", day=day(rule, context))
    name = f": {rule.name}" if rule.name and context.language == "en" else f"：{rule.name}" if rule.name else ""
    return say(context.language, what, until=until) + (name if what != "pin" else "")


def day(rule: Rule, context: Context) -> str:
    """The last day of a rule: "3 Dec", "12 月 3 日"."""
    assert rule.until is not None
    if context.language == "zh":
        return f"{rule.until.month} 月 {rule.until.day} 日"
    return f"{rule.until.day} {MONTHS[rule.until.month - 1]}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def with_pins(rows: Rows, query: Query, context: Context, mask: Mask) -> Rows:
    """The candidates, and what a rule pins that may be shown."""
    pins = np.array(pinned(query, context), dtype=np.int32)
    rules = holding(query, context, "pin")
    return np.union1d(rows, pins[mask[pins]]).astype(np.int32) if rules and len(pins) else rows
