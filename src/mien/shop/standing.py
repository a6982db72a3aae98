"""How the shop stands: what happened lately, how far the profiles have come, how old and how good things are."""

import json
import threading
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from mien.core.clock import DAY_US, HOUR_US, SECOND_US, from_us
from mien.core.errors import UsageError
from mien.features.pulse import Pulse, active, pulse
from mien.profiles.census import DAYS, LIFTS, FacetCensus, census
from mien.profiles.rule import conditions, read_rule
from mien.shop.lately import of_history, with_tail
from mien.shop.opened import Opened
from mien.shop.runs import runs
from mien.shop.workspace import Workspace

T = TypeVar("T")

ACTIVE_DAYS = (1, 7, 28)
LONGEST_DAYS = 366
FRESH_S = 5
"""What was counted may be shown again for so long while new events come in."""
REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something that a build or a training left: `part` is population, index or model; `made` by the file's time."""

    part: str
    name: str
    made: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class Overview:
    """How a shop stands at `as_of`.

    `users`: with a profile; `active`: days → users who did something in them. `built_as_of`: what the last build
    covers. `unfolded`: tracked events that are not in the profiles yet; `tail`: tracked since the last build.
    `quality`: the report of the last build (`prepare.report`), None before one was made.
    """

    as_of: datetime
    built_as_of: datetime
    population: str
    users: int
    active: dict[int, int]
    unfolded: int
    tail: int
    dead_letters: int
    pulse: Pulse
    quality: dict[str, Any] | None = None
    artifacts: tuple[Artifact, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        told = asdict(self) | {"as_of": _iso(self.as_of), "built_as_of": _iso(self.built_as_of)}
        told["active"] = {str(days): n for days, n in self.active.items()}
        told["artifacts"] = [asdict(one) | {"made": _iso(one.made)} for one in self.artifacts]
        return told


@dataclass(frozen=True, slots=True)
class FacetTags:
    """The census of a facet, with how well its tags foretold purchases on the newest run of `evaluate` (None where it
    was not measured), and the saved segments whose rules speak of it."""

    census: FacetCensus
    accuracy: dict[str, Any] | None
    segments: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self.census) | {"accuracy": self.accuracy, "segments": list(self.segments)}


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of everybody as of a moment, a facet or level of a path each."""

    as_of: datetime
    facets: tuple[FacetTags, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; `lift_edges` and `day_edges` name the bins, the last of each open."""
        edges = {"lift_edges": list(LIFTS[:-1]), "day_edges": list(DAYS[:-1])}
        return {"as_of": _iso(self.as_of), **edges, "facets": [one.to_dict() for one in self.facets]}


@dataclass(slots=True)
class Kept:
    """Answers that cost something, by what they depend on; for several threads. The oldest give way."""

    _answers: dict[Hashable, object] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for a key, or is made now; one at a time."""
        with self._lock:
            if key not in self._answers:
                self._answers[key] = make()
                while len(self._answers) > REMEMBERED:
                    del self._answers[next(iter(self._answers))]
            return self._answers[key]  # type: ignore[return-value]


class Standing(Opened):
    """What a shop is asked about itself. Safe for several threads."""

    _kept: Kept | None = None

    @property
    def kept(self) -> Kept:
        if self._kept is None:
            self._kept = Kept()
        return self._kept

    def overview(self, days: int = 28) -> Overview:
        """How the shop stands now, with what happened in the last `days` (by the hour up to 7, else by the day).

        Raises `NotReady` before the first build. Cost: the history of those days is read once a build, a second or two
        for a million events; then some ms, and as much for a few thousand tracked events.
        """
        if not 1 <= days <= LONGEST_DAYS:
            raise UsageError(
                "An overview is of 1 to {longest_days} days, not of {days}.", longest_days=LONGEST_DAYS, days=days
            )
        serving = self._served(None)
        stock, build, at_us = self.stock, serving.build, self._at(None, serving)
        shifts = stock.settings.fold.shifts
        since_us = (shifts.day(at_us) - max(days, *ACTIVE_DAYS) - 1) * DAY_US
        judgement, logged = serving.judgement, tuple(stock.history.paths())

        def counted() -> tuple[Pulse, dict[int, int]]:
            history = self.kept.of(
                ("history", since_us, build.population, logged), lambda: of_history(stock, judgement, since_us)
            )
            events = with_tail(stock, judgement, history, since_us)
            return pulse(events, shifts, at_us, days), {n: active(events, at_us, n) for n in ACTIVE_DAYS}

        persons = frozenset(stock.catalog.stitches().items())
        stands = (build, logged, persons, stock.tail.end(), at_us // (FRESH_S * SECOND_US))
        found, active_users = self.kept.of(("overview", days, *stands), counted)
        return Overview(
            as_of=from_us(at_us),
            built_as_of=build.as_of,
            population=build.population,
            users=len(stock.states),
            active=active_users,
            unfolded=stock.tail.count(since=stock.states.offset()),
            tail=len(stock.tail),
            dead_letters=sum(stock.catalog.letters.counts().values()),
            pulse=found,
            quality=_json(self.workspace.reports / "quality.json"),
            artifacts=artifacts(self.workspace),
        )

    def tags(self) -> "Tags":
        """What tags everybody has, facet by facet; counted once a build and hour, as of `as_of`.

        Cost: everybody's profile is read, a fraction of a millisecond a user, then a sort of their tags.
        """
        serving = self._served(None)
        at_us = self._at(None, serving)

        def counted() -> tuple[datetime, tuple[FacetCensus, ...]]:
            crowd = self._crowds.now(serving, at_us)
            return from_us(crowd.at_us), census(crowd, serving.catalogue)

        as_of, facets = self.kept.of(("tags", serving.build, at_us // HOUR_US), counted)
        newest = (self.evaluations() or [{}])[-1].get("evaluation", {})
        measured = {(row["facet"], row["level"]): row for row in newest.get("profile", ())}
        used = self._rules_by_facet()
        told = [
            FacetTags(one, measured.get((one.facet, one.level)), tuple(sorted(used.get(one.facet, ()))))
            for one in facets
        ]
        return Tags(as_of, tuple(told))

    def _rules_by_facet(self) -> dict[str, set[str]]:
        """Facet → the saved segments whose rules speak of its tags."""
        used: dict[str, set[str]] = {}
        for saved in self._saved.all():
            for test in conditions(read_rule(saved.rule)):
                kind, _, name = test.field.partition(".")
                if kind == "tag":
                    used.setdefault(name, set()).add(saved.name)
        return used

    def evaluations(self) -> list[dict[str, Any]]:
        """The runs of `evaluate` that were kept, oldest first, each `{at, as_of, population, evaluation}`."""
        return runs(self.workspace)


def artifacts(workspace: Workspace) -> tuple[Artifact, ...]:
    """What builds and training left: the newest population, each index and each model."""
    found = []
    snapshots = sorted(workspace.population.glob("p-*.npz"), key=lambda path: path.stat().st_mtime)
    found += [_artifact("population", path) for path in snapshots[-1:]]
    for part, folder in (("index", workspace.index), ("model", workspace.models)):
        if folder.is_dir():
            found += [_artifact(part, path) for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    return tuple(found)


def _artifact(part: str, path: Path) -> Artifact:
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    stats = [one.stat() for one in files] or [path.stat()]
    made = datetime.fromtimestamp(max(one.st_mtime for one in stats), UTC)
    return Artifact(part, path.stem if path.is_file() else path.name, made, sum(one.st_size for one in stats))


def _json(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
