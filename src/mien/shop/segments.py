"""Segments of a shop: tried, saved with every version, and asked who is in them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import from_us
from mien.core.errors import UnknownName, UsageError
from mien.core.personal import kind_of_trait
from mien.profiles.crowd import LIFECYCLES, Crowd
from mien.profiles.rule import Plain, Rule, read_rule, rule_json, rule_text
from mien.profiles.segments import Vocabulary, members, settled, value_name
from mien.shop.crowding import Crowds, intent_names
from mien.shop.opened import HERE
from mien.shop.segment_tables import (
    Comparison,
    Lookalike,
    Overlap,
    Retention,
    RfmGrid,
    compared_with_all,
    grid,
    lookalikes,
    members_file,
    overlaps,
    retained,
)
from mien.shop.serving import Serving
from mien.stores.durable import whole
from mien.stores.saved import Saved, SavedSegments

EVERYONE = "everyone"
"""The name that stands for all who may be in a segment."""
RESERVED = (EVERYONE, "fields", "overlap")
NAME = re.compile(r"[^\x00-\x1f\x7f/\ud800-\udfff]{1,100}")
SAMPLE = 10
EVERYBODY = 2**62

Mask = npt.NDArray[np.bool_]
Served = Callable[[], tuple[Serving, int]]
"""What answers now, and which moment now is (µs)."""
Of = str | Mapping[str, Any] | None
"""A segment: the name of a saved one, a rule as JSON values, or everyone."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something a rule may test. `kind`: name or number; `values`: those a name has, the most frequent first."""

    name: str
    kind: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom a rule fits. `of`: all who may be in a segment; `left_out`: who may not, since they did not allow it."""

    rule: dict[str, Any]
    text: str
    size: int
    of: int
    left_out: int
    as_of: datetime
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A saved segment, in its newest version or an older one. `size`: None for an older one."""

    name: str
    version: int
    saved: datetime
    note: str
    rule: dict[str, Any]
    text: str
    size: int | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a segment. `spend` and `rfm` are None for who never ordered, or never for a price that was said."""

    user_id: str
    lifecycle: str
    last_seen: datetime
    events: int
    orders: int
    spend: float | None = None
    rfm: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """A page of members, by user id as it was first seen. `total`: how many there are."""

    total: int
    as_of: datetime
    members: tuple[Member, ...]


class Segments:
    """The segments of a shop; each answer is as of the moment it names. Safe for several threads."""

    def __init__(
        self, saved: SavedSegments, crowds: Crowds, served: Served, now_us: Callable[[], int], note: Callable[..., int]
    ) -> None:
        self._saved, self._crowds, self._served, self._now_us, self._note = saved, crowds, served, now_us, note

    # -- rules ------------------------------------------------------------------------------------------------

    def fields(self) -> list[Field]:
        """Everything a rule of this shop may test, with the values that names have; and the bounds of tags."""
        serving, crowd = self._crowd()
        words = self._words(serving, crowd)
        values = {f"tag.{name}": tuple(sorted(known)) for name, known in words.facets.items()}
        values |= {f"trait.{name}": tuple(sorted(set(map(value_name, known)))) for name, known in words.traits.items()}
        values["lifecycle"] = LIFECYCLES
        return [Field(name, "name" if name in values else "number", values.get(name, ())) for name in words.fields()]

    def rule(self, rule: str | Mapping[str, Any]) -> dict[str, Any]:
        """A rule, from text or JSON values, with every name by its full form; errors name the nearest known."""
        return rule_json(self._settled(rule))

    def preview(self, rule: str | Mapping[str, Any], sample: int = SAMPLE) -> Preview:
        """Whom a rule fits now: how many, and some of them."""
        found = self._settled(rule)
        _, crowd = self._crowd()
        inside = members(found, crowd)
        return Preview(
            rule_json(found),
            rule_text(found),
            int(inside.sum()),
            int(crowd.allowed.sum()),
            int(len(crowd) - crowd.allowed.sum()),
            from_us(crowd.at_us),
            tuple(self._ids(crowd, np.flatnonzero(inside)[:sample])),
        )

    # -- saved ones -------------------------------------------------------------------------------------------

    def save(self, name: str, rule: str | Mapping[str, Any], note: str = "") -> Segment:
        """Save a rule under a name; what the name held before stays in its history. The same rule again is no version.

        `UsageError` for a name with control characters, a stroke, or one that is taken (everyone, fields, overlap).
        """
        if not NAME.fullmatch(name) or name != name.strip() or name.casefold() in RESERVED:
            taken = ", ".join(RESERVED)
            raise UsageError(
                "A segment's name has 1 to 100 characters, no stroke, and is none of {taken}.", taken=taken
            )
        found = rule_json(self._settled(rule))
        before = self._saved.history(name)
        if not before or before[0].rule != found:
            self._saved.save(name, found, self._now_us(), note[:1000])
        return self.get(name)

    def all(self) -> list[Segment]:
        """Every saved segment with its size now, by name."""
        saved = self._saved.all()
        _, crowd = self._crowd() if saved else (None, None)
        return [self._told(one, crowd) for one in saved]

    def get(self, name: str) -> Segment:
        """A saved segment with its size now; `UnknownName` with the nearest."""
        return self._told(self._newest(name), self._crowd()[1])

    def history(self, name: str) -> list[Segment]:
        """Every version of a segment that had a rule, newest first; also of one that was deleted."""
        found = self._saved.history(name)
        if not found:
            raise UnknownName("segment", name, [one.name for one in self._saved.all()])
        return [self._told(one, None) for one in found if one.rule is not None]

    def delete(self, name: str) -> None:
        """Delete a segment; its history stays, and saving one of that name goes on with it."""
        self._newest(name)
        self._saved.save(name, None, self._now_us(), "deleted")

    # -- who is in them ---------------------------------------------------------------------------------------

    def members(self, of: Of, limit: int = 50, offset: int = 0) -> Members:
        """Who is in a segment, a page of them."""
        _, crowd = self._crowd()
        places = np.flatnonzero(self._inside(of, crowd))
        page = places[offset : offset + limit]
        ids = self._ids(crowd, page)
        told = tuple(_member(crowd, int(place), name) for place, name in zip(page, ids, strict=True))
        return Members(len(places), from_us(crowd.at_us), told)

    def overlap(self, names: list[str]) -> Overlap:
        """How several segments overlap: how many users are in exactly which of them."""
        if not 2 <= len(dict.fromkeys(names)) <= 8:
            raise UsageError("Name two to eight segments to see how they overlap.")
        _, crowd = self._crowd()
        return overlaps({name: self._inside(name, crowd) for name in names}, crowd)

    def versus(self, of: Of, facet: str | None = None, limit: int = 100) -> Comparison:
        """A segment beside everyone: for each tag, trait and lifecycle how many have it, and how much more often."""
        serving, crowd = self._crowd()
        traits = frozenset(self._words(serving, crowd).traits)
        known = (*serving.yardstick.facet_names, *sorted(traits), "lifecycle")
        if facet is not None and facet not in known:
            raise UnknownName("facet", facet, known)
        return compared_with_all(crowd, self._inside(of, crowd), facet, limit, traits)

    def rfm(self, of: Of = None) -> RfmGrid:
        """How many users, and their spend, by quintiles of recency and frequency."""
        _, crowd = self._crowd()
        return grid(crowd, self._inside(of, crowd))

    def retention(self, of: Of = None, by: str = "month") -> Retention:
        """Of those who came first in one month (or week): the share that did anything in each later one."""
        _, crowd = self._crowd()
        return retained(crowd, self._inside(of, crowd), by)

    def lookalike(self, of: Of, size: int = 100) -> Lookalike:
        """The users most like a segment among those who are not in it, by their tags; how alike, and in what."""
        if not 1 <= size <= 1_000_000:
            raise UsageError("A look-alike audience has 1 to 1,000,000 users.")
        _, crowd = self._crowd()
        found = lookalikes(crowd, self._inside(of, crowd), size)
        return found.named(self._ids(crowd, found.places))

    def alike(self, user: str, size: int = 10) -> Lookalike:
        """The users most like one, by their tags; nobody is like one without tags, or one who is in no segment."""
        serving, crowd = self._crowd()
        row = serving.stock.catalog.users.row(user)
        if row is None:
            raise UnknownName("user", user)
        itself = crowd.allowed & (crowd.rows == serving.stock.persons(row)[0])
        found = lookalikes(crowd, itself, size)
        return found.named(self._ids(crowd, found.places))

    def export(self, of: Of, out: Path | str, form: str | None = None, *, by: str = HERE) -> int:
        """Write all members as CSV or Parquet (by the file's ending, or `form`); returns how many. The audit notes it.

        `by`: who asked, by the id of their key.
        """
        form = form or Path(out).suffix.lower().lstrip(".")
        content, n = self._exported(of, form, by)
        with whole(Path(out)) as file:
            file.write(content)
        return n

    def exported(self, of: Of, form: str = "csv", *, by: str = HERE) -> bytes:
        """What `export` writes."""
        return self._exported(of, form, by)[0]

    def _exported(self, of: Of, form: str, by: str) -> tuple[bytes, int]:
        found = self.members(of, limit=EVERYBODY).members
        content = members_file(found, form)
        self._note("segment.export", by=by, segment=of if isinstance(of, str) else None, members=len(found), form=form)
        return content, len(found)

    def containing(self, crowd: Crowd) -> tuple[str, ...]:
        """Of a crowd of one: the names of the saved segments it is in."""
        return tuple(one.name for one in self._saved.all() if members(read_rule(one.rule), crowd).any())

    # -- inside -----------------------------------------------------------------------------------------------

    def _crowd(self) -> tuple[Serving, Crowd]:
        serving, at_us = self._served()
        return serving, self._crowds.now(serving, at_us)

    def _words(self, serving: Serving, crowd: Crowd) -> Vocabulary:
        facets: dict[str, frozenset[str]] = {}
        for facet in serving.yardstick.facets:
            facets[facet.name] = facets.get(facet.name, frozenset()) | frozenset(facet.values)
        traits: dict[str, set[Plain]] = {}
        personal = serving.stock.settings.privacy.personal
        for told in crowd.traits:
            for name, value in told.items():
                if kind_of_trait(name, personal) is None:  # an e-mail is nobody's segment
                    traits.setdefault(name, set()).add(value)
        return Vocabulary(
            facets, {name: frozenset(known) for name, known in sorted(traits.items())}, intent_names(serving)
        )

    def _settled(self, rule: str | Mapping[str, Any]) -> Rule:
        serving, crowd = self._crowd()
        return settled(read_rule(rule if isinstance(rule, str) else dict(rule)), self._words(serving, crowd))

    def _newest(self, name: str) -> Saved:
        found = {one.name: one for one in self._saved.all()}
        if name not in found:
            raise UnknownName("segment", name, found)
        return found[name]

    def _inside(self, of: Of, crowd: Crowd) -> Mask:
        if of is None or of == EVERYONE:
            return crowd.allowed
        rule = read_rule(self._newest(of).rule) if isinstance(of, str) else self._settled(of)
        return members(rule, crowd)

    def _ids(self, crowd: Crowd, places: npt.NDArray[np.int64]) -> list[str]:
        serving, _ = self._served()
        return [key or "" for key in serving.stock.catalog.users.keys(crowd.rows[places].tolist())]

    def _told(self, one: Saved, crowd: Crowd | None) -> Segment:
        rule = read_rule(one.rule)
        size = None if crowd is None else int(members(rule, crowd).sum())
        as_of = None if crowd is None else from_us(crowd.at_us)
        saved = from_us(one.at_us)
        return Segment(one.name, one.version, saved, one.note, rule_json(rule), rule_text(rule), size, as_of)


def _member(crowd: Crowd, place: int, user_id: str) -> Member:
    quintiles = crowd.rfm[place]
    return Member(
        user_id,
        LIFECYCLES[crowd.life[place]],
        from_us(int(crowd.last_us[place])),
        int(crowd.counts[place, :, -1].sum()),
        int(crowd.orders[place]),
        round(float(crowd.spend[place]), 6) if crowd.priced[place] else None,
        "-".join(str(int(one)) for one in quintiles) if not np.isnan(quintiles).any() else None,
    )


def plain(told: Any) -> Any:
    """What was told, as JSON-ready values: dataclasses to dicts without what is unknown, times to ISO 8601."""
    if hasattr(told, "__dataclass_fields__"):
        return {name: plain(value) for name, value in asdict(told).items() if value is not None}
    if isinstance(told, Mapping):
        return {str(name): plain(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [plain(one) for one in told]
    return told.isoformat().replace("+00:00", "Z") if isinstance(told, datetime) else told
