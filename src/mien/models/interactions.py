"""Interactions: what users did with items, as sorted columns of numbers; the one input of every item model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE, ACTIONS
from mien.core.ids import Rows
from mien.core.tables import LOGGED

Floats = npt.NDArray[np.float64]
_DTYPES: dict[str, Any] = {
    LOGGED.USER: np.int32,
    LOGGED.ITEM: np.int32,
    LOGGED.ACTION: np.int8,
    "at_us": np.int64,
    LOGGED.VALUE: np.float64,
    LOGGED.QUANTITY: np.float64,
}


@dataclass(frozen=True, eq=False)
class Interactions:
    """One row an act: `user`, `item` int32, `action` int8 (ACTION_CODE), `at_us` int64, `value`, `quantity` float64.

    Sorted by (user, at_us, item, action), and one row for each such key. Every item is a real one: events without
    an item have no place here. Users and items without a row are valid rows all the same (`n_users`, `n_items`).
    Make it with `of` or `from_table`.
    """

    user: Rows
    item: Rows
    action: npt.NDArray[np.int8]
    at_us: npt.NDArray[np.int64]
    value: Floats
    quantity: Floats
    n_users: int
    n_items: int

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def of(
        cls,
        user: npt.ArrayLike,
        item: npt.ArrayLike,
        action: npt.ArrayLike,
        at_us: npt.ArrayLike,
        value: npt.ArrayLike | None = None,
        quantity: npt.ArrayLike | None = None,
        *,
        n_users: int,
        n_items: int,
    ) -> "Interactions":
        """Columns in any order, sorted and told once.

        Rows alike in every column are one act delivered twice; rows that differ in value or quantity only are lines
        of one act and are summed. `value` defaults to 0, `quantity` to 1. Raises `UsageError` for a row number out of
        range. Cost: one sort.
        """
        n = len(np.asarray(user))
        given = (
            user,
            item,
            action,
            at_us,
            np.zeros(n) if value is None else value,
            np.ones(n) if quantity is None else quantity,
        )
        columns = [np.asarray(part).astype(kind) for part, kind in zip(given, _DTYPES.values(), strict=True)]
        if any(len(column) != n for column in columns):
            raise UsageError("The columns of the interactions differ in length.")
        _check_range("user", columns[0], n_users)
        _check_range("item", columns[1], n_items)
        _check_range("action", columns[2], len(ACTIONS))
        users, items, actions, times, values, quantities = columns
        order = np.lexsort((quantities, values, actions, items, times, users))
        merged = _merge([column[order] for column in columns])
        return cls(**dict(zip(_DTYPES, merged, strict=True)), n_users=n_users, n_items=n_items)

    @classmethod
    def from_table(cls, table: pa.Table, *, n_users: int, n_items: int) -> "Interactions":
        """From a table with the columns user, item, action, at, value, quantity of the log; rows without an item go.

        Null value is 0, null quantity 1. Cost: one pass and one sort.
        """
        table = table.filter(pc.is_valid(table[LOGGED.ITEM]))
        codes = pc.index_in(table[LOGGED.ACTION], value_set=pa.array([str(action) for action in ACTIONS]))
        return cls.of(
            table[LOGGED.USER].to_numpy(),
            table[LOGGED.ITEM].to_numpy(),
            pc.fill_null(codes, -1).to_numpy(),
            table[LOGGED.AT].cast(pa.int64()).to_numpy(),
            pc.fill_null(table[LOGGED.VALUE].cast(pa.float64()), 0.0).to_numpy(),
            pc.fill_null(table[LOGGED.QUANTITY].cast(pa.float64()), 1.0).to_numpy(),
            n_users=n_users,
            n_items=n_items,
        )

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """`(n_users + 1,)`: the rows of user u are `offsets[u] : offsets[u + 1]`."""
        return np.searchsorted(self.user, np.arange(self.n_users + 1)).astype(np.int64)

    def select(self, keep: npt.NDArray[np.bool_]) -> "Interactions":
        """The rows where `keep` holds."""
        if keep.all():
            return self
        return replace(self, **{name: getattr(self, name)[keep] for name in _DTYPES})

    def before(self, at_us: int) -> "Interactions":
        """What happened strictly before `at_us`: the training side of a split."""
        return self.select(self.at_us < at_us)

    def until(self, at_us: int) -> "Interactions":
        """What is known at `at_us`: rows not later than it."""
        return self.select(self.at_us <= at_us)

    def since(self, at_us: int) -> "Interactions":
        """What happened at `at_us` or later: the test side of a split."""
        return self.select(self.at_us >= at_us)

    def doing(self, actions: Iterable[str]) -> "Interactions":
        """The rows of these actions only."""
        return self.select(np.isin(self.action, [ACTION_CODE[action] for action in actions]))

    def within_items(self, n_items: int) -> "Interactions":
        """The rows of items below `n_items`, in a world of that many items."""
        return self if n_items == self.n_items else replace(self.select(self.item < n_items), n_items=n_items)

    def of_users(self, users: npt.ArrayLike) -> "Interactions":
        """The histories of `users` (any order, repeats allowed), renumbered 0 … len(users) − 1."""
        rows = np.asarray(users, dtype=np.int64)
        _check_range("user", rows, self.n_users)
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        first = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(rows) else starts, lengths)
        picked = first + np.arange(int(lengths.sum()))
        columns = {name: getattr(self, name)[picked] for name in _DTYPES}
        columns[LOGGED.USER] = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
        return replace(self, **columns, n_users=len(rows))

    def strength(
        self, weights: Mapping[str, float], *, at_us: int | None = None, half_life_days: float | None = None
    ) -> Floats:
        """Per row the weight of its action (0 where `weights` names none), halved every `half_life_days` of age."""
        table = np.array([weights.get(action, 0.0) for action in ACTIONS])
        strength = table[self.action]
        if at_us is not None and half_life_days is not None:
            age_days = np.maximum(at_us - self.at_us, 0) / DAY_US
            strength = strength * np.exp2(-age_days / half_life_days)
        return strength

    def matrix(self, strength: Floats) -> sp.csr_array:
        """`(n_users, n_items) float64`: summed strength of each pair; what does not come out positive is absent."""
        cells = sp.coo_array((strength, (self.user, self.item)), shape=(self.n_users, self.n_items))
        matrix = cells.tocsr()
        matrix.data[matrix.data < 0] = 0.0
        matrix.eliminate_zeros()
        return matrix


def _check_range(name: str, column: npt.NDArray[Any], end: int) -> None:
    if len(column) and not (column.min() >= 0 and column.max() < end):
        raise UsageError(
            "A {name} number lies outside of 0 … {end}: {low} … {high}.",
            name=name,
            end=end - 1,
            low=column.min(),
            high=column.max(),
        )


def _merge(columns: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """Sorted columns with exact repeats dropped and the value and quantity of equal keys summed."""
    if not len(columns[0]):
        return columns
    users, items, actions, times, values, quantities = columns
    new_key = _changes([users, items, actions, times])
    told_once = new_key | _changes([values, quantities])
    users, items, actions, times, values, quantities = (column[told_once] for column in columns)
    starts = np.flatnonzero(new_key[told_once])
    keys = [column[starts] for column in (users, items, actions, times)]
    return [*keys, np.add.reduceat(values, starts), np.add.reduceat(quantities, starts)]


def _changes(columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Where a row differs from the one before; the first does."""
    changed = np.zeros(len(columns[0]), dtype=np.bool_)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed
