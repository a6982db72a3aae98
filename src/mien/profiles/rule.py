"""The rule of a segment: tests joined by all, any and not; written as text by people, as JSON by programs.

    category = Drinks/Tea [lift >= 1.5, confidence >= 0.8] and purchase.30d >= 2 and not lifecycle in (lost, lapsing)

Reading checks the form only; what the names mean is settled against a shop (`profiles.segments.settled`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mien.core.errors import UsageError
from mien.core.phrase import Phrase

OPERATORS = ("=", "!=", ">=", "<=", ">", "<", "in")
JOINS = ("all", "any", "not")
DEEPEST, MOST = 30, 300
"""Nesting, and tests of one rule."""

Plain = str | float | bool
Value = Plain | tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit to how a tag may be: its weight, lift, confidence, n, trend or age in days."""

    field: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is true of a user or not. `value`: a tuple for `in`; `where`: of a tag only."""

    field: str
    op: str
    value: Value
    where: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """`all` or `any` of the parts; `not` of its only part."""

    kind: str
    parts: tuple["Rule", ...]


Rule = Condition | Join


def conditions(rule: Rule) -> Iterator[Condition]:
    """Every test of a rule, in order."""
    if isinstance(rule, Condition):
        yield rule
    else:
        for part in rule.parts:
            yield from conditions(part)


# -- JSON -----------------------------------------------------------------------------------------------------------


def read_rule(said: object) -> Rule:
    """A rule from text, or from JSON values: `{"all": […]}`, `{"any": […]}`, `{"not": …}` and tests `{"field", "op",
    "value", "where"}`. `UsageError` says where it is no rule.
    """
    rule = _Text(said).rule() if isinstance(said, str) else _of(said, 0)
    if sum(1 for _ in conditions(rule)) > MOST:
        raise UsageError("A rule may have {most} tests. Split it into several segments.", most=MOST)
    return rule


def _of(said: object, depth: int) -> Rule:
    if depth > DEEPEST:
        raise UsageError("A rule may be nested {deepest} deep.", deepest=DEEPEST)
    if not isinstance(said, dict):
        raise UsageError("A rule is an object or a text, not {said}.", said=_short(said))
    joins = [name for name in JOINS if name in said]
    if joins:
        if len(said) != 1:
            raise UsageError(
                "“{join}” stands alone in its object, not beside {others}.", join=joins[0], others=list(map(str, said))
            )
        parts = said[joins[0]]
        listed = [parts] if joins[0] == "not" else parts
        if not isinstance(listed, list | tuple) or not listed:
            raise UsageError("“{join}” needs a list of rules that is not empty.", join=joins[0])
        return Join(joins[0], tuple(_of(part, depth + 1) for part in listed))
    return _test(said)


def _test(said: dict[Any, Any]) -> Condition:
    wrong = [str(name) for name in said if name not in ("field", "op", "value", "where")]
    field, op, value, where = (said.get(name) for name in ("field", "op", "value", "where"))
    if wrong or not isinstance(field, str) or not field.strip():
        raise UsageError("A test is {{field, op, value}}, for a tag with where; not {said}.", said=_short(said))
    if op not in OPERATORS:
        raise UsageError(
            "{field}: “{op}” is no comparison. Use one of: {operators}.",
            field=field,
            op=_short(op),
            operators=OPERATORS,
        )
    if (op == "in") is not isinstance(value, list | tuple):
        raise UsageError(
            "{field}: “in” goes with a list of values, every other comparison with one value.", field=field
        )
    listed = tuple(_plain(one, field) for one in (value if isinstance(value, list | tuple) else [value]))
    if not listed:
        raise UsageError("{field}: the list is empty.", field=field)
    if not isinstance(where or [], list | tuple):
        raise UsageError("{field}: where is a list of {{field, op, value}}.", field=field)
    return Condition(
        field, str(op), listed if op == "in" else listed[0], tuple(_bound(one, field) for one in where or [])
    )


def _bound(said: object, field: str) -> Bound:
    one = said if isinstance(said, dict) else {}
    number = one.get("value")
    if set(one) != {"field", "op", "value"} or one["op"] not in OPERATORS[:-1] or not _number(number):
        raise UsageError(
            "{field}: where holds {{field, op, value}} with a number, not {said}.", field=field, said=_short(said)
        )
    return Bound(str(one["field"]), str(one["op"]), float(one["value"]))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _plain(value: object, field: str) -> Plain:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and _number(value):
        return float(value)
    raise UsageError(
        "{field}: a value is a text, a number, true or false, not {value}.", field=field, value=_short(value)
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule as JSON-ready values."""
    if isinstance(rule, Join):
        parts = [rule_json(part) for part in rule.parts]
        return {rule.kind: parts[0] if rule.kind == "not" else parts}
    value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
    told: dict[str, Any] = {"field": rule.field, "op": rule.op, "value": value}
    where = [{"field": one.field, "op": one.op, "value": one.value} for one in rule.where]
    return told | ({"where": where} if where else {})


# -- text -----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*(?:(!=|>=|<=|[=<>(),\[\]])|"((?:[^"\\]|\\.)*)"|([^\s=<>!(),\[\]"]+))')
_BARE = re.compile(r'[^\s=<>!(),\[\]"]+')
_WORDS = ("and", "or", "not", "in")


class _Text:
    """Reads a rule out of a text. `not` binds closest, then `and`, then `or`; brackets group."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at, self.depth = list(_tokens(text)), 0, 0

    def rule(self) -> Rule:
        rule = self._joined("or", "any")
        if self.at < len(self.tokens):
            raise UsageError("The rule should end before “{here}”; join tests by and, or.", here=self._next())
        return rule

    def _joined(self, word: str, kind: str) -> Rule:
        part = self._part if word == "and" else lambda: self._joined("and", "all")
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Join(kind, tuple(parts))

    def _part(self) -> Rule:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UsageError("A rule may be nested {deepest} deep.", deepest=DEEPEST)
        try:
            if self._takes("not"):
                return Join("not", (self._part(),))
            if self._takes("("):
                inner = self._joined("or", "any")
                self._must(")")
                return inner
            return self._test()
        finally:
            self.depth -= 1

    def _test(self) -> Condition:
        field = self._value(Phrase("the name of what is tested"))
        op = "in" if self._takes("in") else self._operator(str(field))
        if op == "in":
            self._must("(")
            values = [self._value(Phrase("a value"))]
            while self._takes(","):
                values.append(self._value(Phrase("a value")))
            self._must(")")
            return Condition(str(field), op, tuple(values), self._where())
        return Condition(str(field), op, self._value(Phrase("a value")), self._where())

    def _operator(self, field: str) -> str:
        for op in OPERATORS[:-1]:
            if self._takes(op):
                return op
        raise UsageError("After “{field}” stands a comparison: {operators}.", field=field, operators=OPERATORS)

    def _where(self) -> tuple[Bound, ...]:
        if not self._takes("["):
            return ()
        found = []
        while True:
            name = str(self._value(Phrase("weight, lift, confidence, n, trend or days")))
            op, value = self._operator(name), self._value(Phrase("a number"))
            if not isinstance(value, float):
                raise UsageError("{name} is compared with a number, not “{value}”.", name=name, value=value)
            found.append(Bound(name, op, value))
            if not self._takes(","):
                self._must("]")
                return tuple(found)

    def _value(self, what: Phrase) -> Plain:
        if self.at >= len(self.tokens):
            raise UsageError("The rule ends where {what} should stand.", what=what)
        kind, text = self.tokens[self.at]
        if kind == "sign" or (kind == "bare" and text in _WORDS):
            raise UsageError("“{text}” stands where {what} should stand.", text=text, what=what)
        self.at += 1
        return text if kind == "quoted" else _bare_value(text)

    def _next(self) -> str:
        return self.tokens[self.at][1]

    def _takes(self, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] in (("sign", text), ("bare", text)):
            self.at += 1
            return True
        return False

    def _must(self, sign: str) -> None:
        if not self._takes(sign):
            if self.at < len(self.tokens):
                raise UsageError("A “{sign}” should stand here, not “{here}”.", sign=sign, here=self._next())
            raise UsageError("A “{sign}” should stand here.", sign=sign)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise UsageError("The rule cannot be read from “{text}” on.", text=text[at : at + 40].strip())
        sign, quoted, bare = found.groups()
        if sign is not None:
            yield "sign", sign
        elif quoted is not None:
            yield "quoted", re.sub(r"\\(.)", r"\1", quoted)
        else:
            yield "bare", bare
        at = found.end()
    if not text.strip():
        raise UsageError("The rule is empty. Write one like: purchase.30d >= 2 and lifecycle = active")


def _bare_value(text: str) -> Plain:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return number if _number(number) and not text[0].isalpha() and "_" not in text else text


def rule_text(rule: Rule, *, inside: bool = False) -> str:
    """A rule as text that reads back to the same rule."""
    if isinstance(rule, Condition):
        value = f"({', '.join(map(_word, rule.value))})" if isinstance(rule.value, tuple) else _word(rule.value)
        where = ", ".join(f"{_word(one.field)} {one.op} {_word(one.value)}" for one in rule.where)
        return f"{_word(rule.field)} {rule.op} {value}" + (f" [{where}]" if where else "")
    if rule.kind == "not":
        return f"not {rule_text(rule.parts[0], inside=True)}"
    joined = f" {'and' if rule.kind == 'all' else 'or'} ".join(rule_text(part, inside=True) for part in rule.parts)
    return f"({joined})" if inside or len(rule.parts) == 1 else joined


def _word(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    plain = _BARE.fullmatch(value) and value not in _WORDS and isinstance(_bare_value(value), str)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return value if plain else f'"{escaped}"'
