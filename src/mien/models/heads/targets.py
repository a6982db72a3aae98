"""Targets: what users did after a cut, as numbers to be foretold. All are made of purchases in [at_us, end_us)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.core.item import Facet
from mien.models.heads.cuts import Cut
from mien.models.interactions import Interactions

Bools = npt.NDArray[np.bool_]
LOOKBACK_DAYS = 90.0
"""Labels are what most people bought in that many days before the newest training cut."""


@dataclass(frozen=True, eq=False)
class Family:
    """A coarser or other grouping that labels belong to: the department of a category, the brand of an item.

    `codes (n_items,)`: the group of each item; `of_label (n_labels,)`: that of each label; −1: none.
    """

    name: str
    codes: Rows
    of_label: Rows
    n: int


@dataclass(frozen=True, eq=False)
class LabelSet:
    """What propensity is foretold for: values of a facet, or items.

    `codes (n_items,) int32`: the value of each item, −1: none; `n`: how many values there are; `chosen (n_labels,)`:
    the values that are labels; `names`: what they are called.
    """

    kind: str
    codes: Rows
    n: int
    chosen: Rows
    names: tuple[str, ...]
    families: tuple[Family, ...] = ()

    def __len__(self) -> int:
        return len(self.chosen)

    def acts(self, data: Interactions) -> Interactions:
        """Every act as one on the value of its item, values being the items now; acts on none are left out."""
        return as_values(data, self.codes[data.item], self.n)

    def bought(self, data: Interactions, cut: Cut) -> Bools:
        """`(n_users, n_labels)`: whether each user buys something of each label after the cut."""
        ahead = cut.ahead(data).doing(["purchase"])
        code = self.codes[ahead.item]
        table = np.zeros((data.n_users, self.n), dtype=np.bool_)
        table[ahead.user[code >= 0], code[code >= 0]] = True
        return np.asarray(table[:, self.chosen])


def as_values(data: Interactions, code: Rows, n: int) -> Interactions:
    """The acts with `code (len(data),)` as their items, −1 left out; acts of one moment on one value are summed.

    Two goods of one value, bought together for the same price, are two: summed here, since `Interactions` would take
    rows alike in everything for one act told twice.
    """
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.lexsort((data.action[rows], data.at_us[rows], code[rows], data.user[rows]))]
    user, item, action, at_us = data.user[rows], code[rows], data.action[rows], data.at_us[rows]
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = (np.diff(user) != 0) | (np.diff(item) != 0) | (np.diff(at_us) != 0) | (np.diff(action) != 0)
    starts = np.flatnonzero(begins)
    act = np.cumsum(begins) - 1
    value, quantity = (np.bincount(act, column[rows], len(starts)) for column in (data.value, data.quantity))
    keys = (user[starts], item[starts], action[starts], at_us[starts])
    return Interactions.of(*keys, value, quantity, n_users=data.n_users, n_items=n)


def category_labels(data: Interactions, facets: Sequence[Facet], at_us: int, *, top: int, days: float) -> LabelSet:
    """The `top` values of the deepest category level by buyers; families: the levels above.

    `at_us`: the cut to be foretold; nothing later than `days` before it decides what is a label.
    """
    deepest = [facet for facet in facets if facet.name == "category"][-1]
    return _of_categories(facets, _most_bought(data, deepest.codes, len(deepest.values), at_us, top, days))


def anything(data: Interactions) -> LabelSet:
    """One label that every item has: whether a user buys at all."""
    return LabelSet("anything", np.zeros(data.n_items, dtype=np.int32), 1, np.zeros(1, dtype=np.int32), ("anything",))


@lru_cache(maxsize=8)
def labels_named(facets: tuple[Facet, ...], names: tuple[str, ...]) -> LabelSet:
    """The same labels in another catalogue, by their names; a name that is gone is −1 and has no acts.

    Kept for the last few catalogues, since it is asked for with every user that is read.
    """
    deepest = [facet for facet in facets if facet.name == "category"][-1]
    place = {value: k for k, value in enumerate(deepest.values)}
    chosen = np.array([place.get(name, -1) for name in names], dtype=np.int32)
    return replace(_of_categories(facets, chosen), names=names)


def _of_categories(facets: Sequence[Facet], chosen: Rows) -> LabelSet:
    levels = [facet for facet in facets if facet.name == "category"]
    deepest, families = levels[-1], []
    for facet in levels[:-1]:
        of_value = _majority(deepest.codes, len(deepest.values), facet.codes)
        of_label = np.where(chosen >= 0, of_value[chosen], -1)
        families.append(Family(f"{facet.name}.{facet.level}", facet.codes, of_label, len(facet.values)))
    names = tuple(deepest.values[value] for value in chosen.tolist())
    return LabelSet("category", deepest.codes, len(deepest.values), chosen, names, tuple(families))


def item_labels(
    data: Interactions, facets: Sequence[Facet], at_us: int, *, top: int, days: float, names: Sequence[str] = ()
) -> LabelSet:
    """The `top` items by buyers; families: their facets, the finest first. `names`: titles by item row, where known."""
    codes = np.arange(data.n_items, dtype=np.int32)
    chosen = _most_bought(data, codes, data.n_items, at_us, top, days)
    families = [
        Family(f"{facet.name}.{facet.level}", facet.codes, facet.codes[chosen], len(facet.values))
        for facet in reversed(facets)
    ]
    titles = tuple(names[row] if len(names) else str(row) for row in chosen.tolist())
    return LabelSet("item", codes, data.n_items, chosen, titles, tuple(families))


def buys(data: Interactions, cut: Cut) -> Bools:
    """`(n_users,)`: whether each user buys anything after the cut (conversion). Churn of active users is its no."""
    bought = np.zeros(data.n_users, dtype=np.bool_)
    bought[cut.ahead(data).doing(["purchase"]).user] = True
    return bought


def spends(data: Interactions, cut: Cut) -> npt.NDArray[np.float64]:
    """`(n_users,)`: money each user spends on purchases after the cut, in the shop's currency."""
    ahead = cut.ahead(data).doing(["purchase"])
    return np.asarray(np.bincount(ahead.user, weights=ahead.value, minlength=data.n_users))


def next_basket(data: Interactions, cut: Cut) -> tuple[Rows, Rows]:
    """Users and items of the first order of each user after the cut, one entry an item; an order is one instant."""
    ahead = cut.ahead(data).doing(["purchase"])
    if not len(ahead):
        return ahead.user, ahead.item
    begins = ahead.at_us[np.minimum(ahead.offsets[:-1], len(ahead) - 1)]
    first = ahead.at_us == begins[ahead.user]
    return ahead.user[first], ahead.item[first]


def _most_bought(data: Interactions, codes: Rows, n: int, at_us: int, top: int, days: float) -> Rows:
    end_us = at_us - round(days * DAY_US)
    recent = data.before(end_us).since(end_us - round(LOOKBACK_DAYS * DAY_US)).doing(["purchase"])
    code = codes[recent.item]
    pairs = np.unique(recent.user[code >= 0].astype(np.int64) * n + code[code >= 0])
    people = np.bincount(pairs % n, minlength=n)
    best = np.argsort(-people, kind="stable")[:top]
    return np.sort(best[people[best] > 0]).astype(np.int32)


def _majority(values: Rows, n: int, groups: Rows) -> Rows:
    """`(n,)`: the group that most items of each value belong to, −1 where they have none."""
    held = (values >= 0) & (groups >= 0)
    width = int(groups.max(initial=0)) + 1
    counts = np.bincount(values[held].astype(np.int64) * width + groups[held], minlength=n * width).reshape(n, width)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1).astype(np.int32)
