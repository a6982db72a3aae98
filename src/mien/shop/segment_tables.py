"""What is counted of segments: overlaps, a segment beside everyone, RFM, cohorts, likeness; and the file of members."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
from scipy.special import xlogy

from mien.core.clock import from_us
from mien.core.errors import UsageError
from mien.profiles.crowd import LIFECYCLES, Crowd
from mien.profiles.tags import confidence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FORMS = ("csv", "parquet")
LIKE_IN = 5
"""Most tags that say in what somebody is like a segment."""


@dataclass(frozen=True, slots=True)
class Intersection:
    """How many users are in exactly these segments, and in no other of those compared."""

    segments: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """`sizes`: of each segment; `intersections`: all that hold anybody, the largest first."""

    as_of: datetime
    sizes: dict[str, int]
    intersections: tuple[Intersection, ...]


def overlaps(inside: Mapping[str, Mask], crowd: Crowd) -> Overlap:
    """Who is in exactly which of the segments."""
    names = list(inside)
    pattern = np.zeros(len(crowd), dtype=np.int64)
    for place, name in enumerate(names):
        pattern |= inside[name].astype(np.int64) << place
    kinds, counts = np.unique(pattern[pattern > 0], return_counts=True)
    found = [
        Intersection(tuple(name for place, name in enumerate(names) if kind >> place & 1), n)
        for kind, n in zip(kinds.tolist(), counts.tolist(), strict=True)
    ]
    found.sort(key=lambda one: (-one.size, one.segments))
    return Overlap(from_us(crowd.at_us), {name: int(mask.sum()) for name, mask in inside.items()}, tuple(found))


@dataclass(frozen=True, slots=True)
class Share:
    """One tag, trait or lifecycle in a segment and among everyone.

    `tgi`: 100 × share in the segment / share of everyone. `confidence`: probability that the segment's share is above
    everyone's, by a Beta posterior under a prior from everyone.
    """

    facet: str
    value: str
    users: int
    share: float
    everyone: int
    everyone_share: float
    tgi: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A segment beside everyone; `rows`: what tells them apart most first."""

    as_of: datetime
    size: int
    of: int
    rows: tuple[Share, ...]


def compared_with_all(
    crowd: Crowd, inside: Mask, facet: str | None, limit: int, told_traits: frozenset[str]
) -> Comparison:
    """What is more, or less, frequent among the members; what nobody in either has is left out."""
    size, of = int(inside.sum()), int(crowd.allowed.sum())
    rows = []
    for name, value, users in _marks(crowd, told_traits):
        held = users[crowd.allowed[users]]
        if (facet is None or facet == name) and len(held):
            rows.append((name, value, int(inside[held].sum()), len(held)))
    if not rows or not size:
        return Comparison(from_us(crowd.at_us), size, of, ())
    mine, all_ = (np.array([row[k] for row in rows], dtype=np.float64) for k in (2, 3))
    everyone = all_ / of
    sure = confidence(mine, float(size), everyone, crowd.options.prior_strength)
    told = [
        Share(name, value, k, k / size, n, n / of, 100 * (k / size) / (n / of), float(chance))
        for (name, value, k, n), chance in zip(rows, sure.tolist(), strict=True)
    ]
    apart = telling(mine, all_, size, of).tolist()
    order = sorted(zip(apart, told, strict=True), key=lambda one: (-one[0], -one[1].tgi, one[1].facet, one[1].value))
    return Comparison(from_us(crowd.at_us), size, of, tuple(row for _, row in order[:limit]))


def telling(inside: Floats, everyone: Floats, size: int, of: int) -> Floats:
    """How much having a value and being in the segment have to do with each other: 2 Σ O ln(O/E) of the four cells.

    Counts of who has it, inside and of all. 0 where the shares are equal; a value of few users is worth little, be its
    TGI what it may. Source: Dunning, Computational Linguistics 19 (1993), the log-likelihood ratio.
    """
    outside = everyone - inside
    seen = np.stack([inside, outside, size - inside, of - size - outside])
    expected = np.stack(
        [everyone * size, everyone * (of - size), (of - everyone) * size, (of - everyone) * (of - size)]
    )
    found: Floats = 2 * (xlogy(seen, seen) - xlogy(seen, np.maximum(expected / of, 1e-300))).sum(axis=0)
    return np.round(found, 9)


def _marks(crowd: Crowd, told_traits: frozenset[str]) -> Any:
    """Facet, value and the places of those who have it."""
    for level, facet in enumerate(crowd.yardstick.facets):
        table = crowd.tags(level)
        order = np.argsort(table.code, kind="stable")
        codes, starts = np.unique(table.code[order], return_index=True)
        for code, users in zip(codes.tolist(), np.split(table.user[order], starts[1:]), strict=True):
            yield facet.name, facet.values[code], users
    traits: dict[tuple[str, str], list[int]] = {}
    for place, told in enumerate(crowd.traits):
        for name, value in told.items():
            if name in told_traits:
                traits.setdefault((name, str(value)), []).append(place)
    for (name, text), places in sorted(traits.items()):
        yield name, text, np.array(places, dtype=np.int64)
    for k, life in enumerate(LIFECYCLES):
        yield "lifecycle", life, np.flatnonzero(crowd.life == k)


@dataclass(frozen=True, slots=True)
class RfmGrid:
    """`users[r − 1][f − 1]` and their `spend`, by quintiles of recency and frequency, 5 best. `without`: no order."""

    as_of: datetime
    users: tuple[tuple[int, ...], ...]
    spend: tuple[tuple[float, ...], ...]
    without: int


def grid(crowd: Crowd, inside: Mask) -> RfmGrid:
    """Those inside, by recency and frequency."""
    held = inside & ~np.isnan(crowd.rfm[:, 0])
    recency, frequency = (crowd.rfm[held, k].astype(np.int64) - 1 for k in (0, 1))
    users, spend = np.zeros((5, 5), dtype=np.int64), np.zeros((5, 5))
    np.add.at(users, (recency, frequency), 1)
    np.add.at(spend, (recency, frequency), crowd.spend[held])
    rounded = tuple(tuple(round(one, 6) for one in row) for row in spend.tolist())
    return RfmGrid(from_us(crowd.at_us), tuple(map(tuple, users.tolist())), rounded, int(inside.sum() - held.sum()))


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who came first in one period. `active[k]`: how many did anything in the k-th period after it, 0 its own."""

    period: str
    users: int
    active: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """Cohorts, oldest first; each as long as there has been time. `by`: month or week (of Monday)."""

    as_of: datetime
    by: str
    cohorts: tuple[Cohort, ...]


def retained(crowd: Crowd, inside: Mask, by: str) -> Retention:
    """Cohorts by first activity, in days of the shop's zone."""
    if by not in ("month", "week"):
        raise UsageError("Cohorts are by month or by week.")
    users, days = crowd.active
    periods = _periods(days, by)
    last = int(_periods(np.array([crowd.settings.shifts.day(crowd.at_us)]), by)[0])
    first = np.full(len(crowd), np.iinfo(np.int64).max)
    np.minimum.at(first, users, periods)
    pairs = np.unique(np.stack([users, periods], axis=1)[inside[users]], axis=0)
    born = first[pairs[:, 0]]
    cohorts = []
    for start in np.unique(born).tolist():
        mine = pairs[born == start]
        active = np.bincount(mine[:, 1] - start, minlength=last - start + 1)
        cohorts.append(Cohort(_period_name(start, by), len(np.unique(mine[:, 0])), tuple(active.tolist())))
    return Retention(from_us(crowd.at_us), by, tuple(cohorts))


def _periods(days: Ints, by: str) -> Ints:
    if by == "week":
        return (days + 3) // 7  # 1970-01-01 was a Thursday
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _period_name(period: int, by: str) -> str:
    return str(np.datetime64(period, "M")) if by == "month" else str(np.datetime64(period * 7 - 3, "D"))


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody like a segment. `likeness`: cosine to its middle, 0 … 1; `shared`: in what, "facet=value"."""

    user_id: str
    likeness: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """The most alike first. `inside`: mean likeness of the members themselves, to compare with."""

    as_of: datetime
    size: int
    inside: float | None
    users: tuple[Alike, ...]
    places: Any = None

    def named(self, ids: Sequence[str]) -> "Lookalike":
        """With the users' ids in place of where they stand."""
        users = tuple(replace(one, user_id=name) for one, name in zip(self.users, ids, strict=True))
        return replace(self, users=users, places=None)


def lookalikes(crowd: Crowd, inside: Mask, size: int) -> Lookalike:
    """Users outside by the cosine of their tags to the middle of those inside.

    A tag weighs as in the profile, times how rare it is, log(users / users with it); every facet's level has the same
    length, so that a deep category tree does not outweigh a brand.
    """
    vectors, names = interests(crowd)
    mine = np.flatnonzero(inside)
    middle = np.asarray(vectors[mine].sum(axis=0)).ravel() if len(mine) else np.zeros(vectors.shape[1])
    length = float(np.sqrt(middle @ middle))
    at = from_us(crowd.at_us)
    if not length:
        return Lookalike(at, 0, None, (), np.zeros(0, dtype=np.int64))
    middle /= length
    likeness = np.asarray(vectors @ middle).ravel()
    outside = np.flatnonzero(crowd.allowed & ~inside & (likeness > 0))
    best = outside[np.lexsort((outside, -likeness[outside]))][:size]
    told = []
    for place in best.tolist():
        row = vectors[[place]].tocoo()
        parts = row.data * middle[row.col]
        top = np.argsort(-parts, kind="stable")[:LIKE_IN]
        shared = tuple(names[int(row.col[k])] for k in top if parts[k] > 0)
        told.append(Alike("", round(float(likeness[place]), 6), shared))
    return Lookalike(at, len(told), round(float(likeness[mine].mean()), 6), tuple(told), best)


def interests(crowd: Crowd) -> tuple[sp.csr_array, list[str]]:
    """`(n, n_tags)`: everybody's tags as rows of length 1 (0 for who has none), and what the columns are called."""
    blocks, names = [], []
    for level, facet in enumerate(crowd.yardstick.facets):
        table = crowd.tags(level)
        cells = (table.weight, (table.user, table.code))
        block = sp.csr_array(sp.coo_array(cells, shape=(len(crowd), len(facet.values))))
        having = np.maximum(np.bincount(table.code, minlength=len(facet.values)), 1)
        blocks.append(_unit(sp.csr_array(block @ sp.diags_array(np.log(1 + len(crowd) / having)))))
        names += [f"{facet.name}={value}" for value in facet.values]
    if not blocks:
        return sp.csr_array((len(crowd), 0)), names
    return _unit(sp.csr_array(sp.hstack(blocks, format="csr"))), names


def _unit(rows: sp.csr_array) -> sp.csr_array:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(1 / np.where(length > 0, length, np.inf)) @ rows)


def members_file(members: Sequence[Any], form: str) -> bytes:
    """Members as the bytes of a CSV (UTF-8, a head line) or Parquet file; times are UTC."""
    if form not in FORMS:
        raise UsageError("Members are written as {forms}, not as “{form}”.", forms=" or ".join(FORMS), form=form)
    rows = [asdict(one) for one in members]
    if form == "parquet":
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=MEMBERS), buffer, compression="zstd")
        return buffer.getvalue()
    text = io.StringIO()
    writer = csv.DictWriter(text, MEMBERS.names)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "last_seen": row["last_seen"].isoformat().replace("+00:00", "Z")})
    return text.getvalue().encode()


MEMBERS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("lifecycle", pa.string(), nullable=False),
        pa.field("last_seen", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("orders", pa.int64(), nullable=False),
        pa.field("spend", pa.float64()),
        pa.field("rfm", pa.string()),
    ]
)
"""One row a member."""
