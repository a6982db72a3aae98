"""The census of tags: of each facet, who has one of its tags, how telling the tags are, and how fresh."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mien.core.item import Catalogue
from mien.profiles.crowd import Crowd, TagTable

Floats = npt.NDArray[np.float64]

LIFTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, float("inf"))
"""Edges of the bins that lifts are counted in; a bin has its lower edge."""
DAYS = (0.0, 7.0, 30.0, 90.0, float("inf"))
"""The same for days since the last sign of a tag."""
SURE = 0.9
"""From this probability on a lift above 1 is called sure."""


@dataclass(frozen=True, slots=True)
class TagCount:
    """One tag: who has it. `weight`, `lift`, `days`: medians over them; `sure`: share of them with a sure lift."""

    value: str
    users: int
    weight: float
    lift: float
    sure: float
    days: float


@dataclass(frozen=True, slots=True)
class FacetCensus:
    """One facet, or one level of a path.

    `values`: how many there are; `items`: share of goods that have one; `users` of `of` have a tag (`of`: those who let
    tags be read), `tags` in all. `lifts`, `days`: tags by `LIFTS` and `DAYS`. `median_lift`, `median_days`: of all
    tags, None without any. `sure`: share of tags whose lift is surely above 1. `top`: the tags with the most users.
    """

    facet: str
    level: int
    values: int
    items: float
    users: int
    of: int
    tags: int
    lifts: tuple[int, ...]
    days: tuple[int, ...]
    median_lift: float | None
    median_days: float | None
    sure: float | None
    top: tuple[TagCount, ...]


def census(crowd: Crowd, catalogue: Catalogue, most: int = 25) -> tuple[FacetCensus, ...]:
    """Count the tags of every facet. `most`: how many tags are named. Cost: a sort of everybody's tags."""
    known = int(catalogue.known.sum()) or 1
    of = int(crowd.personal.sum())
    found = []
    for level, facet in enumerate(crowd.yardstick.facets):
        table = crowd.tags(level)
        having = int((facet.codes[: len(catalogue)][catalogue.known[: len(facet.codes)]] >= 0).sum())
        some = len(table.user) > 0
        found.append(
            FacetCensus(
                facet=facet.name,
                level=facet.level,
                values=len(facet.values),
                items=having / known,
                users=len(np.unique(table.user)),
                of=of,
                tags=len(table.user),
                lifts=_binned(table.lift, LIFTS),
                days=_binned(table.days, DAYS),
                median_lift=float(np.median(table.lift)) if some else None,
                median_days=float(np.median(table.days)) if some else None,
                sure=float((table.confidence >= SURE).mean()) if some else None,
                top=_top(table, most),
            )
        )
    return tuple(found)


def _binned(numbers: Floats, edges: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(int(((numbers >= low) & (numbers < high)).sum()) for low, high in pairwise(edges))


def _top(table: TagTable, most: int) -> tuple[TagCount, ...]:
    """The tags that most users have; ties by name."""
    order = np.argsort(table.code, kind="stable")
    codes, starts = np.unique(table.code[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(codes) else []
    ranked = sorted(zip(codes.tolist(), parts, strict=True), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(
        TagCount(
            value=table.facet.values[code],
            users=len(rows),
            weight=float(np.median(table.weight[rows])),
            lift=float(np.median(table.lift[rows])),
            sure=float((table.confidence[rows] >= SURE).mean()),
            days=float(np.median(table.days[rows])),
        )
        for code, rows in ranked[:most]
    )
