"""The quality report: what came in, what became of it, and why. Its counts always add up.

read = accepted + rejected
accepted = new + duplicates + conflicts + erased + no_consent     what the log did with it
new = judged + gone                                       gone: erased since, or after the moment asked for
judged = kept + dropped      kept = untouched + changed   what the judgement says
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir

from mien.core.clock import EPOCH, SECOND_US, zone_shifts
from mien.core.errors import MienError
from mien.core.tables import JUDGED, LOGGED
from mien.prepare.reasons import Language, describe
from mien.prepare.refunds import RefundCounts

BUCKET_S = 900
"""Events are counted per quarter of an hour, which every time zone is a multiple of."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in: rows read by collecting, and what the log did with the accepted ones. Deliveries add up."""

    read: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    new: int = 0
    duplicates: int = 0
    conflicts: int = 0
    erased: int = 0
    no_consent: int = 0

    def __add__(self, other: "Arrivals") -> "Arrivals":
        return Arrivals(
            self.read + other.read,
            self.accepted + other.accepted,
            dict(Counter(self.rejected) + Counter(other.rejected)),
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.conflicts + other.conflicts,
            self.erased + other.erased,
            self.no_consent + other.no_consent,
        )


@dataclass(frozen=True, slots=True)
class JudgedCounts:
    """What the judgement said of `events`.

    `dropped`: verdict → events, each under one. `repairs` and `flags`: reason → events, one event may stand under
    several; `changed` and `flagged` count it once. `days` (ISO date), `hours` (24) and `actions` count kept events
    in the shop's time zone.
    """

    events: int
    kept: int
    untouched: int
    changed: int
    flagged: int
    dropped: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)
    hours: tuple[int, ...] = (0,) * 24
    actions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What came in, was changed, dropped and flagged. `arrivals` is None where a log was judged by itself.

    `gone`: reason → events that are new to the log and yet not among the judged. `refunds`: how many found their
    purchase. `repeats`: rows equal to another in all but the id, kept or not.
    """

    judged: JudgedCounts
    arrivals: Arrivals | None = None
    gone: dict[str, int] = field(default_factory=dict)
    refunds: RefundCounts | None = None
    repeats: int | None = None

    def check(self) -> "QualityReport":
        """This report, or a `MienError` that names the sum which does not hold."""
        wrong = [f"{name}: {left:,} is not {right:,}" for name, left, right in self._sums() if left != right]
        j = self.judged
        for name, total, parts in (("changed", j.changed, j.repairs), ("flagged", j.flagged, j.flags)):
            counts = parts.values()
            if not max(counts, default=0) <= total <= sum(counts) or total > j.kept:
                wrong.append(f"{name}: {total:,} events cannot have {parts}")
        if wrong:
            raise MienError(
                "The quality report does not add up ({wrong}). Please report this as a defect.", wrong="; ".join(wrong)
            )
        return self

    def _sums(self) -> Iterator[tuple[str, int, int]]:
        a, j = self.arrivals, self.judged
        if a is not None:
            yield "read = accepted + rejected", a.read, a.accepted + sum(a.rejected.values())
            known = a.duplicates + a.conflicts + a.erased + a.no_consent
            yield "accepted = what the log did", a.accepted, a.new + known
            yield "new = judged + gone", a.new, j.events + sum(self.gone.values())
        yield "judged = kept + dropped", j.events, j.kept + sum(j.dropped.values())
        yield "kept = untouched + changed", j.kept, j.untouched + j.changed
        for name, parts in (("days", j.days.values()), ("hours", j.hours), ("actions", j.actions.values())):
            yield f"kept = {name}", j.kept, sum(parts)

    def lines(self, language: Language = "en") -> list[str]:
        """Five lines for a terminal."""
        j, zh = self.judged, language == "zh"
        if self.arrivals is None:
            came = f"读入：{j.events:,} 个事件" if zh else f"Came in: {j.events:,} events"
        else:
            came = _arrival_line(self.arrivals, language)
        if zh:
            return [
                came,
                f"保留：{j.kept:,}（未改动 {j.untouched:,}）",
                f"修正：{j.changed:,}{_listed(j.repairs, language)}",
                f"剔除：{sum(j.dropped.values()):,}{_listed(j.dropped, language)}",
                f"标记：{j.flagged:,}{_listed(j.flags, language)}{self._extras(language)}",
            ]
        return [
            came,
            f"Kept: {j.kept:,}, of which {j.untouched:,} as they came",
            f"Changed: {j.changed:,}{_listed(j.repairs, language)}",
            f"Left out: {sum(j.dropped.values()):,}{_listed(j.dropped, language)}",
            f"Flagged: {j.flagged:,}{_listed(j.flags, language)}{self._extras(language)}",
        ]

    def _extras(self, language: Language) -> str:
        zh, parts = language == "zh", []
        if self.refunds is not None and self.refunds.paired + self.refunds.unpaired:
            paired, total = self.refunds.paired, self.refunds.paired + self.refunds.unpaired
            parts.append(
                f"{total:,} 笔退款中 {paired:,} 笔找到对应购买"
                if zh
                else f"{paired:,} of {total:,} refunds found their purchase"
            )
        if self.repeats is not None:
            parts.append(f"完全重复的行 {self.repeats:,}" if zh else f"{self.repeats:,} exact repeats")
        return "".join(f"；{part}" if zh else f"; {part}" for part in parts)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; what was not counted is absent."""
        values = asdict(self)
        values["judged"]["hours"] = list(self.judged.hours)
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "QualityReport":
        """The report whose `to_dict` this was."""
        judged = dict(values["judged"])
        judged["hours"] = tuple(judged["hours"])
        arrivals, refunds = values.get("arrivals"), values.get("refunds")
        return cls(
            JudgedCounts(**judged),
            None if arrivals is None else Arrivals(**arrivals),
            dict(values.get("gone", {})),
            None if refunds is None else RefundCounts(**refunds),
            values.get("repeats"),
        )


def _arrival_line(a: Arrivals, language: Language) -> str:
    rejected = sum(a.rejected.values())
    known = {name: n for name in ("duplicates", "conflicts", "erased", "no_consent") if (n := getattr(a, name))}
    if language == "zh":
        return (
            f"读入：{a.read:,} 行；拒收 {rejected:,}{_listed(a.rejected, language)}；"
            f"新事件 {a.new:,}{_listed(known, language)}"
        )
    return (
        f"Came in: {a.read:,} rows; {rejected:,} rejected{_listed(a.rejected, language)}; "
        f"{a.new:,} new events{_listed(known, language)}"
    )


def _listed(counts: Mapping[str, int], language: Language) -> str:
    """ " (reason 12, other 3)", the most frequent first; nothing where there is nothing."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if language == "zh":
        return f"（{'，'.join(f'{describe(word, language)} {n:,}' for word, n in ranked)}）" if ranked else ""
    return f" ({', '.join(f'{describe(word, language)} {n:,}' for word, n in ranked)})" if ranked else ""


def count_judged(judged: ir.Table | Iterable[ir.Table], zone: str = "UTC") -> JudgedCounts:
    """Count a judged log (schema JUDGED_LOG), whole or in parts; days and hours are those of `zone`.

    Cost: one grouped pass; what leaves the engine grows with quarters of an hour and actions, not with events.
    """
    shifts = zone_shifts(zone)
    dropped: Counter[str] = Counter()
    repairs: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    days: Counter[int] = Counter()
    actions: Counter[str] = Counter()
    hours, events, changed, flagged = [0] * 24, 0, 0, 0
    for row in _grouped([judged] if isinstance(judged, ir.Table) else judged):
        n = row["n"]
        events += n
        if row["verdict"] is not None:
            dropped[row["verdict"]] += n
            continue
        changed += n if row["repair"] else 0
        flagged += n if row["flag"] else 0
        for words, counter in ((row["repair"], repairs), (row["flag"], flags)):
            for word in words.split(",") if words else ():
                counter[word] += n
        at_us = row["bucket"] * BUCKET_S * SECOND_US
        days[shifts.day(at_us)] += n
        hours[shifts.hour(at_us)] += n
        actions[row["action"]] += n
    kept = events - sum(dropped.values())
    return JudgedCounts(
        events,
        kept,
        kept - changed,
        changed,
        flagged,
        dict(dropped),
        dict(repairs),
        dict(flags),
        {_iso(day): days[day] for day in sorted(days)},
        tuple(hours),
        dict(actions),
    )


def _grouped(parts: Iterable[ir.Table]) -> Iterator[dict[str, Any]]:
    for judged in parts:
        rows = judged.select(
            verdict=judged[JUDGED.VERDICT],
            repair=judged[JUDGED.REPAIR],
            flag=judged[JUDGED.FLAG],
            action=judged[LOGGED.ACTION],
            bucket=judged[LOGGED.AT].epoch_seconds() // BUCKET_S,
        )
        grouped = rows.group_by(["verdict", "repair", "flag", "action", "bucket"]).agg(n=rows.count())
        for batch in grouped.to_pyarrow().to_batches(max_chunksize=65_536):
            yield from batch.to_pylist()


def _iso(day: int) -> str:
    first: date = EPOCH.date()
    return (first + timedelta(days=day)).isoformat()
