"""The person who asks, as ranking sees them: what they bought, looked at and like, by item and by facet value."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows, places
from mien.core.item import Facet
from mien.features.state import State, TallyArrays
from mien.profiles.options import ProfileOptions
from mien.profiles.tags import Reading, Support, Witnesses, above_half, read_facets, span, support, witnesses
from mien.profiles.yardstick import Yardstick

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
_BOUGHT = ACTION_CODE[Action.PURCHASE]
LIKED_VALUES = 30
"""Values of a facet that count as likings, heaviest first."""
EVIDENCE = 3
"""Events that are named as evidence of a liking."""
NOTHING = 1e-12
"""Decayed strength below which an act is as good as taken back."""


@dataclass(frozen=True, eq=False)
class History:
    """What a person did to items in one way: one entry an item, sorted by item row.

    `strength`: decayed count; `n`: plain count; `newest`, `heaviest`: position, in the tallies, of the newest act and
    of the one that weighs most.
    """

    item: Rows
    strength: Floats
    n: npt.NDArray[np.int64]
    newest: npt.NDArray[np.int64]
    heaviest: npt.NDArray[np.int64]

    def at(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Position of each of `rows` in this history, −1 where it is not in it."""
        if not len(self.item):
            return np.full(len(rows), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.item, rows), len(self.item) - 1)
        return np.where(self.item[place] == rows, place, -1)


@dataclass(frozen=True, eq=False)
class Liking:
    """How much a person likes the values of one facet more than others do: `value` their codes, `weight` the person's
    share, `strength` 0 … 1. `evidence(k)`: newest event ids behind value k."""

    facet: Facet
    value: Places
    weight: Floats
    strength: Floats
    evidence: Callable[[int], tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Person:
    """A user's state at a moment, ready for ranking. Made per question in under a millisecond."""

    state: State
    yardstick: Yardstick
    n_items: int
    at_us: int
    options: ProfileOptions

    @cached_property
    def _support(self) -> Support:
        return support(self.state, self.yardstick.weights, self.n_items, self.at_us)

    @cached_property
    def bought(self) -> History:
        """Purchases, what was refunded taken off."""
        s = self._support
        at = np.flatnonzero(s.tallies.action[s.row] == _BOUGHT)  # a state has one tally an item and action
        at = at[np.argsort(s.item[at])]
        strength, rows = self._less(s.item[at], s.slow[at], s.slow, ACTION_CODE[Action.REFUND]), s.row[at]
        return _left(s.item[at], strength, s.tallies.n[rows], rows, rows)

    @cached_property
    def seen(self) -> History:
        """Views, carts, favourites and the like; strength is weighed by action and decays by the fast half-life."""
        s = self._support
        at = np.flatnonzero(s.liked & (s.tallies.action[s.row] != _BOUGHT))
        item, member = np.unique(s.item[at], return_inverse=True)
        decayed, rows = s.fast * np.abs(s.sign), s.row[at]
        strength = np.bincount(member, weights=decayed[at], minlength=len(item)).astype(np.float64, copy=False)
        strength = self._less(item, strength, decayed, ACTION_CODE[Action.UNCART])
        count = np.bincount(member, weights=s.tallies.n[rows], minlength=len(item))
        newest, heaviest = _first_by(member, s.newness[rows]), _first_by(member, -s.sign[at])
        return _left(item, strength, count, rows[newest], rows[heaviest])

    def _less(self, item: Rows, strength: Floats, decayed: Floats, undone_by: int) -> Floats:
        """The strength by item without what acts of the kind `undone_by` took back."""
        s = self._support
        back = np.flatnonzero(s.tallies.action[s.row] == undone_by)
        place = places(item, s.item[back])
        found = place >= 0
        np.subtract.at(strength, place[found], decayed[back[found]])
        return strength

    @property
    def tallies(self) -> TallyArrays:
        """What the positions of a history point into."""
        return self._support.tallies

    @cached_property
    def liked(self) -> tuple[Rows, Floats]:
        """Items with positive support in all, strongest first, and that support (decayed action weights)."""
        s = self._support
        item, member = np.unique(s.item, return_inverse=True)
        total = np.maximum(np.bincount(member, weights=s.slow * s.sign, minlength=len(item)), 0.0)
        order = np.argsort(-total, kind="stable")
        order = order[total[order] > 0]
        return item[order].astype(np.int32), total[order]

    @cached_property
    def interests(self) -> tuple[Rows, Floats]:
        """The liked items, strongest first, and their shares of all support (summing to 1)."""
        items, total = self.liked
        return items, total / total.sum() if len(total) else total

    @cached_property
    def certainty(self) -> float:
        """n / (n + 3), n the decayed number of events about items: how far a person's history is to be trusted."""
        n = float(self._support.slow[self._support.liked].sum())
        return n / (n + 3.0)

    def newest_act(self, item: int) -> int:
        """Position in the tallies of the newest act that speaks for an item they have a history with."""
        return self._newest_acts[item]

    @cached_property
    def _newest_acts(self) -> dict[int, int]:
        s = self._support
        at = np.flatnonzero(s.liked)
        at = at[np.argsort(-s.newness[s.row[at]])]  # the newest last: it stays
        return dict(zip(s.item[at].tolist(), s.row[at].tolist(), strict=True))

    @cached_property
    def likings(self) -> list[Liking]:
        """Per facet weight / heaviest weight × max(0, 2 · confidence − 1), for the heaviest values.

        What everybody likes as much says nothing of the person: its confidence is one half or less. What has
        expired as a tag is no liking.
        """
        reading, strength = self._reading, self._strength(self._reading)
        columns = (
            (reading.value[part], reading.weight[part], strength[part], self._evidence(part)) for part in reading.parts
        )
        return [Liking(facet, *one) for facet, one in zip(self.yardstick.facets, columns, strict=True)]

    @cached_property
    def _reading(self) -> Reading:
        return read_facets(self.yardstick.facets, self._support)

    def _strength(self, reading: Reading) -> Floats:
        """Of each value, 0 … 1."""
        facets, weight = self.yardstick.facets, reading.weight
        lasting = [self.options.expiry_days(facet.name) * DAY_US for facet in facets]
        _, last, _ = span(reading, self._support)
        counts = (weight > 0) & (last + reading.spread(lasting) > self.at_us)
        for part in reading.parts:
            if part.stop - part.start > LIKED_VALUES:
                counts[part.start + np.argsort(-weight[part], kind="stable")[LIKED_VALUES:]] = False
        at = np.flatnonzero(counts)
        shares = [of[reading.value[part]] for of, part in zip(self.yardstick.shares, reading.parts, strict=True)]
        heaviest = reading.spread([weight[part].max(initial=0.0) for part in reading.parts])
        n, total, share = reading.n, reading.spread(reading.totals), np.concatenate([*shares, np.empty(0)])
        sure = above_half(n[at], total[at], share[at], self.options.prior_strength)
        strength = np.zeros(len(weight))
        strength[at] = weight[at] / heaviest[at] * np.maximum(2.0 * sure - 1.0, 0.0)
        return strength

    def _evidence(self, part: slice) -> Callable[[int], tuple[str, ...]]:
        return lambda k: self._witnesses.newest_events(part.start + k, EVIDENCE)

    @cached_property
    def _witnesses(self) -> Witnesses:
        return witnesses(self._reading, self._support)


def _left(item: Rows, strength: Floats, n: npt.NDArray[Any], newest: Places, heaviest: Places) -> History:
    """The history of the items of which anything is left."""
    left = np.flatnonzero(strength > NOTHING)
    counts = n[left].astype(np.int64)
    return History(item[left].astype(np.int32), strength[left], counts, newest[left], heaviest[left])


def _first_by(member: npt.NDArray[np.int64], key: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Per group (0 … g − 1, none empty) the position of the entry with the lowest key."""
    order = np.lexsort((key, member))
    sorted_members = member[order]
    starts = np.flatnonzero(sorted_members != np.concatenate([[-1], sorted_members[:-1]]))
    first: npt.NDArray[np.int64] = order[starts]
    return first
