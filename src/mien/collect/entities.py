"""Items and users: from files of their own, and from what an events source carries beside its events."""

from pathlib import Path

import duckdb

from mien.collect.cells import Cells, json_text, object_sql, short_number, text_sql
from mien.collect.engine import ident, literal, one_row
from mien.collect.judging import (
    FLAWED,
    ITEM_PREFIX,
    REASON,
    TRAIT_PREFIX,
    Reason,
    bad_number,
    judge_rows,
    our,
    unreadable,
)
from mien.collect.mapping import ITEM_FIELDS, Mapping
from mien.core.tables import EVENT, ITEM, ITEMS, USER, USERS, VERDICT

_TRUE = ("true", "t", "1", "yes", "y", "是", "在售", "上架", "有货", "available", "in stock", "active")
_ALWAYS = "TIMESTAMPTZ '1970-01-01 00:00:00+00'"
_NUMERIC = "'-?(0|[1-9][0-9]{0,14})([.][0-9]+)?'"


def judge_items(cells: Cells) -> str:
    """Raw rows as versions of items. Of two rows with one id and time the later holds, the earlier is `superseded`."""
    words = ", ".join(map(literal, _TRUE))
    columns = {
        ITEM.ITEM_ID: cells.id(ITEM.ITEM_ID),
        ITEM.VALID_FROM: cells.time(ITEM.VALID_FROM),
        **{name: cells.field(name) for name in ITEM_FIELDS},
        ITEM.AUDIO: cells.text(ITEM.AUDIO),
        ITEM.AVAILABLE: f"coalesce(lower({cells.text(ITEM.AVAILABLE)}) IN ({words}), TRUE)",
        ITEM.ATTRIBUTES: cells.rest_json(),
    }
    late = {
        ITEM.VALID_FROM: f"coalesce({our(ITEM.VALID_FROM)}, {_ALWAYS})",
        ITEM.TITLE: f"coalesce({our(ITEM.TITLE)}, {our(ITEM.ITEM_ID)})",
    }
    reasons = [
        FLAWED,
        Reason(f"{our(ITEM.ITEM_ID)} IS NULL", "'missing_item_id'"),
        unreadable(cells, ITEM.VALID_FROM, "bad_time"),
        bad_number(cells, ITEM.PRICE),
    ]
    return superseding(judge_rows(cells, columns, reasons, late), (ITEM.ITEM_ID, ITEM.VALID_FROM))


def judge_users(con: duckdb.DuckDBPyConnection, cells: Cells) -> str:
    """Raw rows as users; every column without another place is a trait. The last row of a user holds."""
    mapping = cells.mapping
    traits = {**{name: name for name in cells.rest()}, **mapping.traits}
    numeric = numeric_columns(con, cells, set(traits.values()))
    values = {
        name: short_number(cells.plain(theirs)) if theirs in numeric else json_text(cells.plain(theirs))
        for name, theirs in traits.items()
    }
    words = ", ".join(map(literal, _TRUE))
    consents = {
        name: f"CASE WHEN lower({cells.plain(theirs)}) IN ({words}) THEN 'true' WHEN {cells.plain(theirs)} IS NOT NULL"
        f" THEN 'false' END"
        for name, theirs in mapping.consents.items()
    }
    columns = {
        USER.USER_ID: cells.id(USER.USER_ID),
        USER.TRAITS: object_sql(values),
        USER.CONSENTS: object_sql(consents),
    }
    reasons = [FLAWED, Reason(f"{our(USER.USER_ID)} IS NULL", "'missing_user'")]
    return superseding(judge_rows(cells, columns, reasons), (USER.USER_ID,))


def superseding(judged: str, key: tuple[str, ...]) -> str:
    """The judged rows, where of several sound ones of one key only the last stays sound."""
    window = f"PARTITION BY {', '.join(key)}, {REASON} ORDER BY {VERDICT.FILE} DESC, {VERDICT.ROW} DESC"
    again = f"{REASON} IS NULL AND row_number() OVER ({window}) > 1"
    return f"SELECT * REPLACE (CASE WHEN {again} THEN 'superseded' ELSE {REASON} END AS {REASON}) FROM ({judged})"


def numeric_columns(con: duckdb.DuckDBPyConnection, cells: Cells, names: set[str]) -> set[str]:
    """Those columns of theirs whose every value is written as a number (no leading zeros: those are codes)."""
    texts = {column.name: text_sql(column) for column in cells.raw.columns if column.name in names}
    if not texts:
        return set()
    tests = [f"coalesce(bool_and(regexp_full_match({text}, {_NUMERIC})), FALSE)" for text in texts.values()]
    found = one_row(con, f"SELECT {', '.join(tests)} FROM ({cells.raw.relation})")
    return {name for name, numeric in zip(texts, found, strict=True) if numeric}


def write_entities(con: duckdb.DuckDBPyConnection, judged: Path, target: Path, schema_names: list[str]) -> None:
    """The accepted rows of items or users, in the order of their keys."""
    names = ", ".join(map(ident, schema_names))
    con.execute(
        f"COPY (SELECT {names} FROM read_parquet({literal(str(judged))}) WHERE {REASON} IS NULL ORDER BY 1, 2)"
        f" TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )


def write_carried_items(con: duckdb.DuckDBPyConnection, judged: Path, target: Path, mapping: Mapping) -> int:
    """One version of each item that events carry: each field's most frequent text, the median price.

    Ties go to the smaller text. Returns how many items; 0, and no file, where events carry no field.
    """
    fields = [name for name in ITEM_FIELDS if mapping.of(name)]
    if not fields or not mapping.of(EVENT.ITEM_ID):
        return 0
    rows = (
        f"(SELECT * FROM read_parquet({literal(str(judged))}) WHERE {REASON} IS NULL AND {EVENT.ITEM_ID} IS NOT NULL)"
    )
    parts = [f"SELECT DISTINCT {EVENT.ITEM_ID} FROM {rows}"]
    for name in fields:
        pick = _median_sql if name == ITEM.PRICE else _commonest_sql
        parts.append(pick(rows, EVENT.ITEM_ID, ident(ITEM_PREFIX + name), name))
    joined = f"({parts[0]}) ids" + "".join(f" LEFT JOIN ({part}) USING ({EVENT.ITEM_ID})" for part in parts[1:])
    have = {
        **{name: f"CAST(NULL AS VARCHAR) AS {name}" for name in ITEMS.names},
        **{name: name for name in fields},
        ITEM.ITEM_ID: ITEM.ITEM_ID,
        ITEM.VALID_FROM: f"{_ALWAYS} AS {ITEM.VALID_FROM}",
        ITEM.TITLE: f"coalesce({ITEM.TITLE}, {ITEM.ITEM_ID}) AS {ITEM.TITLE}"
        if ITEM.TITLE in fields
        else f"{ITEM.ITEM_ID} AS {ITEM.TITLE}",
        ITEM.AVAILABLE: f"TRUE AS {ITEM.AVAILABLE}",
    }
    if ITEM.PRICE not in fields:
        have[ITEM.PRICE] = f"CAST(NULL AS DOUBLE) AS {ITEM.PRICE}"
    shown = ", ".join(have[name] for name in ITEMS.names)
    return _copy(con, f"SELECT {shown} FROM {joined} ORDER BY {ITEM.ITEM_ID}", target)


def write_carried_users(con: duckdb.DuckDBPyConnection, judged: Path, target: Path, mapping: Mapping) -> int:
    """Each user's most frequent value of every trait that events carry; how many users."""
    if not mapping.traits:
        return 0
    rows = f"(SELECT * FROM read_parquet({literal(str(judged))}) WHERE {REASON} IS NULL)"
    parts = [
        _commonest_sql(rows, USER.USER_ID, ident(TRAIT_PREFIX + name), TRAIT_PREFIX + name) for name in mapping.traits
    ]
    joined = f"(SELECT DISTINCT {USER.USER_ID} FROM {rows}) ids"
    joined += "".join(f" LEFT JOIN ({part}) USING ({USER.USER_ID})" for part in parts)
    traits = object_sql({name: json_text(ident(TRAIT_PREFIX + name)) for name in mapping.traits})
    have = {USER.USER_ID: USER.USER_ID, USER.TRAITS: traits, USER.CONSENTS: "CAST(NULL AS VARCHAR)"}
    shown = ", ".join(f"{have[name]} AS {name}" for name in USERS.names)
    return _copy(con, f"SELECT {shown} FROM {joined} ORDER BY {USER.USER_ID}", target)


def _commonest_sql(rows: str, key: str, column: str, name: str) -> str:
    counts = f"SELECT {key}, {column} AS said, count(*) AS n FROM {rows} WHERE {column} IS NOT NULL GROUP BY 1, 2"
    ranked = f"SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY n DESC, said) AS place FROM ({counts})"
    return f"SELECT {key}, said AS {ident(name)} FROM ({ranked}) WHERE place = 1"


def _median_sql(rows: str, key: str, column: str, name: str) -> str:
    """The median over rows, from counts of distinct prices (so that memory does not grow with the rows)."""
    counts = f"SELECT {key}, {column} AS said, count(*) AS n FROM {rows} WHERE {column} > 0 GROUP BY 1, 2"
    running = (
        f"SELECT *, sum(n) OVER (PARTITION BY {key} ORDER BY said) AS upto, sum(n) OVER (PARTITION BY {key}) AS total"
        f" FROM ({counts})"
    )
    middle = "(min(said) FILTER (2 * upto >= total) + min(said) FILTER (2 * upto > total)) / 2"
    return f"SELECT {key}, {middle} AS {name} FROM ({running}) GROUP BY {key}"


def _copy(con: duckdb.DuckDBPyConnection, sql: str, target: Path) -> int:
    return int(one_row(con, f"COPY ({sql}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)")[0])
