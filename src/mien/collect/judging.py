"""Rows become events or verdicts, in one pass of SQL.

A row is judged by the first thing that is wrong with it. What a sound row means (a negative quantity, a bot) is for
`prepare` to judge. The SQL has three steps, each naming what the next one uses: texts, columns of ours, reasons.
"""

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

from mien.collect.cells import Cells
from mien.collect.engine import ident, literal
from mien.collect.mapping import ITEM_FIELDS
from mien.collect.raw import FILE, FLAW, ROW
from mien.core.clock import parse_time
from mien.core.event import Action
from mien.core.tables import EVENT, ITEM, VERDICT

EARLIEST, LATEST = "1970-01-02", "2100-01-01"
"""Events outside are verdicts (`time_out_of_range`): broken clocks and placeholders, not history."""

REASON, DETAIL, OWN_ID = "mien_reason", "mien_detail", "mien_own_id"
"""Columns of judged rows: why not (null: sound), what exactly, and the id of the source's own."""
ITEM_PREFIX, TRAIT_PREFIX = "mien_item_", "mien_trait_"
"""Columns of judged events that carry fields of items and traits of users."""
_SPENDING = ", ".join(literal(action) for action in (Action.PURCHASE, Action.REFUND))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row cannot be used: SQL of the condition, of the reason's word and of the detail."""

    holds: str
    word: str
    detail: str = "CAST(NULL AS VARCHAR)"


FLAWED = Reason(f"{FLAW} IS NOT NULL", FLAW)


def our(name: str) -> str:
    """A column of ours while the source's own columns stand beside it."""
    return ident(f"mien_our_{name}")


def judge_rows(
    cells: Cells, columns: Dict[str, str], reasons: list[Reason], late: Dict[str, str] | None = None, join: str = ""
) -> str:
    """Every raw row with `columns` of ours, where it stood, and the first of `reasons` that holds.

    `late`: columns made of others of ours, after the reasons were found.
    """
    late = late or {}
    shown = ", ".join(f"{sql} AS {our(name)}" for name, sql in columns.items())
    inner = f"SELECT raw.*, {shown} FROM ({cells.relation}) raw {join}"
    found = f"{_first(reasons, 'word')} AS {REASON}, {_first(reasons, 'detail')} AS {DETAIL}"
    kept = ", ".join(f"{late.get(name, our(name))} AS {ident(name)}" for name in columns)
    return f"SELECT {FILE} AS {VERDICT.FILE}, {ROW} AS {VERDICT.ROW}, {kept}, {found} FROM ({inner})"


def _first(reasons: Iterable[Reason], field: str) -> str:
    return f"CASE {' '.join(f'WHEN {reason.holds} THEN {getattr(reason, field)}' for reason in reasons)} END"


def judge_events(cells: Cells) -> str:
    """Raw rows as events; the table `said(mien_word, mien_action)` must hold what action a word is."""
    mapping = cells.mapping
    by_column = bool(mapping.of(EVENT.ACTION))
    columns = {
        OWN_ID: cells.id(EVENT.EVENT_ID),
        EVENT.USER_ID: cells.id(EVENT.USER_ID),
        EVENT.ACTION: "mien_action" if by_column else literal(str(mapping.action)),
        EVENT.ITEM_ID: cells.id(EVENT.ITEM_ID),
        EVENT.AT: _order_sql(cells) if mapping.time == "order" else cells.time(EVENT.AT),
        **{name: cells.number(name) for name in (EVENT.VALUE, EVENT.QUANTITY, EVENT.RATING)},
        **{name: cells.text(name) for name in (EVENT.QUERY, EVENT.TEXT)},
        EVENT.IMPRESSION_ID: cells.id(EVENT.IMPRESSION_ID),
        EVENT.PROPERTIES: cells.rest_json(),
        **{ITEM_PREFIX + name: cells.field(name) for name in ITEM_FIELDS if mapping.of(name)},
        **{TRAIT_PREFIX + name: cells.plain(column) for name, column in mapping.traits.items()},
    }
    late = {}
    if mapping.of(ITEM.PRICE) and not mapping.of(EVENT.VALUE):  # the price of a piece: money where money changed hands
        money = f"{our(ITEM_PREFIX + ITEM.PRICE)} * coalesce({our(EVENT.QUANTITY)}, 1)"
        late[EVENT.VALUE] = f"CASE WHEN {our(EVENT.ACTION)} IN ({_SPENDING}) THEN {money} END"
    join = f"LEFT JOIN said ON mien_word = lower({cells.text(EVENT.ACTION)})" if by_column else ""
    return judge_rows(cells, columns, _event_reasons(cells), late, join)


def _event_reasons(cells: Cells) -> list[Reason]:
    mapping = cells.mapping
    reasons = [FLAWED, Reason(f"{our(EVENT.USER_ID)} IS NULL", "'missing_user'")]
    if mapping.time == "column":
        span = f"{our(EVENT.AT)} NOT BETWEEN TIMESTAMPTZ '{EARLIEST}' AND TIMESTAMPTZ '{LATEST}'"
        reasons += [
            Reason(f"{cells.text(EVENT.AT)} IS NULL", "'missing_time'"),
            unreadable(cells, EVENT.AT, "bad_time"),
            Reason(span, "'time_out_of_range'", said(cells, EVENT.AT)),
        ]
    if mapping.of(EVENT.ACTION):
        reasons.append(Reason(f"{cells.text(EVENT.ACTION)} IS NULL", "'missing_action'"))
        reasons.append(unreadable(cells, EVENT.ACTION, "unknown_action"))
    numbers = [name for name in (EVENT.VALUE, EVENT.QUANTITY, EVENT.RATING) if mapping.of(name)]
    reasons += [bad_number(cells, name) for name in numbers]
    return reasons + ([bad_number(cells, ITEM.PRICE, ITEM_PREFIX + ITEM.PRICE)] if mapping.of(ITEM.PRICE) else [])


def unreadable(cells: Cells, target: str, word: str) -> Reason:
    """A cell that says something which could not be read as what it should be."""
    return Reason(f"{our(target)} IS NULL AND {cells.text(target)} IS NOT NULL", literal(word), said(cells, target))


def bad_number(cells: Cells, target: str, name: str | None = None) -> Reason:
    """A cell that should be a number and is none, or is not finite. `name`: our column, where it is not `target`."""
    number = our(name or target)
    holds = f"({number} IS NULL AND {cells.text(target)} IS NOT NULL) OR NOT isfinite({number})"
    return Reason(holds, "'bad_number'", said(cells, target))


def said(cells: Cells, target: str) -> str:
    """`price: 12abc`, for a verdict's detail."""
    return f"{literal(target + ': ')} || left({cells.text(target)}, 200)"


def _order_sql(cells: Cells) -> str:
    """One second a row, through all files in their order."""
    start, branches = 0, []
    for file in cells.raw.files:
        branches.append(f"WHEN {FILE} = {literal(file.name)} THEN {start}")
        start += file.rows + file.blank + 1
    offset = f"CASE {' '.join(branches)} ELSE 0 END"
    return f"TIMESTAMPTZ {literal(parse_time(cells.mapping.start).isoformat())} + to_seconds({ROW} + {offset})"
