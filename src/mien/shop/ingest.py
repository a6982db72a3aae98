"""Ingest: strangers' data in, each event once; what could not be used is a dead letter with a reason."""

import hashlib
import json
import shutil
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien import translation
from mien.collect.cleaned import clean_events, clean_verdicts
from mien.collect.cleaning import Cleaner
from mien.collect.mapping import Kind
from mien.collect.source import CollectOptions, Delivery, SourceReport, collect
from mien.core.consent import ANALYTICS
from mien.core.ports import Progress
from mien.core.tables import EVENT, ITEM, USER, VERDICT
from mien.core.user import User
from mien.prepare.reasons import describe
from mien.prepare.report import Arrivals
from mien.shop.workspace import Workspace
from mien.stores.catalog import Catalog
from mien.stores.durable import write_whole
from mien.stores.history import Appended, History
from mien.stores.items import ItemTable

DATASET = "dataset:"
IDS = (EVENT.EVENT_ID, EVENT.USER_ID, EVENT.ITEM_ID)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of each delivery. `mappings`: those that were drafted, as TOML; `items`, `users`: new or changed."""

    sources: tuple[SourceReport, ...]
    arrivals: Arrivals
    items: int
    users: int
    mappings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        a = self.arrivals
        events = {"read": a.read, "accepted": a.accepted, "rejected": a.rejected, "new": a.new}
        events |= {"duplicates": a.duplicates, "conflicts": a.conflicts, "erased": a.erased}
        events["no_consent"] = a.no_consent
        return {
            "events": events,
            "items": self.items,
            "users": self.users,
            "sources": [source.to_dict() for source in self.sources],
        }

    def lines(self, language: str = "en") -> list[str]:
        """For a terminal: one line on events, one on items and users, then what was noticed."""
        a, zh = self.arrivals, language == "zh"
        rejected = sum(a.rejected.values())
        ranked = sorted(a.rejected.items(), key=lambda r: -r[1])
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in ranked)
        why = f" ({reasons})" if reasons else ""
        if zh:
            reasons = "，".join(f"{describe(reason, 'zh')} {n:,}" for reason, n in ranked)
            why = f"（{reasons}）" if reasons else ""
            known = f"已有 {a.duplicates:,}，编号冲突 {a.conflicts:,}，已删除用户 {a.erased:,}"
            known += f"，未同意留存 {a.no_consent:,}" if a.no_consent else ""
            lines = [f"事件：读入 {a.read:,} 行，新增 {a.new:,}，拒收 {rejected:,}{why}；{known}"]
            lines.append(f"商品：新增或变更 {self.items:,}；用户：新增或变更 {self.users:,}")
        else:
            known = f"{a.duplicates:,} known already, {a.conflicts:,} conflicting, {a.erased:,} of erased users"
            known += f", {a.no_consent:,} of users who do not let them be kept" if a.no_consent else ""
            lines = [f"Events: {a.read:,} rows, {a.new:,} new, {rejected:,} rejected{why}; {known}"]
            lines.append(f"Items: {self.items:,} new or changed; users: {self.users:,} new or changed")
        told = [message for source in self.sources for message in source.messages]
        return lines + [f"  {translation.say(message, 'zh' if zh else 'en')}" for message in told]


@dataclass(frozen=True, slots=True)
class Intake:
    """Where deliveries go: the stores of one workspace. The caller holds the writer's lock."""

    workspace: Workspace
    catalog: Catalog
    history: History
    items: ItemTable
    options: CollectOptions
    now_us: int
    cleaner: Cleaner | None = None

    def take(self, kind: str, source: object, mapping: Path | None, progress: Progress) -> IngestReport:
        """Collect one source and keep what is in it: items and users first, so that events find them."""
        drafts = replace(self.options, draft=self.workspace.folder / f"{kind}.mapping.toml")
        with self._folder(kind) as folder:
            delivery = collect(
                cast(Kind, kind), source, folder=folder, options=drafts, mapping=mapping, progress=progress
            )
            self._clean(delivery)
            self._hush(delivery)
            own = isinstance(source, str) and source.startswith(DATASET)
            declared = own or kind == "items"
            items = self._keep_items(delivery.items, derived=not declared)
            users = self._keep_users(delivery.users)
            arrivals = self._keep_events(delivery, progress) if kind == "events" else Arrivals()
            if kind != "events":
                self.catalog.letters.bury_all(delivery.verdicts)
        self._remember_mapping(delivery.report)
        drafted = () if mapping or own else (delivery.report.mapping,)
        return IngestReport((delivery.report,), arrivals, items, users, drafted)

    def _clean(self, delivery: Delivery) -> None:
        """Take direct identifiers out of texts, properties and rows that could not be used."""
        if self.cleaner is not None:
            if delivery.events is not None:
                clean_events(delivery.events, self.cleaner)
            clean_verdicts(delivery.verdicts, self.cleaner, _columns(delivery.report, IDS))

    def _hush(self, delivery: Delivery) -> None:
        """Of rows that could not be used keep only the reason, where their user does not let be kept what they do."""
        if self.catalog.consents.all_allow(ANALYTICS):
            return
        columns = _columns(delivery.report, (EVENT.USER_ID,))
        verdicts = pq.read_table(delivery.verdicts)
        owners = [_owner(raw, columns) for raw in verdicts[VERDICT.RAW].to_pylist()]
        known = sorted({owner for owner in owners if owner is not None})
        allowed = dict(zip(known, self.catalog.profilable(known), strict=True))
        kept = [self.catalog.consents.otherwise if owner is None else allowed[owner] for owner in owners]
        for name in (VERDICT.DETAIL, VERDICT.RAW):
            place, column = verdicts.schema.get_field_index(name), verdicts[name]
            hushed = pc.if_else(pa.array(kept, pa.bool_()), column, pa.scalar(None, column.type))
            verdicts = verdicts.set_column(place, verdicts.schema.field(place), hushed)
        pq.write_table(verdicts, delivery.verdicts)

    @contextmanager
    def _folder(self, kind: str) -> Iterator[Path]:
        folder = self.workspace.spill / "incoming" / kind
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _keep_items(self, path: Path | None, *, derived: bool) -> int:
        if path is None:
            return 0
        versions = pq.read_table(path)
        self.catalog.items.add(versions[ITEM.ITEM_ID].to_pylist())
        return self.items.add(versions, derived=derived, undated_us=self.now_us)

    def _keep_users(self, path: Path | None) -> int:
        if path is None:
            return 0
        told = [_user(row, self.cleaner) for row in pq.read_table(path).to_pylist()]
        gone = self.catalog.erased([user.user_id for user in told])
        users = [user for user, erased in zip(told, gone, strict=True) if not erased]
        if not self.catalog.consents.otherwise:  # of strangers who never agreed not even the id is kept
            users = [user for user in users if user.consents or self.catalog.users.row(user.user_id) is not None]
        rows = self.catalog.users.add([user.user_id for user in users])
        return self.catalog.declare(zip(rows.tolist(), users, strict=True), at_us=self.now_us)

    def _keep_events(self, delivery: Delivery, progress: Progress) -> Arrivals:
        assert delivery.events is not None, "a delivery of events has events"
        done = progress.step("keep events", 1)
        report = delivery.report
        appended = self.history.append(delivery.events, report.source, delivery.verdicts, _arrivals(report, None))
        done(1)
        return Arrivals(**_arrivals(report, appended))

    def _remember_mapping(self, report: SourceReport) -> None:
        """Keep the mapping of each source, so that its dead letters can be read again."""
        digest = hashlib.sha256(report.mapping.encode()).hexdigest()[:8]
        name = f"{report.kind}.{digest}.{report.source.replace('/', '_')}.toml"
        write_whole(self.workspace.mappings / name, report.mapping)


def _arrivals(report: SourceReport, appended: Appended | None) -> dict[str, Any]:
    """What the quality report says of a delivery; what the log did with it, where that is known yet."""
    counts: dict[str, Any] = {"read": report.rows, "accepted": report.accepted, "rejected": report.rejected}
    if appended is not None:
        counts |= {"new": appended.new, "duplicates": appended.duplicates}
        counts |= {"conflicts": appended.conflicts, "erased": appended.erased, "no_consent": appended.no_consent}
    return counts


def _columns(report: SourceReport, names: Iterable[str]) -> frozenset[str]:
    """The columns of a source that hold some of ours."""
    found: set[str] = set()
    for one in (report, *report.also):
        named = tomllib.loads(one.mapping).get("map", {})
        for name in names:
            columns = named.get(name, [])
            found |= {columns} if isinstance(columns, str) else set(columns)
    return frozenset(found)


def _owner(raw: str | None, columns: Iterable[str]) -> str | None:
    """Whose a raw row is; None where that cannot be said."""
    try:
        row = json.loads(raw or "")
    except ValueError:
        return None
    said = [row[name] for name in columns if row.get(name) is not None] if isinstance(row, dict) else []
    return str(said[0]).strip() if said else None


def _user(row: dict[str, Any], cleaner: Cleaner | None) -> User:
    traits, consents = (json.loads(row[name] or "{}") for name in (USER.TRAITS, USER.CONSENTS))
    traits = traits if cleaner is None else cleaner.traits(traits)
    return User(row[USER.USER_ID], traits, consents)


def united(reports: list[IngestReport]) -> IngestReport:
    """Several deliveries as one report."""
    total = Arrivals()
    for report in reports:
        total = total + report.arrivals
    return IngestReport(
        tuple(source for report in reports for source in report.sources),
        total,
        sum(report.items for report in reports),
        sum(report.users for report in reports),
        tuple(mapping for report in reports for mapping in report.mappings),
    )
