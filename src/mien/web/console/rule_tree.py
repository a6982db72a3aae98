"""A rule while it is being built: groups and lines that may be unfinished. Pure; JSON in and out as `profiles.rule`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

SEVERAL = ("in",)
QUOTE = '"'
BOUNDS = ("lift", "confidence", "days")
"""What a tag's line offers to bound; others stay as they came."""


@dataclass(slots=True, eq=False)
class Line:
    """One test. `value`: as it was typed, several by commas for `in`, what holds one in quotes. `bounds`: `lift >=` →
    number as typed."""

    field: str = ""
    op: str = "="
    value: str = ""
    negated: bool = False
    bounds: dict[tuple[str, str], str] = made(default_factory=dict)


@dataclass(slots=True, eq=False)
class Group:
    """Lines and groups of which all, or any, hold."""

    kind: str = "all"
    parts: list["Line | Group"] = made(default_factory=list)
    negated: bool = False


def tree_of(rule: Mapping[str, Any]) -> Group:
    """The tree of a rule; a single test becomes a group of one."""
    node = _node(rule, negated=False)
    return node if isinstance(node, Group) else Group("all", [node])


def _node(rule: Mapping[str, Any], *, negated: bool) -> Line | Group:
    if "not" in rule:
        inner = rule["not"]
        if "not" in inner:
            return _node(inner["not"], negated=negated)
        return _node(inner, negated=not negated)
    for kind in ("all", "any"):
        if kind in rule:
            return Group(kind, [_node(part, negated=False) for part in rule[kind]], negated)
    value = rule["value"]
    text = ", ".join(map(_part, value)) if isinstance(value, list | tuple) else _text(value)
    bounds = {(one["field"], one["op"]): _text(one["value"]) for one in rule.get("where", ())}
    return Line(rule["field"], rule["op"], text, negated, bounds)


def json_of(node: Line | Group, kinds: Mapping[str, str]) -> dict[str, Any] | None:
    """The rule of a tree, unfinished lines left out; None where nothing is finished.

    `kinds`: field → number or name, as the shop tells them.
    """
    if isinstance(node, Group):
        found = (json_of(part, kinds) for part in node.parts)
        parts = [part for part in found if part is not None]
        if not parts:
            return None
        joined = parts[0] if len(parts) == 1 else {node.kind: parts}
        return {"not": joined} if node.negated else joined
    if not node.field or not node.value.strip():
        return None
    number = kinds.get(node.field) == "number"
    value: Any = _value(node.value, number=number)
    if node.op in SEVERAL:
        listed = next(csv.reader([node.value], skipinitialspace=True))
        value = [_value(part, number=number) for part in listed if part.strip()]
    told: dict[str, Any] = {"field": node.field, "op": node.op, "value": value}
    where = [
        {"field": name, "op": op, "value": float(text)} for (name, op), text in node.bounds.items() if _is_number(text)
    ]
    told |= {"where": where} if where else {}
    return {"not": told} if node.negated else told


def _value(text: str, *, number: bool) -> str | float:
    text = text.strip()
    return float(text) if number and _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _part(value: object) -> str:
    """One of several values, in quotes where a comma or a quote would part it."""
    text = _text(value)
    return f'"{text.replace(QUOTE, 2 * QUOTE)}"' if {",", QUOTE} & set(text) else text
