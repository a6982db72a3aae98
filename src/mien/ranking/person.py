"""The person who asks, as ranking sees them: what they bought, looked at and like, by item and by facet value."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.core.item import Facet
from mien.features.state import State, TallyArrays
from mien.profiles.options import ProfileOptions
from mien.profiles.tags import Reading, Support, Witnesses, confidence, read_facet, span, support, witnesses
from mien.profiles.yardstick import Yardstick

Floats = npt.NDArray[np.float64]
_BOUGHT = ACTION_CODE[Action.PURCHASE]
LIKED_VALUES = 30
"""Values of a facet that count as likings, heaviest first."""
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
    """How much a person likes the values of one facet more than others do: `strength` by value of `reading`, 0 … 1."""

    facet: Facet
    reading: Reading
    strength: Floats
    support: Support

    @cached_property
    def _witnesses(self) -> Witnesses:
        return witnesses(self.reading, self.support)

    def evidence(self, k: int, limit: int = 3) -> tuple[str, ...]:
        """Newest event ids behind value k. Cost: one sort of the person's acts the first time."""
        return self._witnesses.newest_events(k, limit)


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
        return self._history(self._support.tallies.action[self._support.row] == _BOUGHT, ACTION_CODE[Action.REFUND])

    @cached_property
    def seen(self) -> History:
        """Views, carts, favourites and the like; strength is weighed by action and decays by the fast half-life."""
        action = self._support.tallies.action[self._support.row]
        return self._history(self._support.liked & (action != _BOUGHT), ACTION_CODE[Action.UNCART], fast=True)

    def _history(self, chosen: npt.NDArray[np.bool_], undone_by: int, *, fast: bool = False) -> History:
        """The chosen tallies by item; what `undone_by` took back is taken off, items with nothing left go."""
        s = self._support
        decayed = s.fast * np.abs(s.sign) if fast else s.slow
        back = s.tallies.action[s.row] == undone_by
        item, member = np.unique(s.item[chosen], return_inverse=True)
        strength: Floats = np.zeros(len(item))
        np.add.at(strength, member, decayed[chosen])
        gone = np.isin(s.item[back], item)
        np.subtract.at(strength, np.searchsorted(item, s.item[back][gone]), decayed[back][gone])
        rows = s.row[chosen]
        count = np.bincount(member, weights=s.tallies.n[rows], minlength=len(item)).astype(np.int64)
        newest = _first_by(member, s.newness[rows])
        heaviest = _first_by(member, -s.sign[chosen])
        left = np.flatnonzero(strength > NOTHING)
        return History(
            item[left].astype(np.int32), strength[left], count[left], rows[newest[left]], rows[heaviest[left]]
        )

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
        order = np.lexsort((item, -total))
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
        s = self._support
        rows = s.row[s.liked & (s.item == item)]
        return int(rows[np.argmin(s.newness[rows])])

    @cached_property
    def likings(self) -> list[Liking]:
        """Per facet weight / heaviest weight × max(0, 2 · confidence − 1), for the heaviest values.

        What everybody likes as much says nothing of the person: its confidence is one half or less. What has
        expired as a tag is no liking.
        """
        found = []
        for facet, shares in zip(self.yardstick.facets, self.yardstick.shares, strict=True):
            reading = read_facet(facet, self._support)
            strength = np.zeros(len(reading.value))
            top = np.argsort(-reading.weight, kind="stable")[:LIKED_VALUES]
            if len(top) and reading.weight[top[0]] > 0:
                share = shares[reading.value[top]]
                sure = confidence(reading.n[top], float(reading.n.sum()), share, self.options.prior_strength)
                relative = reading.weight[top] / reading.weight[top[0]]
                _, last, _ = span(reading, self._support)
                alive = last[top] + self.options.expiry_days(facet.name) * DAY_US > self.at_us
                strength[top] = relative * np.maximum(2.0 * sure - 1.0, 0.0) * alive
            found.append(Liking(facet, reading, strength, self._support))
        return found


def _first_by(member: npt.NDArray[np.int64], key: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Per group (0 … g − 1, none empty) the position of the entry with the lowest key."""
    order = np.lexsort((key, member))
    sorted_members = member[order]
    starts = np.flatnonzero(np.diff(sorted_members, prepend=-1))
    first: npt.NDArray[np.int64] = order[starts]
    return first
