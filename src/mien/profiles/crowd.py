"""The crowd: what segments ask of users, as columns over all of them at once.

States are read one by one and left behind; what remains is a few numbers a user and some 40 bytes for each pair of
item and action. The tags of everybody come from the same sums as one user's (`profiles.tags`), and are the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.consent import ANALYTICS, MARKETING
from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.core.item import Facet
from mien.core.user import User
from mien.features.decay import decayed
from mien.features.population import Population
from mien.features.state import PASSIVE, FoldSettings, State
from mien.features.windows import WINDOWS
from mien.profiles.activity import lifecycle
from mien.profiles.options import ProfileOptions
from mien.profiles.tags import confidence
from mien.profiles.traits import read_traits
from mien.profiles.yardstick import Yardstick

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Trait = str | int | float | bool

PURCHASE, REFUND = ACTION_CODE[Action.PURCHASE], ACTION_CODE[Action.REFUND]
PASSIVES = np.isin(np.arange(len(ACTIONS)), sorted(PASSIVE))
LIFECYCLES = ("new", "active", "lapsing", "lost")


@dataclass(frozen=True, eq=False)
class TagTable:
    """The tags of everybody at one level of a facet: columns of one length, `user` a place in the crowd."""

    facet: Facet
    user: Ints
    code: Ints
    weight: Floats
    lift: Floats
    confidence: Floats
    n: Floats
    trend: Floats
    days: Floats


@dataclass(frozen=True, eq=False)
class Crowd:
    """Users at a moment. Columns by place, `(n,)`; NaN is unknown. `intents`: name → chance, NaN where there is none.

    `rows`: user rows. `counts`: `(n, n_actions, n_windows)`. `last_act_us`: `(n, n_actions)`, 0 for never. `active`:
    (place, local day) of every day with something done. `tallies`: place, item, action and decayed counts.
    `allowed`: who may be in a segment at all; `personal`: of whom tags and intents may be read.
    """

    at_us: int
    rows: Ints
    said: list[User]
    yardstick: Yardstick
    population: Population
    options: ProfileOptions
    settings: FoldSettings
    first_us: Ints
    last_us: Ints
    counts: Ints
    last_act_us: Ints
    orders: Floats
    spend: Floats
    gap_days: Floats
    last_order_us: Ints
    paid: Floats
    life: Ints
    traits: list[dict[str, Trait]]
    active: tuple[Ints, Ints]
    tallies: dict[str, Any]
    intents: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(
        cls,
        people: Iterable[tuple[int, State, User]],
        yardstick: Yardstick,
        population: Population,
        n_items: int,
        at_us: int,
        options: ProfileOptions,
        settings: FoldSettings,
    ) -> "Crowd":
        """From states that hold nothing later than `at_us`. Cost: some 0.3 ms a user beside reading the states."""
        gathered = _Gathered(yardstick.weights, n_items, at_us, options)
        for row, state, user in people:
            gathered.add(row, state if user.profilable else State(settings), user)
        return cls(
            at_us=at_us,
            rows=np.array(gathered.rows, dtype=np.int64),
            said=gathered.said,
            yardstick=yardstick,
            population=population,
            options=options,
            settings=settings,
            traits=gathered.traits,
            active=gathered.days(),
            tallies=gathered.tallies(),
            **gathered.columns(),
        )

    @cached_property
    def allowed(self) -> Mask:
        """Who let themselves be counted and written to."""
        return np.array([user.allows(ANALYTICS) and user.allows(MARKETING) for user in self.said], dtype=np.bool_)

    @cached_property
    def personal(self) -> Mask:
        return np.array([user.personalisable for user in self.said], dtype=np.bool_)

    @cached_property
    def predictable(self) -> Mask:
        return np.array([user.predictable for user in self.said], dtype=np.bool_)

    @cached_property
    def priced(self) -> Mask:
        """Of whom any order said what it cost."""
        return (self.orders > 0) & ((self.paid > 0) | (self.spend < 0))

    @cached_property
    def rfm(self) -> Floats:
        """`(n, 3)` quintiles 1 … 5 of recency, frequency and money, 5 best; NaN for who never ordered, of
        money also for whom no order said what it cost."""
        found = np.full((len(self), 3), np.nan)
        edges, held, priced = self.population.rfm, self.orders > 0, self.priced
        if edges is not None:
            days = (self.at_us - self.last_order_us[held]) / DAY_US
            found[held, 0] = 5 - np.searchsorted(edges.recency_days, days, side="left")
            found[held, 1] = 1 + np.searchsorted(edges.orders, self.orders[held], side="right")
            found[priced, 2] = 1 + np.searchsorted(edges.money, self.paid[priced], side="right")
        return found

    @cached_property
    def _tables(self) -> dict[int, TagTable]:
        return {}

    def tags(self, level: int) -> TagTable:
        """The tags at the level `yardstick.facets[level]`; made at first need. Cost: a sort of all tallies."""
        if level not in self._tables:
            self._tables[level] = self._tag_table(self.yardstick.facets[level], self.yardstick.shares[level])
        return self._tables[level]

    def _tag_table(self, facet: Facet, shares: Floats) -> TagTable:
        held = self.tallies
        codes = facet.codes[held["item"]]
        rows = np.flatnonzero((codes >= 0) & self.personal[held["user"]])
        key, member = np.unique(held["user"][rows] * len(facet.values) + codes[rows], return_inverse=True)
        user, code = key // max(len(facet.values), 1), key % max(len(facet.values), 1)
        size = len(key)

        def total(column: Any) -> Floats:
            sums: Floats = np.bincount(member, weights=column[rows], minlength=size).astype(np.float64, copy=False)
            return sums

        slow, fast, sign = held["slow"], held["fast"], held["sign"]
        liked = sign > 0
        gross, net = total(np.where(liked, slow * sign, 0.0)), np.maximum(total(slow * sign), 0.0)
        kept = np.divide(net, gross, out=np.zeros(size), where=gross > 0)
        weight, recent = self._shares(user, net), self._shares(user, np.maximum(total(fast * sign), 0.0))
        n = total(np.where(liked, slow, 0.0)) * kept
        whole = np.bincount(user, weights=n, minlength=len(self))[user] if size else np.zeros(0)
        last = np.zeros(size, dtype=np.int64)
        np.maximum.at(last, member, np.where(liked, held["last_us"], 0)[rows])
        lasting_us = int(self.options.expiry_days(facet.name) * DAY_US)
        alive = (last + lasting_us > self.at_us) & (weight > 0) & (weight >= self.options.min_weight)
        shown = self._first(user, code, weight, alive)
        p = shares[code[shown]]
        count = total(np.where(liked, held["n"], 0))
        return TagTable(
            facet,
            user[shown],
            code[shown],
            weight[shown],
            weight[shown] / p,
            confidence(n[shown], whole[shown], p, self.options.prior_strength),
            count[shown],
            np.divide(recent[shown], weight[shown], out=np.zeros(len(shown)), where=weight[shown] > 0),
            (self.at_us - last[shown]) / DAY_US,
        )

    def _shares(self, user: Ints, parts: Floats) -> Floats:
        whole = np.bincount(user, weights=parts, minlength=len(self))[user] if len(user) else np.zeros(0)
        return np.divide(parts, whole, out=np.zeros(len(parts)), where=whole > 0)

    def _first(self, user: Ints, code: Ints, weight: Floats, alive: Mask) -> Ints:
        """The heaviest tags of each user that are alive, as many as a profile shows."""
        ranked = np.lexsort((code, -weight, user))
        ranked = ranked[alive[ranked]]
        starts = np.flatnonzero(np.diff(user[ranked], prepend=-1))
        place = np.arange(len(ranked)) - np.repeat(starts, np.diff(np.append(starts, len(ranked))))
        return ranked[place < self.options.tags_per_facet]


@dataclass(eq=False)
class _Gathered:
    """Columns in the making."""

    weights: Floats
    n_items: int
    at_us: int
    options: ProfileOptions

    def __post_init__(self) -> None:
        self.rows: list[int] = []
        self.said: list[User] = []
        self.traits: list[dict[str, Trait]] = []
        self._numbers: list[tuple[float, ...]] = []
        self._daily: list[tuple[Any, ...]] = []
        self._acts: list[Ints] = []
        self._days: list[Ints] = []
        self._tallies: list[tuple[Any, ...]] = []

    def add(self, row: int, state: State, user: User) -> None:
        place = len(self.rows)
        self.rows.append(row)
        self.said.append(user)
        shown = state if user.personalisable else State(state.settings)
        self.traits.append({trait.name: trait.value for trait in read_traits(shown, user, self.options)})
        tallies = state.arrays()
        order_us, paid = state.orders.numpy(0), float(state.orders.numpy(2).sum())
        refunded = float(np.abs(tallies.value[tallies.action == REFUND]).sum())
        life = LIFECYCLES.index(lifecycle(state, self.at_us)) if state.events else -1
        orders, last_order = len(order_us), int(order_us.max(initial=0))
        gap = (last_order - int(order_us.min())) / (orders - 1) / DAY_US if orders > 1 else np.nan
        self._numbers.append(
            (state.first_us, state.last_us, orders, paid - refunded, gap, last_order, paid, life)
        )  # fmt: skip
        self._windows(place, state)
        acts = np.zeros(len(ACTIONS), dtype=np.int64)
        np.maximum.at(acts, tallies.action, tallies.last_us)
        self._acts.append(acts)
        sign = self.weights[tallies.action]
        held = np.flatnonzero((tallies.item >= 0) & (tallies.item < self.n_items) & (sign != 0.0))
        settings = state.settings
        self._tallies.append(
            (
                np.full(len(held), place, dtype=np.int64), tallies.item[held], sign[held],
                decayed(tallies.slow[held], self.at_us, settings.slow_days),
                decayed(tallies.fast[held], self.at_us, settings.fast_days), tallies.last_us[held], tallies.n[held],
            )
        )  # fmt: skip

    def _windows(self, place: int, state: State) -> None:
        """The daily buckets, up to the day of `at_us`."""
        today = state.settings.shifts.day(self.at_us)
        day, action, n = (state.days.numpy(k) for k in range(3))
        held = day <= today
        self._daily.append((np.full(int(held.sum()), place), today - day[held], action[held], n[held]))
        self._days.append(np.unique(day[held & ~PASSIVES[action]]))

    def _counts(self) -> Ints:
        """`(n, n_actions, n_windows)`: events by place, action and window, of all at once."""
        shape = (len(self.rows), len(ACTIONS), len(WINDOWS))
        nothing = np.zeros(0, dtype=np.int64)
        place, age, action, n = (
            np.concatenate(parts) for parts in (list(zip(*self._daily, strict=True)) or [(nothing,)] * 4)
        )
        found = np.zeros(shape, dtype=np.int64)
        for k, length in enumerate(WINDOWS.values()):
            inside = age < length if length is not None else np.ones(len(age), dtype=np.bool_)
            cell = place[inside] * shape[1] + action[inside]
            found[:, :, k] = np.bincount(cell, weights=n[inside], minlength=shape[0] * shape[1]).reshape(shape[:2])
        return found

    def columns(self) -> dict[str, Any]:
        """Those of a number a user, by the names that `Crowd` has."""
        first, last, orders, spend, gap, last_order, paid, life = (
            np.array(self._numbers, dtype=np.float64).reshape(-1, 8).T
        )
        whole = {"first_us": first, "last_us": last, "last_order_us": last_order, "life": life}
        return {
            **{name: column.astype(np.int64) for name, column in whole.items()},
            "orders": orders,
            "spend": spend,
            "gap_days": gap,
            "paid": paid,
            "counts": self._counts(),
            "last_act_us": np.array(self._acts, dtype=np.int64).reshape(-1, len(ACTIONS)),
        }

    def days(self) -> tuple[Ints, Ints]:
        places = [np.full(len(days), place, dtype=np.int64) for place, days in enumerate(self._days)]
        nothing = [np.zeros(0, dtype=np.int64)]
        return np.concatenate(places or nothing), np.concatenate(self._days or nothing)

    def tallies(self) -> dict[str, Any]:
        names = ("user", "item", "sign", "slow", "fast", "last_us", "n")
        kinds = (np.int64, np.int32, *[np.float64] * 3, np.int64, np.int64)
        columns = list(zip(*self._tallies, strict=True)) or [()] * len(names)
        return {
            name: np.concatenate([*parts, np.zeros(0, dtype=kind)]).astype(kind)
            for name, kind, parts in zip(names, kinds, columns, strict=True)
        }
