"""Deliveries without direct identifiers: the texts and properties of events, and rows that could not be used.

Most rows have none, and most files: the engine looks for what may be one in whole columns; only those rows are read.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.collect.cleaning import Cleaner
from mien.core.personal import PERSONAL
from mien.core.tables import EVENT, VERDICT

Clean = Callable[[str], str]

_NAMES = "|".join("[_. -]*".join(map(re.escape, name)) for names in PERSONAL.values() for name in names)
MAYBE = "|".join(
    (
        "@",
        r"[0-9](?:[ -]?[0-9]){14}",  # cards, resident ids
        r"(?:^|[^0-9])1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?:[^0-9]|$)",  # mobiles in China
        r"\+[1-9](?:[ ().-]{0,2}[0-9]){7}",
        r"[2-9][0-9]{2}[).-] ?[2-9][0-9]{2}[. -][0-9]{4}",
        r"0[0-9]{2,3}-[0-9]{7}",
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
        r"[0-9a-fA-F]:[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:",
        r"[A-Za-z]{2}[0-9]{2}(?: ?[0-9A-Za-z]{4}){2}",  # account numbers
        r"[A-Za-z][0-9]{6}\(",
        r"[０-９＠]",
        r"(?i:护照|護照|passport|电话|手机|手機|联系方式|微信|\btel|\bphone|\bmobile|whatsapp)[^0-9]{0,16}[0-9a-z]",
        f'"(?i:{_NAMES})": ?',
    )
)
"""What every match of `identifiers` and every field of `core.personal` has, for an engine without look-around."""


def clean_events(path: Path, cleaner: Cleaner) -> int:
    """Take identifiers out of a delivery's events, in place; how many values changed.

    Cost: one look at three columns; a file that has any is written once more.
    """
    texts: dict[str, Clean] = {EVENT.QUERY: cleaner.text, EVENT.TEXT: cleaner.text, EVENT.PROPERTIES: cleaner.json}
    return _clean(path, texts, every=cleaner.more is not None)


def clean_verdicts(path: Path, cleaner: Cleaner, ids: frozenset[str]) -> int:
    """The same for rows that could not be used. `ids`: their columns that say who and what, which stay."""
    texts: dict[str, Clean] = {VERDICT.DETAIL: cleaner.text, VERDICT.RAW: lambda raw: cleaner.json(raw, ids)}
    return _clean(path, texts, every=cleaner.more is not None)


def _clean(path: Path, columns: dict[str, Clean], *, every: bool) -> int:
    file = pq.ParquetFile(path)
    changed: dict[int, dict[str, pa.Array]] = {}
    total = 0
    for number in range(file.num_row_groups):
        group = file.read_row_group(number, columns=[name for name in columns if name in file.schema_arrow.names])
        for name in group.column_names:
            column, n = _cleaned(group[name].combine_chunks(), columns[name], every=every)
            if n:
                changed.setdefault(number, {})[name] = column
                total += n
    if total:
        _rewrite(file, path, changed)
    return total


def _cleaned(column: pa.Array, clean: Clean, *, every: bool) -> tuple[pa.Array, int]:
    """A column of texts without identifiers, and how many values that changed. `every`: any text may have one."""
    maybe = pc.is_valid(column) if every else pc.fill_null(pc.match_substring_regex(column, MAYBE), False)
    rows = pc.indices_nonzero(maybe).to_pylist()
    new = {}
    for row in rows:
        text = column[row].as_py()
        if (cleaned := clean(text)) != text:
            new[row] = cleaned
    if not new:
        return column, 0
    mask = pa.array([row in new for row in range(len(column))], pa.bool_())
    return pc.replace_with_mask(column, mask, pa.array(list(new.values()), column.type)), len(new)


def _rewrite(file: pq.ParquetFile, path: Path, changed: dict[int, dict[str, pa.Array]]) -> None:
    half = path.with_name(path.name + ".cleaned")
    with pq.ParquetWriter(half, file.schema_arrow, compression="zstd") as out:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number)
            for name, column in changed.get(number, {}).items():
                place = group.schema.get_field_index(name)
                group = group.set_column(place, group.schema.field(place), column)
            out.write_table(group)
    file.close()
    half.replace(path)
