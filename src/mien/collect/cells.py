"""Single cells as SQL: text, ids, numbers, JSON. Equal content gives equal text, whatever format it came in."""

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass

from mien.collect.engine import ident, literal
from mien.collect.mapping import REST, Mapping
from mien.collect.raw import HELD, Column, Raw
from mien.collect.times import ISO, time_sql
from mien.core.item import CATEGORY_SEPARATOR
from mien.core.tables import ITEM

_NOTHING = ("null", "none", "nan", "\\n", "n/a", "#n/a", "nil", "<na>", "nat")
"""What exports write where there is nothing (lower case)."""


def text_sql(column: Column) -> str:
    """The cell as trimmed text; null where it holds nothing."""
    name = ident(column.name)
    if column.is_text:
        trimmed = f"nullif(trim({name}), '')"
        words = ", ".join(map(literal, _NOTHING))
        return f"CASE WHEN length({trimmed}) <= 4 AND lower({trimmed}) IN ({words}) THEN NULL ELSE {trimmed} END"
    if column.type in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({name}) AND {name} = trunc({name}) AND abs({name}) < 1e15"
        return (
            f"CASE WHEN isnan({name}) THEN NULL WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR)"
            f" ELSE CAST({name} AS VARCHAR) END"
        )
    if column.type.startswith("DECIMAL"):
        return short_number(f"CAST({name} AS VARCHAR)")
    if column.type.endswith("]") or column.type.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({name}) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"


def short_number(text: str) -> str:
    """A decimal number without its trailing zeros (`17850.0` → `17850`, `2.50` → `2.5`); other text as it is."""
    return (
        f"CASE WHEN contains({text}, '.') AND regexp_full_match({text}, '-?[0-9]+[.][0-9]+')"
        f" THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    )


def whole_id(text: str) -> str:
    """An id as text; `17850.0`, a whole number that some tool took for a float, is `17850`."""
    return (
        f"CASE WHEN ends_with({text}, '.0') AND regexp_full_match({text}, '[0-9]+[.]0')"
        f" THEN left({text}, length({text}) - 2) ELSE {text} END"
    )


def number_sql(text: str, decimal: str) -> str:
    """A text as DOUBLE, infinity where it is one; null where it is none. Currency and thousands signs are read over."""
    thousands = "," if decimal == "." else "."
    plain = f"regexp_replace({text}, '[¥￥$€£\\s{thousands}元]', '', 'g')"
    if decimal == ",":
        return f"TRY_CAST(replace({plain}, ',', '.') AS DOUBLE)"
    return f"coalesce(TRY_CAST({text} AS DOUBLE), TRY_CAST({plain} AS DOUBLE))"


def object_sql(values: Dict[str, str]) -> str:
    """A JSON object of name → SQL of its JSON value, nulls left out; null where nothing is left."""
    if not values:
        return "CAST(NULL AS VARCHAR)"
    parts = [f"{literal(_json_name(name))} || {value}" for name, value in sorted(values.items())]
    return f"nullif('{{' || concat_ws(',', {', '.join(parts)}) || '}}', '{{}}')"


def json_text(text: str) -> str:
    """A text expression as a JSON string."""
    return f"CAST(to_json({text}) AS VARCHAR)"


def _json_name(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) + ":"


@dataclass(frozen=True, slots=True)
class Cells:
    """SQL of the cells of a raw relation, by the names of ours. It reads `relation`, where each text is made once."""

    raw: Raw
    mapping: Mapping
    zone: str

    @property
    def relation(self) -> str:
        """The raw rows with every cell's text beside it."""
        texts = [f"{text_sql(column)} AS {self.plain(column.name)}" for column in self.raw.columns]
        return f"SELECT *, {', '.join(texts)} FROM ({self.raw.relation})"

    def plain(self, name: str) -> str:
        """The text of one column of theirs."""
        return ident("mien_text_" + name)

    def columns(self, target: str) -> list[Column]:
        """Their columns behind one of ours, in the mapping's order."""
        by_name = {column.name: column for column in self.raw.columns}
        return [by_name[name] for name in self.mapping.of(target)]

    def text(self, target: str) -> str:
        """Text; several columns joined by a space."""
        return self._joined([self.plain(name) for name in self.mapping.of(target)], " ")

    def path(self, target: str) -> str:
        """A path: one column as it is, several as levels (a separator inside a level is written as `∕`)."""
        names = self.mapping.of(target)
        if len(names) < 2:
            return self.text(target)
        return self._joined([f"replace({self.plain(name)}, '{CATEGORY_SEPARATOR}', '∕')" for name in names], "/")

    def _joined(self, texts: list[str], between: str) -> str:
        if len(texts) < 2:
            return texts[0] if texts else "CAST(NULL AS VARCHAR)"
        return f"nullif(concat_ws('{between}', {', '.join(texts)}), '')"

    def id(self, target: str) -> str:
        """An id; several columns joined by `:`, null where one of them is."""
        ids = [
            whole_id(self.plain(column.name)) if column.is_text else self.plain(column.name)
            for column in self.columns(target)
        ]
        return " || ':' || ".join(f"({part})" for part in ids) if ids else "CAST(NULL AS VARCHAR)"

    def number(self, target: str) -> str:
        """A number or null."""
        for column in self.columns(target):
            if column.is_number:
                return f"CAST({ident(column.name)} AS DOUBLE)"
            return number_sql(self.plain(column.name), self.mapping.decimal)
        return "CAST(NULL AS DOUBLE)"

    def time(self, target: str) -> str:
        """A time with zone, or null."""
        columns = self.columns(target)
        if not columns:
            return "CAST(NULL AS TIMESTAMPTZ)"
        return time_sql(self.text(target), columns[0], self.mapping.time_format or (ISO,), self.zone)

    def field(self, target: str) -> str:
        """A field of an item: a number, a path or a text, as the field is."""
        if target == ITEM.PRICE:
            return self.number(target)
        return self.path(target) if target == ITEM.CATEGORY else self.text(target)

    def rest(self) -> list[str]:
        """Columns that become properties: all without a place of their own, or those the mapping lists."""
        names = [column.name for column in self.raw.columns]
        if self.mapping.properties == (REST,):
            return [name for name in names if name not in self.mapping.used()]
        return [name for name in names if name in self.mapping.properties]

    def rest_json(self) -> str:
        """The rest as a JSON object of texts, names in order, decimals without trailing zeros."""
        return object_sql({name: json_text(short_number(self.plain(name))) for name in self.rest()})

    def row_json(self) -> str:
        """The whole row as a JSON object of texts (what is no row: its text as a JSON string)."""
        cells = ", ".join(f"{ident(column.name)}: {self.plain(column.name)}" for column in self.raw.columns)
        return f"CASE WHEN {HELD} IS NOT NULL THEN {json_text(HELD)} ELSE {json_text(f'{{{cells}}}')} END"
