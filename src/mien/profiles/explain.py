"""A question to the profile: why this tag? Which goods, which acts, which events, in numbers and in words."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mien.core.clock import from_us
from mien.core.errors import UnknownName
from mien.core.event import ACTIONS
from mien.core.item import Catalogue, Facet
from mien.core.profile import Profile, Tag
from mien.features.state import State
from mien.profiles.local import day
from mien.profiles.tags import read_facet, support
from mien.profiles.wording import Language, act, count, liking_name, number, say
from mien.profiles.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class Witness:
    """What one user did to one item by one action, and what share of the tag's weight (0 … 1) rests on it.

    `share` is negative for what was taken back. `event_id`: the newest of the `n` events.
    """

    item_id: str
    title: str
    action: str
    n: int
    share: float
    last_seen: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a user has a tag. `witnesses`: all of them, the weightiest first; their shares sum to 1."""

    tag: Tag
    witnesses: tuple[Witness, ...]
    reading: str


def explain_tag(
    profile: Profile,
    facet: str,
    value: str,
    state: State,
    catalogue: Catalogue,
    yardstick: Yardstick,
    at_us: int,
    *,
    language: Language = "en",
) -> Explanation:
    """Why `profile` (read from `state` at `at_us`) has the tag; `UnknownName`, naming the nearest it has, where not."""
    tags = {(tag.facet, tag.value): tag for tag in profile.tags}
    if (facet, value) not in tags:
        raise UnknownName("tag", f"{facet}={value}", [f"{name}={known}" for name, known in tags])
    tag = tags[facet, value]
    level = next(known for known in yardstick.facets if known.name == facet and value in known.values)
    witnesses = _witnesses(level, value, state, catalogue, yardstick, at_us)
    return Explanation(tag, witnesses, read_aloud(tag, witnesses, language, state.settings.zone))


def _witnesses(
    facet: Facet, value: str, state: State, catalogue: Catalogue, yardstick: Yardstick, at_us: int
) -> tuple[Witness, ...]:
    liking = support(state, yardstick.weights, len(catalogue), at_us)
    reading = read_facet(facet, liking)
    k = int(np.searchsorted(reading.value, facet.values.index(value)))
    rows = reading.rows[reading.member == k]
    parts = liking.slow[rows] * liking.sign[rows]
    tallies = liking.tallies
    found = []
    for row, share in zip(liking.row[rows].tolist(), (parts / parts.sum()).tolist(), strict=True):
        item = int(tallies.item[row])
        found.append(
            Witness(
                item_id=catalogue.item_id[item] or "",
                title=catalogue.title[item],
                action=str(ACTIONS[tallies.action[row]]),
                n=int(tallies.n[row]),
                share=share,
                last_seen=from_us(int(tallies.last_us[row])),
                event_id=tallies.newest[row],
            )
        )
    return tuple(sorted(found, key=lambda witness: (-witness.share, witness.event_id)))


def read_aloud(tag: Tag, witnesses: tuple[Witness, ...], language: Language, zone: str) -> str:
    """The tag in a few sentences of English or Chinese; every number in them is one of the tag's."""
    name = liking_name(language, tag.facet, tag.value)
    parts = [
        say(language, "tag_weight", tag=name, weight=f"{tag.weight:.0%}", lift=number(tag.lift)),
        say(language, "tag_sure", confidence=f"{tag.confidence:.0%}", events=count(language, tag.n, "event")),
    ]
    if witnesses:
        acts = [act(language, witness.action, witness.n, witness.title) for witness in witnesses[:3]]
        parts.append(say(language, "tag_acts", acts=("; " if language == "en" else "；").join(acts)))
    if not 0.8 <= tag.trend <= 1.25:
        parts.append(say(language, "tag_rising" if tag.trend > 1 else "tag_falling"))
    parts.append(say(language, "tag_expires", date=day(tag.expires, zone, language)))
    return (" " if language == "en" else "").join(parts)
