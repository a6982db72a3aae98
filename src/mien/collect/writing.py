"""Judged rows become tables: each event gets its id and fingerprint, each unusable row its verdict."""

from collections.abc import Mapping as Dict
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from mien.collect.cells import Cells, json_text
from mien.collect.engine import ident, literal, one_row
from mien.collect.judging import DETAIL, OWN_ID, REASON
from mien.collect.raw import FILE, RAW_LIMIT, ROW
from mien.core.clock import WEEK_US, to_us
from mien.core.event import Action
from mien.core.tables import EVENT, EVENTS, LOGGED, VERDICT

_AT = ident(EVENT.AT)  # a word of SQL: never bare


def write_judged(con: duckdb.DuckDBPyConnection, sql: str, target: Path) -> None:
    """Judged rows as Parquet. Cost: the one pass over the source's text."""
    con.execute(f"COPY ({sql}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)")


def write_events(
    con: duckdb.DuckDBPyConnection, judged: Path, target: Path, *, source: str, by_order: bool, shift_us: int
) -> None:
    """The accepted rows as EVENTS plus fingerprint, file and row; ids by the rule of `event_id_sql`."""
    at = f"{_AT} + to_microseconds({shift_us})" if shift_us else _AT
    made = {EVENT.EVENT_ID: event_id_sql(), EVENT.SOURCE: literal(source), EVENT.AT: at}
    names = [*EVENTS.names, LOGGED.FINGERPRINT, VERDICT.FILE, VERDICT.ROW]
    shown = ", ".join(f"{made.get(name, ident(name))} AS {ident(name)}" for name in names)
    content = content_sql(by_order=by_order)
    _find_repeats(con, judged, content)
    rows = (
        f"SELECT *, md5({content}) AS mien_digest, {fingerprint_sql(content)} AS {LOGGED.FINGERPRINT}"
        f" FROM read_parquet({literal(str(judged))}) LEFT JOIN again USING ({VERDICT.FILE}, {VERDICT.ROW})"
        f" WHERE {REASON} IS NULL"
    )
    con.execute(f"COPY (SELECT {shown} FROM ({rows})) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)")


def _find_repeats(con: duckdb.DuckDBPyConnection, judged: Path, content: str) -> None:
    """The table `again`: rows without an id of their own that an equal row of their file precedes, and how many do."""
    hashed = (
        f"SELECT {VERDICT.FILE}, {VERDICT.ROW}, md5_number({content}) AS mien_hash"
        f" FROM read_parquet({literal(str(judged))}) WHERE {REASON} IS NULL AND {OWN_ID} IS NULL"
    )
    several = f"SELECT {VERDICT.FILE}, mien_hash FROM ({hashed}) GROUP BY ALL HAVING count(*) > 1"
    window = f"PARTITION BY {VERDICT.FILE}, mien_hash ORDER BY {VERDICT.ROW}"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE again AS SELECT {VERDICT.FILE}, {VERDICT.ROW}, row_number() OVER ({window}) - 1"
        f" AS mien_before FROM ({hashed}) SEMI JOIN ({several}) USING ({VERDICT.FILE}, mien_hash)"
    )


def content_sql(*, by_order: bool) -> str:
    """What makes an event the same event: its columns as text. Made-up times (`time = "order"`) are left out."""
    texts = {
        **{name: ident(name) for name in EVENTS.names if name not in (EVENT.EVENT_ID, EVENT.SOURCE)},
        EVENT.AT: "''" if by_order else f"CAST(epoch_us({_AT}) AS VARCHAR)",
        **{name: f"CAST({ident(name)} AS VARCHAR)" for name in (EVENT.VALUE, EVENT.QUANTITY, EVENT.RATING)},
    }
    return f"concat_ws(chr(31), {', '.join(f'coalesce({text}, chr(30))' for text in texts.values())})"


def fingerprint_sql(content: str) -> str:
    """The lower 64 bits of the content's MD5, as a signed integer."""
    return f"CAST(CAST(md5_number_lower({content}) AS HUGEINT) - 9223372036854775808 AS BIGINT)"


def event_id_sql() -> str:
    """The source's own id; else 20 hex digits of the content's MD5, with `-k` for the k-th further equal row."""
    again = "CASE WHEN mien_before > 0 THEN '-' || mien_before ELSE '' END"
    return f"coalesce({OWN_ID}, left(mien_digest, 20) || {again})"


def write_verdicts(
    con: duckdb.DuckDBPyConnection, judged: Path, target: Path, *, cells: Cells, source: str
) -> dict[str, int]:
    """The rejected rows as VERDICTS, with what they held; how many for each reason.

    A row's JSON beyond `RAW_LIMIT` is kept as a JSON string of its beginning.
    """
    held = f"SELECT * FROM read_parquet({literal(str(judged))}) WHERE {REASON} IS NOT NULL"
    counts = con.execute(f"SELECT {REASON}, count(*) FROM ({held}) GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    rows = f"SELECT {FILE} AS raw_file, {ROW} AS raw_row, {cells.row_json()} AS whole FROM ({cells.relation})"
    whole = f"CASE WHEN length(whole) > {RAW_LIMIT} THEN {json_text(f'left(whole, {RAW_LIMIT - 200})')} ELSE whole END"
    shown = {
        VERDICT.SOURCE: literal(source),
        VERDICT.FILE: VERDICT.FILE,
        VERDICT.ROW: VERDICT.ROW,
        VERDICT.REASON: REASON,
        VERDICT.DETAIL: DETAIL,
        VERDICT.RAW: whole if counts else "CAST(NULL AS VARCHAR)",
    }
    joined = f"({held}) LEFT JOIN ({rows}) ON {VERDICT.FILE} = raw_file AND {VERDICT.ROW} = raw_row"
    con.execute(
        f"COPY (SELECT {', '.join(f'{sql} AS {ident(name)}' for name, sql in shown.items())}"
        f" FROM {joined if counts else f'({held})'} ORDER BY {VERDICT.FILE}, {VERDICT.ROW})"
        f" TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return {str(reason): int(count) for reason, count in counts}


def weeks_until(con: duckdb.DuckDBPyConnection, judged: Path, until: datetime) -> int:
    """µs of the whole weeks that move the latest accepted time forward to not later than `until`; never back."""
    sound = f"read_parquet({literal(str(judged))}) WHERE {REASON} IS NULL"
    latest = one_row(con, f"SELECT max(epoch_us({_AT})) FROM {sound}")[0]
    return 0 if latest is None else max(0, (to_us(until) - int(latest)) // WEEK_US) * WEEK_US


def register_actions(con: duckdb.DuckDBPyConnection, words: Dict[str, Action]) -> None:
    """The table `said`: a word in lower case, and the action it is."""
    table = pa.table({"mien_word": list(words), "mien_action": [str(action) for action in words.values()]})
    con.register("said", table)


def unite_verdicts(con: duckdb.DuckDBPyConnection, paths: list[Path], target: Path) -> Path:
    """Several files of verdicts as one."""
    if len(paths) > 1:
        files = ", ".join(literal(str(path)) for path in paths)
        con.execute(f"COPY (SELECT * FROM read_parquet([{files}])) TO {literal(str(target))} (FORMAT parquet)")
        return target
    return paths[0]
