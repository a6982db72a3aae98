"""The door: any source becomes events, items or users in Parquet, with a verdict for every row that could not be."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import md5
from pathlib import Path
from shutil import rmtree
from typing import Any

import duckdb

from mien.collect.cells import Cells
from mien.collect.datasets import PREFIX, open_dataset
from mien.collect.draft import draft_mapping
from mien.collect.engine import engine
from mien.collect.entities import judge_items, judge_users, write_carried_items, write_carried_users, write_entities
from mien.collect.judging import judge_events
from mien.collect.mapping import Kind, Mapping, read_mapping
from mien.collect.raw import FileReport, Raw
from mien.collect.reading import count_rows, read_source
from mien.collect.vocabulary import Vocabulary, load_vocabulary
from mien.collect.writing import (
    register_actions,
    unite_verdicts,
    weeks_until,
    write_events,
    write_judged,
    write_verdicts,
)
from mien.core.clock import WEEK_US
from mien.core.errors import MappingNeeded, SourceError, UnknownName
from mien.core.event import ACTIONS
from mien.core.phrase import Phrase
from mien.core.ports import Progress, Silent
from mien.core.tables import EVENT, ITEMS, USERS

DEFAULT_SOURCE = "import"
"""The `source` of events whose ids are made from their content: equal rows are equal, whichever file they came in."""


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """How to collect. `zone`: of naive times where a mapping says none; `shift_to`: move all events forward by
    whole weeks so that the last is not later than this; `draft`: where a mapping that needs answers is written."""

    zone: str = "UTC"
    domain: str = "commerce"
    shift_to: datetime | None = None
    memory_limit: str = "1GB"
    threads: int = 2
    draft: Path | None = None


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What came in. Law: `rows == accepted + sum(rejected.values())`.

    `mapping`: the mapping used, as TOML; `messages`: what was assumed or left out; `items`, `users`: how many were
    derived from an events source; `shifted_weeks`: by how much times were moved;
    `also`: of a data set's events, the reports of its items and users.
    """

    kind: str
    source: str
    rows: int
    accepted: int
    rejected: dict[str, int]
    files: tuple[FileReport, ...]
    mapping: str
    messages: tuple[Phrase, ...] = ()
    items: int = 0
    users: int = 0
    shifted_weeks: int = 0
    also: tuple["SourceReport", ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self) | {"messages": [str(message) for message in self.messages]}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What collecting leaves, as Parquet: tables of the public schemas (None where there is none) and verdicts.

    `events` has the columns of EVENTS plus `fingerprint` int64, `file` and `row` (1-based) of each event.
    """

    events: Path | None
    items: Path | None
    users: Path | None
    verdicts: Path
    report: SourceReport


def collect(
    kind: Kind,
    source: object,
    *,
    folder: Path,
    options: CollectOptions | None = None,
    mapping: Path | Mapping | None = None,
    progress: Progress | None = None,
) -> Delivery:
    """Read `source` into `folder` (made if missing; its files of an earlier run are overwritten).

    `source`: a path, folder, glob, database URL, `dataset:NAME[:PATH]`, or a pandas, polars or Arrow table.
    Raises `SourceError` where nothing can be read, `MappingNeeded` where columns need a person's answer.
    Cost: one pass over the source's text, one over its rows; memory stays under `options.memory_limit` plus 200 MB.
    """
    options, progress = options or CollectOptions(), progress or Silent()
    folder.mkdir(parents=True, exist_ok=True)
    given = read_mapping(mapping, kind) if isinstance(mapping, Path) else mapping
    zone = (given.zone if given else None) or options.zone
    try:
        with engine(folder, memory_limit=options.memory_limit, threads=options.threads, zone=zone) as con:
            room = _Room(con, folder, load_vocabulary(options.domain), options, progress)
            if isinstance(source, str) and source.startswith(PREFIX):
                return _collect_dataset(room, kind, source, zone)
            raw = read_source(con, source, folder, mapping=given, vocabulary=room.vocabulary, progress=progress)
            used, notes = _mapping(room, raw, kind, given)
            return _deliver(room, kind, Cells(raw, used, zone), notes)
    finally:
        _clear(folder)


@dataclass(frozen=True, slots=True)
class _Room:
    """What every step of one run needs."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    vocabulary: Vocabulary
    options: CollectOptions
    progress: Progress


def _collect_dataset(room: _Room, kind: Kind, source: str, zone: str) -> Delivery:
    """A named data set; its events bring its items and users with them."""
    dataset, tables = open_dataset(room.con, source, room.folder, vocabulary=room.vocabulary, progress=room.progress)
    if kind not in tables:
        raise SourceError(
            "The data set {name} has no {kind}; it has {tables}.",
            name=dataset.name,
            kind=kind,
            tables=tables,
            path=source,
        )
    deliveries = {}
    for table in [kind] if kind != "events" else list(tables):
        raw, mapping = tables[table]
        deliveries[table] = _deliver(room, table, Cells(raw, mapping, mapping.zone or zone), ())
    first = deliveries[kind]
    others = [delivery for table, delivery in deliveries.items() if table != kind]
    report = replace(
        first.report,
        also=tuple(other.report for other in others),
        items=deliveries["items"].report.accepted if "items" in deliveries else first.report.items,
        users=deliveries["users"].report.accepted if "users" in deliveries else first.report.users,
    )
    return Delivery(
        first.events,
        next((other.items for other in others if other.items), first.items),
        next((other.users for other in others if other.users), first.users),
        unite_verdicts(
            room.con, [first.verdicts, *(other.verdicts for other in others)], room.folder / "verdicts.parquet"
        ),
        report,
    )


def _mapping(room: _Room, raw: Raw, kind: Kind, given: Mapping | None) -> tuple[Mapping, tuple[Phrase, ...]]:
    """The mapping given, checked against the columns; or the one drafted, where it leaves no question."""
    if given is not None:
        names = [column.name for column in raw.columns]
        for name in sorted(given.used()):
            if name not in names:
                raise UnknownName("column", name, names)
        return given, ()
    draft = draft_mapping(room.con, raw, kind, room.vocabulary)
    if draft.questions:
        path = room.options.draft or room.folder / f"{kind}.mapping.toml"
        path.write_text(draft.mapping.to_toml([*draft.questions, *draft.notes]), encoding="utf-8")
        raise MappingNeeded(
            "The columns do not say all. {questions: } A draft is at {draft}: complete it and hand it over with --map.",
            questions=draft.questions,
            draft=path,
            path=raw.files[0].name,
        )
    return draft.mapping, draft.notes


def source_name(mapping: Mapping) -> str:
    """The `source` of the events. Ids of a source's own are unique only within it, so columns tell sources apart."""
    if mapping.source or not mapping.of(EVENT.EVENT_ID):
        return mapping.source or DEFAULT_SOURCE
    columns = "\n".join(f"{ours}={','.join(theirs)}" for ours, theirs in sorted(mapping.map.items()))
    return f"{DEFAULT_SOURCE}-{md5(columns.encode(), usedforsecurity=False).hexdigest()[:8]}"


def _deliver(room: _Room, kind: Kind, cells: Cells, notes: tuple[Phrase, ...]) -> Delivery:
    """One table's rows judged once, then written: the accepted ones, what they carry, the verdicts."""
    con, folder, mapping = room.con, room.folder, cells.mapping
    done = room.progress.step(f"judge {kind}", 1)
    judged, verdicts, target = (
        folder / "judged.parquet",
        folder / f"verdicts-{kind}.parquet",
        folder / f"{kind}.parquet",
    )
    source = source_name(mapping)
    found: dict[Kind, Path | None] = {"events": None, "items": None, "users": None, kind: target}
    items = users = shift_us = 0
    if kind == "events":
        own = {str(action): action for action in ACTIONS}
        said = {word.casefold(): action for word, action in mapping.actions.items()}
        register_actions(con, {**own, **room.vocabulary.actions, **said})
        write_judged(con, judge_events(cells), judged)
        shift_us = weeks_until(con, judged, room.options.shift_to) if room.options.shift_to else 0
        write_events(con, judged, target, source=source, by_order=mapping.time == "order", shift_us=shift_us)
        items = write_carried_items(con, judged, folder / "items.parquet", mapping)
        users = write_carried_users(con, judged, folder / "users.parquet", mapping)
        found["items"] = folder / "items.parquet" if items else None
        found["users"] = folder / "users.parquet" if users else None
    else:
        write_judged(con, judge_items(cells) if kind == "items" else judge_users(con, cells), judged)
        write_entities(con, judged, target, (ITEMS if kind == "items" else USERS).names)
    rejected = write_verdicts(con, judged, verdicts, cells=cells, source=source)
    total = count_rows(con, judged)
    done(1)
    report = SourceReport(
        kind, source, total, total - sum(rejected.values()), rejected, cells.raw.files, mapping.to_toml(),
        (*cells.raw.messages, *notes), items, users, shift_us // WEEK_US,
    )  # fmt: skip
    return Delivery(found["events"], found["items"], found["users"], verdicts, report)


def _clear(folder: Path) -> None:
    """Drop what only this run needed, or an earlier one that was killed."""
    for path in [*folder.glob("raw-*.parquet"), folder / "judged.parquet"]:
        path.unlink(missing_ok=True)
    rmtree(folder / "spill", ignore_errors=True)
