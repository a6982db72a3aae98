"""How old things are: population, indexes and models."""

from datetime import timedelta

from mien.profiles.local import number
from mien.shop.standing import Artifact, Overview
from mien.web.look.parts import El, card, chip, table
from mien.web.look.visit import Visit


def freshness(visit: Visit, found: Overview) -> None:
    """A card with what builds and training left, the newest first."""
    with card(visit.say("freshness"), visit.say("freshness_more"), spec="section.card"):
        if not any(one.part == "model" for one in found.artifacts):
            with El("p.line"):
                chip(visit.say("part_model"), "warm")
                El("span.note", visit.say("no_models"))
        artifact_table(visit, found)


def artifact_table(visit: Visit, found: Overview) -> None:
    """Every artifact with its age and size."""
    heads = [visit.say(key) for key in ("artifact", "kind", "made", "age", "size")]
    ranked = sorted(found.artifacts, key=lambda one: (one.part != "model", one.part, one.name))
    rows = [_row(visit, one, found) for one in ranked]
    table(heads, rows, numbers=(3, 4), caption=visit.say("freshness")).classes("snug")


def _row(visit: Visit, one: Artifact, found: Overview) -> list[str]:
    old = age(visit, max(found.as_of - one.made, timedelta()))
    return [one.name, visit.say(f"part_{one.part}"), visit.moment(one.made), old, size(one.bytes)]


def age(visit: Visit, old: timedelta) -> str:
    """ "12 min", "3 h", "9 d"."""
    minutes = int(old.total_seconds() // 60)
    if minutes < 120:
        return visit.say("age_minutes", n=minutes)
    return visit.say("age_hours", n=minutes // 60) if minutes < 48 * 60 else visit.say("age_days", n=minutes // 1440)


def size(n: int) -> str:
    """ "512 B", "1.4 MB"."""
    for unit, whole in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= whole:
            return f"{number(n / whole, 1)} {unit}"
    return f"{n} B"
