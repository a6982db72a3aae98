"""Trend: what grows against its own past, beyond chance and beyond the growth of the whole shop; and what is new.

An item's user-days (each user counts once a day) of the last `days` against those of the `past_days` before. Where the
item went with the shop, each of its n₁ + n₀ user-days fell into the newest window with probability
    q = R / (R + f),    R = the shop's newest over its past user-days, f = share of the past window the item was there.
The posterior of that probability is Beta(n₁ + κq, n₀ + κ(1 − q)); the growth is the odds of its lower bound over those
of q, and 0 where the bound is not above 1. Chance among many items is met by a low `doubt`. Popular things that stay
popular have no trend.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from mien.core.clock import DAY_US
from mien.core.event import ACTIONS
from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.ranked import Scores

Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int64).max


@dataclass(eq=False, kw_only=True)
class Trend(Model):
    """s(i) = log lower bound of the growth of i over the shop's, 0 where it is not above it. Cost: one sort."""

    name: ClassVar[str] = "trend"
    days: float = 7.0
    """The newest days, which are compared."""
    past_days: float = 56.0
    """The days before them, compared with."""
    prior: float = 10.0
    """κ: user-days' worth of doubt that an item goes with the shop."""
    doubt: float = 0.01
    """Probability that the growth lies below the bound."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        first = np.full(data.n_items, NEVER, dtype=np.int64)
        np.minimum.at(first, data.item, data.at_us)
        likes = np.array([self.weights.get(action, 0.0) > 0 for action in ACTIONS])
        item, at = _user_days(data.select(likes[data.action]))
        begin, past_begin = at_us - int(self.days * DAY_US), at_us - int((self.days + self.past_days) * DAY_US)
        recent, past = at > begin, (at > past_begin) & (at <= begin)
        counts = [np.bincount(item[part], minlength=data.n_items) for part in (recent, past)]
        growth = self._growth(counts[0], counts[1], first, at_us, begin)
        everything = np.bincount(item, minlength=data.n_items)
        return {"growth": growth, "recent": counts[0], "past": counts[1], "first_us": first, "acts": everything}

    def _growth(
        self,
        recent: npt.NDArray[np.int64],
        past: npt.NDArray[np.int64],
        first: npt.NDArray[np.int64],
        at: int,
        begin: int,
    ) -> Floats:
        """`(n_items,)` log bounds; what came within `days` of the newest window has no past to grow against."""
        there = np.clip((begin - np.minimum(first, at)) / (self.past_days * DAY_US), 0.0, 1.0)
        old = there * self.past_days >= self.days
        share = recent.sum() / max(int(past.sum()), 1)
        expected = share / (share + there) if share > 0 else np.zeros(len(there))
        told = old & (recent > 0) & (expected > 0)
        a = recent[told] + self.prior * expected[told]
        b = past[told] + self.prior * (1.0 - expected[told])
        bound = betaincinv(a, b, self.doubt)
        growth = np.zeros(len(recent))
        odds = bound / np.maximum(1.0 - bound, 1e-12) * (1.0 - expected[told]) / expected[told]
        growth[told] = np.maximum(np.log(np.maximum(odds, 1e-12)), 0.0)
        return growth

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        growth = self.fitted["growth"].astype(np.float32)
        return np.broadcast_to(growth, (len(users), len(growth)))


def _user_days(data: Interactions) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Item and time of the first act of each user with each item on each UTC day."""
    order = np.lexsort((data.at_us, data.item, data.user))
    user, item, at = data.user[order], data.item[order], data.at_us[order]
    day = at // DAY_US
    fresh = np.ones(len(at), dtype=np.bool_)
    fresh[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1]) | (day[1:] != day[:-1])
    return item[fresh], at[fresh]
