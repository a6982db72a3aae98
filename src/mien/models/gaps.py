"""Purchases by pair of user and item, and means that back off over the categories of the items."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.tables import ITEM
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Purchases sorted by user, item (or group) and time, each instant once. `fresh`: the first of its pair."""

    user: Rows
    item: Rows
    at_us: npt.NDArray[np.int64]
    key: npt.NDArray[np.int64]
    fresh: npt.NDArray[np.bool_]


def pairs_of(bought: Interactions, group: npt.NDArray[np.integer] | None = None) -> Pairs:
    """The purchases by user and item, or by user and `group` (one entry a row of `bought`). Cost: one sort."""
    item = bought.item if group is None else group.astype(np.int32)
    key = bought.user.astype(np.int64) * (int(item.max(initial=0)) + 1 if group is not None else bought.n_items) + item
    order = np.lexsort((bought.at_us, key))
    key, at, user, item = key[order], bought.at_us[order], bought.user[order], item[order]
    fresh, once = np.ones(len(key), dtype=np.bool_), np.ones(len(key), dtype=np.bool_)
    fresh[1:] = key[1:] != key[:-1]
    once[1:] = fresh[1:] | (at[1:] != at[:-1])
    return Pairs(user[once], item[once], at[once], key[once], fresh[once])


@dataclass(frozen=True, eq=False)
class Steps:
    """The categories of items, coarse to fine. `levels`: per level `(n_items,)` codes, −1 where an item ends above."""

    levels: tuple[Rows, ...]
    n_items: int

    @property
    def leaf(self) -> Rows:
        """`(n_items,)` the deepest category of each item, −1 where it has none; codes of different levels differ."""
        leaf = np.full(self.n_items, -1, dtype=np.int32)
        start = 0
        for codes in self.levels:
            leaf = np.where(codes >= 0, codes + start, leaf).astype(np.int32)
            start += int(codes.max(initial=-1)) + 1
        return leaf


def steps_of(facts: ItemFacts | None, n_items: int) -> Steps:
    """The category levels among the tags `category.LEVEL=VALUE` of `facts`."""
    if facts is None:
        return Steps((), n_items)
    place: dict[int, list[int]] = {}
    for tag, name in enumerate(facts.names):
        head, dot, rest = name.partition(".")
        number = rest.partition("=")[0]
        if head == ITEM.CATEGORY and dot and number.isdigit():
            place.setdefault(int(number), []).append(tag)
    tags = facts.tags.tocsc()
    levels = []
    for level in sorted(place):
        codes = np.full(n_items, -1, dtype=np.int32)
        for code, tag in enumerate(place[level]):
            rows = tags.indices[tags.indptr[tag] : tags.indptr[tag + 1]]
            codes[rows[rows < n_items]] = code
        levels.append(codes)
    return Steps(tuple(levels), n_items)


def drawn(steps: Steps, item: Rows, value: Floats, weight: Floats, start: float, prior: float) -> list[Floats]:
    """Weighted means of `value` by level of category and, last, by item, each drawn to the one above by `prior`.

    Each `(n_items,)`: (Σ weight·value + prior · above) / (Σ weight + prior), from `start` on.
    """
    above: Floats = np.full(steps.n_items, start)
    found = []
    for codes in (*steps.levels, np.arange(steps.n_items, dtype=np.int32)):
        mine = codes[item]
        held = mine >= 0
        size = int(codes.max(initial=-1)) + 1
        total = np.bincount(mine[held], weights=(weight * value)[held], minlength=size)
        cases = np.bincount(mine[held], weights=weight[held], minlength=size)
        here = np.flatnonzero(codes >= 0)
        level = above.copy()
        level[here] = (total[codes[here]] + prior * above[here]) / (cases[codes[here]] + prior)
        found.append(level)
        above = level
    return found
