"""Tags: what a user likes, per facet of the goods, each with its weight, lift, confidence, age and evidence.

With w_a the weight of action a and s_ia the decayed number of times the user did a to item i, a value v of a facet
has the support S(v) = max(0, Σ_{i in v} Σ_a w_a s_ia), and then

    weight(v)     = S(v) / Σ_v' S(v')                       the user's share
    lift(v)       = weight(v) / p(v)                        p: the population's share
    confidence(v) = P(θ > p(v)),  θ ~ Beta(κ p(v) + n(v),  κ (1 − p(v)) + N − n(v))
    trend(v)      = weight by the fast half-life / weight by the slow one

n(v) is the decayed number of events for v, each at most one, N their sum over the facet; what was taken back (uncart,
refund) takes from n as it does from S. The Beta is the posterior of the share under a prior of κ events from the
population.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc

from mien.core.clock import DAY_US, from_us
from mien.core.item import Facet
from mien.core.profile import Tag
from mien.features.decay import decayed
from mien.features.state import State, TallyArrays
from mien.profiles.options import ProfileOptions
from mien.profiles.yardstick import Yardstick

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MARGIN = 1e-6
"""More than the two tails of a Beta may miss 1 by."""
CODE = (1 << 32) - 1
"""Of the number that a facet's place and a value's code make together, the half that is the code."""


@dataclass(frozen=True, eq=False)
class Support:
    """A user's tallies of items, weighed as of a moment: columns of one length, one row an (item, action).

    `slow`, `fast`: decayed counts; `sign`: the weight of the action; `liked`: whether that is above 0.
    """

    tallies: TallyArrays
    item: npt.NDArray[np.int32]
    row: Ints
    slow: Floats
    fast: Floats
    sign: Floats
    liked: npt.NDArray[np.bool_]

    @cached_property
    def newness(self) -> Ints:
        """Place of each tally (by its position in `tallies`) by its newest event, 0 the newest; ties by event id."""
        tallies = self.tallies
        order = sorted(range(len(tallies.newest)), key=tallies.newest.__getitem__, reverse=True)
        by_time = np.array(order, dtype=np.int64)[np.argsort(-tallies.last_us[order], kind="stable")]
        place = np.empty(len(by_time), dtype=np.int64)
        place[by_time] = np.arange(len(by_time))
        return place


def support(state: State, weights: Floats, n_items: int, at_us: int) -> Support:
    """What the user did to items that says something of liking. `weights`: by action code. Cost: some 10 µs."""
    tallies = state.arrays()
    sign = weights[tallies.action]
    row = np.flatnonzero((tallies.item >= 0) & (tallies.item < n_items) & (sign != 0.0))
    settings = state.settings
    return Support(
        tallies=tallies,
        item=tallies.item[row],
        row=row,
        slow=decayed(tallies.slow[row], at_us, settings.slow_days),
        fast=decayed(tallies.fast[row], at_us, settings.fast_days),
        sign=sign[row],
        liked=sign[row] > 0.0,
    )


@dataclass(frozen=True, eq=False)
class Reading:
    """Some facets of one user. Columns by value liked, facet after facet: `value` is the code, `member` says which
    value a row is of; `parts`: where the values of each facet stand."""

    value: Ints
    member: Ints
    rows: Ints
    weight: Floats
    n: Floats
    trend: Floats
    parts: tuple[slice, ...]

    @cached_property
    def totals(self) -> list[float]:
        """The number of events of each facet."""
        return [float(self.n[part].sum()) for part in self.parts]

    def spread(self, by_facet: Sequence[float]) -> Floats:
        """A number of each facet, for each of its values."""
        return np.repeat(np.array(by_facet, dtype=np.float64), [part.stop - part.start for part in self.parts])


def read_facets(facets: Sequence[Facet], liking: Support) -> Reading:
    """The user's shares of the values of each facet, as of the moment of `liking`. Cost: one sort, for all of them."""
    codes = np.empty((len(facets), len(liking.item)), dtype=np.int64)
    for place, facet in enumerate(facets):
        codes[place] = facet.codes[liking.item]
    of, rows = np.nonzero(codes >= 0)
    value, member = np.unique((of << 32) + codes[of, rows], return_inverse=True)
    size, ends = len(value), np.searchsorted(value, np.arange(len(facets) + 1) << 32).tolist()
    parts = tuple(slice(*pair) for pair in itertools.pairwise(ends))

    def total(column: Floats) -> Floats:
        sums: Floats = np.bincount(member, weights=column[rows], minlength=size).astype(np.float64, copy=False)
        return sums

    signed = liking.slow * liking.sign
    gross = total(np.where(liking.liked, signed, 0.0))
    net = np.maximum(total(signed), 0.0)
    kept = np.divide(net, gross, out=np.zeros(size), where=gross > 0)
    weight, recent = _shares(net, parts), _shares(np.maximum(total(liking.fast * liking.sign), 0.0), parts)
    return Reading(
        value=value & CODE,
        member=member.astype(np.int64, copy=False),
        rows=rows,
        weight=weight,
        n=total(np.where(liking.liked, liking.slow, 0.0)) * kept,
        trend=np.divide(recent, weight, out=np.zeros(size), where=weight > 0),
        parts=parts,
    )


def read_facet(facet: Facet, liking: Support) -> Reading:
    """The same of one facet."""
    return read_facets((facet,), liking)


def read_tags(liking: Support, yardstick: Yardstick, at_us: int, options: ProfileOptions) -> tuple[Tag, ...]:
    """The tags of every facet, in the facets' order, heaviest first. Cost: about 0.2 ms a facet."""
    reading = read_facets(yardstick.facets, liking)
    behind, spans, tags = witnesses(reading, liking), span(reading, liking), list[Tag]()
    for facet, shares, part, total in zip(
        yardstick.facets, yardstick.shares, reading.parts, reading.totals, strict=True
    ):
        first, last, count = (column[part] for column in spans)
        value, weight, n = reading.value[part], reading.weight[part], reading.n[part]
        lasting_us = int(options.expiry_days(facet.name) * DAY_US)
        alive = (last + lasting_us > at_us) & (weight > 0) & (weight >= options.min_weight)
        ranked = np.lexsort((value, -weight))
        shown = ranked[alive[ranked]][: options.tags_per_facet]
        share = shares[value[shown]]
        lift = weight[shown] / share
        sure = confidence(n[shown], total, share, options.prior_strength)
        tags += [
            Tag(
                facet=facet.name,
                value=facet.values[int(value[k])],
                weight=float(weight[k]),
                lift=float(lift[place]),
                confidence=float(sure[place]),
                n=int(count[k]),
                first_seen=from_us(int(first[k])),
                last_seen=from_us(int(last[k])),
                trend=float(reading.trend[part.start + k]),
                source="observed",
                evidence=behind.newest_events(part.start + k, options.evidence),
                version=yardstick.version,
                expires=from_us(int(last[k]) + lasting_us),
            )
            for place, k in enumerate(shown.tolist())
        ]
    return tuple(tags)


def confidence(n: Floats, total: float | Floats, share: Floats, strength: float) -> Floats:
    """P(θ > share) of the posterior Beta(κp + n, κ(1 − p) + N − n): how sure it is that the lift exceeds 1.

    Where the facet has one value only, everybody's share is 1 and nothing can exceed it: 0.
    """
    prior = np.minimum(share, 1.0)
    after = np.maximum(strength * (1.0 - prior) + total - n, 1e-9)
    sure: Floats = betaincc(strength * prior + n, after, prior)
    return np.where(prior < 1.0, sure, 0.0)


def above_half(n: Floats, total: Floats, share: Floats, strength: float) -> Floats:
    """`confidence` where it is above one half, else anything up to that. Cost: a fifth, where few are so sure: whether
    they are is told by the other tail, which is computed twelve times as fast."""
    after = np.maximum(strength * (1.0 - share) + total - n, 1e-9)
    at = np.flatnonzero(betainc(strength * share + n, after, np.minimum(share, 1.0)) < 0.5 + MARGIN)
    sure = np.zeros(len(n))
    sure[at] = confidence(n[at], total[at], share[at], strength)
    return sure


@dataclass(frozen=True, eq=False)
class Witnesses:
    """The tallies that speak for each value of a reading: `rows[starts[k] : starts[k + 1]]` for k, newest first."""

    rows: Ints
    starts: Ints
    tallies: TallyArrays

    def newest_events(self, k: int, limit: int) -> tuple[str, ...]:
        """Event ids behind value k, newest first: the newest event of each (item, action)."""
        newest = self.rows[self.starts[k] : self.starts[k + 1]][:limit]
        return tuple(self.tallies.newest[row] for row in newest.tolist())


def witnesses(reading: Reading, liking: Support) -> Witnesses:
    """What stands behind the values of a facet. Cost: one sort of the user's tallies."""
    speaking = liking.liked[reading.rows]
    rows, member = liking.row[reading.rows[speaking]], reading.member[speaking]
    order = np.lexsort((liking.newness[rows], member))
    starts = np.searchsorted(member[order], np.arange(len(reading.value) + 1))
    return Witnesses(rows[order], starts, liking.tallies)


def span(reading: Reading, liking: Support) -> tuple[Ints, Ints, Ints]:
    """First and last time, and number of events, of those that speak for each value."""
    speaking = liking.liked[reading.rows]
    rows, member = liking.row[reading.rows[speaking]], reading.member[speaking]
    tallies, size = liking.tallies, len(reading.value)
    first = np.full(size, np.iinfo(np.int64).max)
    last = np.full(size, 0, dtype=np.int64)
    np.minimum.at(first, member, tallies.first_us[rows])
    np.maximum.at(last, member, tallies.last_us[rows])
    return first, last, np.bincount(member, weights=tallies.n[rows], minlength=size).astype(np.int64)


def _shares(values: Floats, parts: Iterable[slice]) -> Floats:
    """Of each part the shares of its values in their sum, 0 where that is 0."""
    shares = np.zeros_like(values)
    for part in parts:
        if (total := values[part].sum()) > 0:
            shares[part] = values[part] / total
    return shares
