"""Rows under a unique key, kept as columns: what a state adds to, and what it is written and read as.

Every column holds eight bytes a row, so that a table is one block of memory: adding is a few array stores, encoding
a few copies, and a reader gets numpy columns without touching a row.
"""

from array import array
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
K = TypeVar("K")
R = TypeVar("R")


class Columns(Mapping[K, R], Generic[K, R]):
    """A mapping of keys to rows over parallel arrays. A subclass says its key and its row."""

    __slots__ = ("_arrays", "_index", "_words")
    codes: ClassVar[str]
    """One letter a column: q = int64, d = float64."""

    def __init__(self) -> None:
        self._words: Ints | None = None
        self._arrays: list[array[Any]] | None = [array(code) for code in self.codes]
        self._index: dict[K, int] | None = {}

    @classmethod
    def of(cls, words: Ints) -> Self:
        """From `(columns, rows) int64` words, the bits of each column; they must not change afterwards."""
        table = cls.__new__(cls)
        table._words, table._arrays, table._index = words, None, None
        return table

    @property
    def columns(self) -> list["array[Any]"]:
        """The columns, to be read row by row or added to; made when they are first asked for."""
        if self._arrays is None:
            assert self._words is not None, "a table has words or arrays"
            self._arrays = [array(code) for code in self.codes]
            for column, row in zip(self._arrays, self._words, strict=True):
                column.frombytes(row.tobytes())
            self._words = None
        return self._arrays

    def keys_in_order(self) -> list[K]:
        """The key of every row, in the order of the columns."""
        raise NotImplementedError

    def row(self, k: int) -> R:
        """What stands at position `k`."""
        raise NotImplementedError

    @property
    def index(self) -> dict[K, int]:
        """Key → position; made when it is first asked for."""
        if self._index is None:
            self._index = {key: k for k, key in enumerate(self.keys_in_order())}
        return self._index

    def __getitem__(self, key: K) -> R:
        return self.row(self.index[key])

    def __iter__(self) -> Iterator[K]:
        return iter(self.keys_in_order())

    def __len__(self) -> int:
        return len(self.columns[0]) if self._words is None else self._words.shape[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)})"

    def numpy(self, k: int) -> npt.NDArray[Any]:
        """Column `k`: int64 or float64, not to be written to (a copy where rows may still be added)."""
        kind = np.int64 if self.codes[k] == "q" else np.float64
        return np.array(self.columns[k], dtype=kind) if self._words is None else self._words[k].view(kind)

    def copy(self) -> Self:
        """The same rows, free to change."""
        twin = type(self).__new__(type(self))
        twin._words = self._words
        twin._arrays = None if self._arrays is None else [column[:] for column in self._arrays]
        twin._index = None if self._index is None else self._index.copy()
        return twin


class Tally(NamedTuple):
    """What one user did to one item by one action. `item` −1: none.

    `fast`, `slow`: forward-decayed counts; `newest`: event id of the newest by (at, event id).
    """

    n: int
    fast: float
    slow: float
    quantity: float
    value: float
    first_us: int
    last_us: int
    newest: str


TallyLike = tuple[int, float, float, float, float, int, int, str]
"""A `Tally`, or a plain tuple of its fields, which is quicker to make."""


class Tallies(Columns[tuple[int, int], Tally]):
    """(item row, action code) → Tally."""

    __slots__ = ("newest",)
    codes = "qqqddddqq"  # item action n fast slow quantity value first_us last_us

    def __init__(self) -> None:
        super().__init__()
        self.newest: list[str] = []

    @classmethod
    def of(cls, words: Ints, newest: list[str] | None = None) -> Self:
        table = super().of(words)
        table.newest = newest or []
        return table

    def keys_in_order(self) -> list[tuple[int, int]]:
        return list(zip(self.columns[0], self.columns[1], strict=True))

    def row(self, k: int) -> Tally:
        return Tally._make((*(column[k] for column in self.columns[2:]), self.newest[k]))

    def add(self, key: tuple[int, int], tally: TallyLike) -> None:
        """Add one tally (of an event, or of another state) to that of the key."""
        c = self.columns
        k = self.index.setdefault(key, len(self.newest))
        if k == len(self.newest):
            for column, number in zip(self.columns, (*key, *tally[:-1]), strict=True):
                column.append(number)
            self.newest.append(tally[7])
            return
        n, fast, slow, quantity, value, first_us, last_us, newest = tally
        c[2][k] += n
        c[3][k] += fast
        c[4][k] += slow
        c[5][k] += quantity
        c[6][k] += value
        if first_us < c[7][k]:
            c[7][k] = first_us
        if (last_us, newest) > (c[8][k], self.newest[k]):
            c[8][k] = last_us
            self.newest[k] = newest

    def copy(self) -> Self:
        twin = super().copy()
        twin.newest = self.newest.copy()
        return twin


class Days(Columns[tuple[int, int], tuple[int, float, float]]):
    """(local day since 1970-01-01, action code) → (events, quantity, value)."""

    __slots__ = ()
    codes = "qqqdd"

    def keys_in_order(self) -> list[tuple[int, int]]:
        return list(zip(self.columns[0], self.columns[1], strict=True))

    def row(self, k: int) -> tuple[int, float, float]:
        return tuple(column[k] for column in self.columns[2:])

    def add(self, key: tuple[int, int], n: int, quantity: float, value: float) -> None:
        """Add events of one action to a day."""
        c = self.columns
        k = self.index.setdefault(key, len(c[0]))
        if k == len(c[0]):
            for column, number in zip(c, (*key, n, quantity, value), strict=True):
                column.append(number)
            return
        c[2][k] += n
        c[3][k] += quantity
        c[4][k] += value


class Orders(Columns[int, tuple[int, float]]):
    """µs of a purchase → (lines, value): purchases at one instant are one order."""

    __slots__ = ()
    codes = "qqd"

    def keys_in_order(self) -> list[int]:
        return list(self.columns[0])

    def row(self, k: int) -> tuple[int, float]:
        return self.columns[1][k], self.columns[2][k]

    def add(self, at_us: int, lines: int, value: float) -> None:
        """Add lines to the order of an instant."""
        c = self.columns
        k = self.index.setdefault(at_us, len(c[0]))
        if k == len(c[0]):
            for column, number in zip(c, (at_us, lines, value), strict=True):
                column.append(number)
            return
        c[1][k] += lines
        c[2][k] += value
