"""Rhythm: what is bought again, after how long, and what is not; by item, backing off over its categories.

*Gap.* Mean log days between purchases of one item by one user, of the shop, then of each category level, then of the
item, each drawn towards the one before by `prior` gaps; a user's own gaps weigh against the item's as n − 1 to 1.

*Due.* P(bought within `horizon_days`), counted at moments of the past: pairs of user and item by how often bought
(decayed), by days since the last time over the expected gap, and by that gap; thin cells are drawn towards coarser
ones. Times a factor of the category and the item: purchases that came over those foretold, gamma-Poisson, drawn to
the level above.

*Again.* Of the first purchases that lie `policy_days` back, the share followed by the same item, and by anything of the
same category, within `policy_days`: milk comes again, a fridge does not. The shop's own share is drawn to one half.

The idea of due by gaps and a repeat probability by item: Bhagat, Muralidharan, Lobzhanidze, Vishwanath, KDD 2018.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.gaps import Pairs, Steps, drawn, pairs_of, steps_of
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.model import Model
from mien.models.ranked import Scores

Floats = npt.NDArray[np.float64]
STRENGTHS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.5, 3.2, 4.0, 5.0, 6.5, 8.5, 11.0, 15.0, 20.0, 30.0)
"""Lower ends of the bins of how often bought, each purchase halved every `half_life_days`."""
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
"""Lower ends of the bins of days since over the expected gap."""
GAPS = (3.0, 7.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 180.0)
"""Lower ends of the bins of the expected gap, in days."""
_SHAPE = (len(STRENGTHS) + 1, len(RATIOS) + 1, len(GAPS) + 1)
MOST = 0.99
"""Highest probability told."""


@dataclass(frozen=True, eq=False)
class Due:
    """Per pair, `(n,)` each: `p` probability within the horizon, `ripe` the highest that it gets as time goes by,
    `gap_days` expected, `since_days` since the last time."""

    p: Floats
    ripe: Floats
    gap_days: Floats
    since_days: Floats


@dataclass(eq=False, kw_only=True)
class Rhythm(Model):
    """s(u, i) = P(u buys i again within the horizon), 0 for what u never bought. Cost of the fit: some sorts."""

    name: ClassVar[str] = "rhythm"
    horizon_days: float = 14.0
    """Days within which a thing is due."""
    cuts: int = 6
    """Moments of the past at which is counted what came, `horizon_days` apart."""
    half_life_days: float = 90.0
    """Days after which a purchase counts half in how often a thing was bought; the slow half-life of states."""
    policy_days: float = 90.0
    """Days within which a thing or its category is bought again, or is not; a third of a shorter log."""
    prior: float = 20.0
    """κ: cases' worth of what the level above says."""
    facts: ItemFacts | None = field(default=None, init=False, repr=False)

    def use_items(self, facts: ItemFacts) -> Self:
        """Categories are read from the tags `category.LEVEL=…`."""
        self.facts = facts
        return self

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        bought = data.select(data.action == ACTION_CODE[Action.PURCHASE])
        steps = steps_of(self.facts, data.n_items)
        gap = self._gaps(bought, steps)
        table, factor = self._table(bought, steps, gap, at_us)
        span = (int(bought.at_us.max()) - int(bought.at_us.min())) / DAY_US if len(bought) else 0.0
        days = min(self.policy_days, max(span / 3.0, 1.0))
        same, other = self._again(bought, steps, at_us, days)
        fitted = {"gap": gap, "table": table, "factor": factor, "days": np.array([days])}
        return {**fitted, "same_item": same[-1], "same": same[-2], "other": other}

    def _gaps(self, bought: Interactions, steps: Steps) -> Floats:
        """`(n_items,)` expected days between purchases of the item by one user."""
        pairs = pairs_of(bought)
        again = np.flatnonzero(~pairs.fresh)
        days = np.maximum((pairs.at_us[again] - pairs.at_us[again - 1]) / DAY_US, 0.5)
        item, value = pairs.item[again], np.log(days)
        start = float(value.mean()) if len(value) else np.log(30.0)
        return np.asarray(np.exp(drawn(steps, item, value, np.ones(len(value)), start, self.prior)[-1]))

    def _table(self, bought: Interactions, steps: Steps, gap: Floats, at_us: int) -> tuple[Floats, Floats]:
        """What came within the horizon after moments of the past: cells, and `(n_items,)` factors."""
        seen = [self._at_cut(bought, at_us - round((k + 1) * self.horizon_days * DAY_US)) for k in range(self.cuts)]
        n, first, last, item, came, at, strength = (np.concatenate([one[k] for one in seen]) for k in range(7))
        days = expected_gap(n, first, last, gap[item])
        place = _cell(strength, (at - last) / DAY_US, days)
        table = _smoothed(place, came, self.prior)
        said = table[place]
        told = drawn(steps, item, np.divide(came, said, where=said > 0, out=np.ones(len(said))), said, 1.0, self.prior)
        return table, told[-1]

    def _at_cut(self, bought: Interactions, cut_us: int) -> tuple[npt.NDArray[np.generic], ...]:
        """Pairs known at a moment: times bought, first, last, item, whether it came within the horizon, the moment,
        decayed times bought."""
        known, pairs = pairs_of(bought.until(cut_us)), pairs_of(bought)
        starts = np.flatnonzero(known.fresh)
        ends = np.append(starts, len(known.item))[1:] - 1
        after = (pairs.at_us > cut_us) & (pairs.at_us <= cut_us + round(self.horizon_days * DAY_US))
        came = np.isin(known.key[starts], pairs.key[after])
        cut = np.full(len(starts), cut_us, dtype=np.int64)
        parts = (ends - starts + 1, known.at_us[starts], known.at_us[ends], known.item[starts])
        return *parts, came.astype(np.float64), cut, self._decayed(known, len(starts), cut_us)

    def _decayed(self, pairs: Pairs, n: int, at_us: int) -> Floats:
        """`(n,)` how often each pair was bought, each time halved every `half_life_days`."""
        weight = np.exp2(-(at_us - pairs.at_us) / (self.half_life_days * DAY_US))
        return np.bincount(np.cumsum(pairs.fresh) - 1, weights=weight, minlength=n).astype(np.float64)

    def _again(self, bought: Interactions, steps: Steps, at_us: int, days: float) -> tuple[list[Floats], Floats]:
        """Shares bought again within `days` of the first time: the same item by level of back-off, and the category."""
        same = _first_followed(pairs_of(bought), at_us, days)
        start = self._of_shop(same[1])
        shares = drawn(steps, same[0], same[1], np.ones(len(same[0])), start, self.prior)
        leaf = steps.leaf
        within = bought.select(leaf[bought.item] >= 0) if len(leaf) else bought
        grouped = pairs_of(within, leaf[within.item]) if len(leaf) else pairs_of(within)
        group, followed = _first_followed(grouped, at_us, days)
        share = self._of_shop(followed)
        size = int(leaf.max(initial=-1)) + 1
        hits, cases = (np.bincount(group, weights=w, minlength=size) for w in (followed, np.ones(len(group))))
        other = (hits + self.prior * share) / (cases + self.prior)
        by_item = np.where(leaf >= 0, other[np.maximum(leaf, 0)], share) if size else np.full(len(leaf), share)
        return [shares[0], *shares], np.asarray(by_item)

    def _of_shop(self, followed: Floats) -> float:
        """The share of the whole shop; half where nothing is known, so that a young shop holds nothing back."""
        return float((followed.sum() + self.prior / 2) / (len(followed) + self.prior))

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        scores = np.zeros((histories.n_users, histories.n_items), dtype=np.float32)
        pairs = pairs_of(histories.select(histories.action == ACTION_CODE[Action.PURCHASE]))
        starts = np.flatnonzero(pairs.fresh)
        if len(starts):
            ends = np.append(starts, len(pairs.item))[1:] - 1
            item = pairs.item[starts]
            times = (ends - starts + 1, self._decayed(pairs, len(starts), at_us))
            due = self.due(item, times, pairs.at_us[starts], pairs.at_us[ends], at_us)
            scores[pairs.user[starts], item] = due.p
        return scores

    def due(
        self,
        item: Rows,
        times: tuple[npt.NDArray[np.integer], Floats],
        first_us: npt.NDArray[np.int64],
        last_us: npt.NDArray[np.int64],
        at_us: int,
    ) -> Due:
        """When a user who bought each `item` so often, first and last then, buys it again. All `(n,)`; µs.

        `times`: how often, plain and decayed to `at_us` by `half_life_days`. An item that came after the fit goes by
        the shop's own rhythm. Cost: some µs and a look-up each.
        """
        self._check_fitted()
        place = np.minimum(item, max(self.n_items - 1, 0))
        new = item >= self.n_items
        gap = self._of("gap", new, place)
        factor = np.where(new, 1.0, self.fitted["factor"][place] if self.n_items else 1.0)
        n, strength = times
        days = expected_gap(n, first_us, last_us, gap)
        since = np.maximum(at_us - last_us, 0) / DAY_US
        table = self.fitted["table"]
        ripest = np.broadcast_to(table.reshape(_SHAPE).max(axis=1, keepdims=True), _SHAPE).ravel()
        cell = _cell(strength, since, days)
        p, ripe = np.minimum(table[cell] * factor, MOST), np.minimum(ripest[cell] * factor, MOST)
        return Due(np.asarray(p), np.asarray(ripe), days, since)

    def again(self, items: Rows) -> tuple[Floats, Floats]:
        """`(n,)` each: shares of buyers who buy an item of the same leaf category (or its parents, where few) again,
        and anything else of it, within `days`; an item that came after the fit has the shop's shares."""
        self._check_fitted()
        new, place = items >= self.n_items, np.minimum(items, max(self.n_items - 1, 0))
        same, other = (self._of(name, new, place) for name in ("same", "other"))
        return same, other

    @property
    def days(self) -> float:
        """Within how many days `again` is meant."""
        return float(self.fitted["days"][0])

    def _of(self, name: str, new: npt.NDArray[np.bool_], place: Rows) -> Floats:
        """What was fitted for each item; the median of all for those that came after the fit."""
        known = self.fitted[name][place] if self.n_items else np.zeros(len(place))
        if not new.any():
            return np.asarray(known)
        return np.where(new, float(np.median(self.fitted[name])) if self.n_items else 30.0, known)


def expected_gap(
    n: npt.NDArray[np.integer], first_us: npt.NDArray[np.int64], last_us: npt.NDArray[np.int64], usual: Floats
) -> Floats:
    """`(n,)` days: the mean of a user's own log gaps and of the item's, weighed n − 1 to 1."""
    own = np.maximum((last_us - first_us) / DAY_US / np.maximum(n - 1, 1), 0.5)
    return np.asarray(np.exp(((n - 1) * np.log(own) + np.log(usual)) / n))


def _cell(strength: Floats, since_days: Floats, gap_days: Floats) -> npt.NDArray[np.int64]:
    times, ratio = (
        np.searchsorted(STRENGTHS, strength, "right"),
        np.searchsorted(RATIOS, since_days / gap_days, "right"),
    )
    gap = np.searchsorted(GAPS, gap_days, "right")
    return np.asarray((times * (len(RATIOS) + 1) + ratio) * (len(GAPS) + 1) + gap, dtype=np.int64)


def _smoothed(place: npt.NDArray[np.int64], came: Floats, prior: float) -> Floats:
    """`(cells,)` share that came: of all, then by how often, by ratio too, by gap too; each drawn to the last."""
    size = int(np.prod(_SHAPE))
    hits, cases = (np.bincount(place, weights=w, minlength=size).reshape(_SHAPE) for w in (came, np.ones(len(came))))
    share = np.full(_SHAPE, hits.sum() / max(cases.sum(), 1.0))
    for axes in ((1, 2), (2,), ()):
        share = (hits.sum(axis=axes, keepdims=True) + prior * share) / (cases.sum(axis=axes, keepdims=True) + prior)
    return np.asarray(share.ravel())


def _first_followed(pairs: Pairs, at_us: int, days: float) -> tuple[Rows, Floats]:
    """Of each pair whose first purchase lies `days` back: what it is of, and 1 where another came within `days`.

    Another: at least a day later, so that two parcels of one order are one purchase.
    """
    starts = np.flatnonzero(pairs.fresh)
    member = np.cumsum(pairs.fresh) - 1
    since = pairs.at_us - pairs.at_us[starts][member]
    later = (since >= DAY_US) & (since <= round(days * DAY_US))
    followed = np.bincount(member[later], minlength=len(starts)) > 0
    old = pairs.at_us[starts] <= at_us - round(days * DAY_US)
    return pairs.item[starts][old], followed[old].astype(np.float64)
