"""Feature tables into encoded states, user by user, without a Python object per event."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mien.core.ids import UserRow
from mien.features.codec import HEAD, Texts, Words, leave_out, seal, settings_parts
from mien.features.state import PASSIVE, FoldSettings, Moment
from mien.features.tables import FoldTables, fold_tables

TALLY_WORDS = ("item", "action", "n", "fast", "slow", "quantity", "value", "first_us", "last_us")


@dataclass(frozen=True, slots=True)
class Part:
    """An executed table sorted by user: its columns as `(k, rows) int64` words, where each user's rows begin, texts."""

    words: Words
    starts: list[int]
    strings: list[list[str]]

    def of(self, u: int) -> tuple[int, int]:
        return self.starts[u], self.starts[u + 1]

    def entries(self, u: int) -> list[Any]:
        """A user's rows as tuples: the first number, the strings, the other numbers."""
        start, end = self.of(u)
        if start == end:
            return []
        first, *others = self.words[:, start:end].tolist()
        return list(zip(first, *(column[start:end] for column in self.strings), *others, strict=True))


def states(
    judged: Iterable[ir.Table], settings: FoldSettings, *, span: tuple[int, int] | None = None
) -> Iterator[tuple[UserRow, bytes]]:
    """The encoded state of every user, ascending within each table of `judged`.

    Each table must hold all events of its users: one table for a small shop, one a bucket for a large one, since
    memory goes with the table. `span`: as in `fold_tables`. Cost: some µs an event in the engine, about 100 µs a user.
    """
    for part in judged:
        kept: list[Any] = []

        def keep(table: ir.Table, kept: list[Any] = kept) -> ir.Table:
            kept.append(table.cache())
            return kept[-1]

        try:
            yield from _bucket(fold_tables(part, settings, span=span, keep=keep), settings)
        finally:
            for table in reversed(kept):
                table.release()


def _bucket(tables: FoldTables, settings: FoldSettings) -> Iterator[tuple[UserRow, bytes]]:
    executed = {name: _numbers(getattr(tables, name).to_pyarrow()) for name in FoldTables.__slots__}
    users = np.unique(executed["tallies"]["user"].to_numpy())
    if len(users):
        yield from Assembly(executed, users, settings).states()


def _numbers(table: pa.Table) -> pa.Table:
    """Without decimals, which some engines sum integers into."""
    for k, column in enumerate(table.columns):
        if pa.types.is_decimal(column.type):
            table = table.set_column(k, table.column_names[k], column.cast(pa.int64()))
    return table


class Assembly:
    """The executed tables of one bucket, cut by user."""

    def __init__(self, tables: dict[str, pa.Table], users: npt.NDArray[np.int32], settings: FoldSettings) -> None:
        self.users = users
        self.parts = settings_parts(settings)
        self.tallies = self._cut(tables["tallies"], TALLY_WORDS)
        self.days = self._cut(tables["days"], ("day", "action", "n", "quantity", "value"))
        self.orders = self._cut(tables["orders"], ("at_us", "n", "value"))
        self.recent = self._cut(tables["recent"], ("at_us", "action", "item"), oldest_first=True)
        self.pairs = self._cut(tables["pairs"], ("before", "after", "n"))
        self.queries = self._cut(tables["queries"], ("at_us",), oldest_first=True)
        self.texts = self._cut(tables["texts"], ("at_us",), oldest_first=True)
        self.heads = self._heads(tables)
        firsts = [np.repeat(self.heads[:, 1], np.diff(part.starts)) for part in (self.tallies, self.orders)]
        leave_out(self.tallies.words, self.orders.words, *firsts)
        self.lasts = _lasts(tables["lasts"])

    def _cut(self, table: pa.Table, columns: tuple[str, ...], *, oldest_first: bool = False) -> Part:
        user = table["user"].to_numpy()
        order = np.lexsort((-table["pos"].to_numpy(), user)) if oldest_first else np.argsort(user, kind="stable")
        words = np.empty((len(columns), len(user)), dtype=np.int64)
        for row, name in zip(words, columns, strict=True):
            column = table[name].to_numpy()
            if column.dtype.kind == "f":
                row.view(np.float64)[:] = column[order]
            else:
                row[:] = column[order]
        names = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
        strings = [column.to_pylist() for column in table.select(names).take(order).columns]
        starts = np.searchsorted(user[order], np.append(self.users, np.iinfo(np.int64).max))
        return Part(words, starts.tolist(), strings)

    def _heads(self, tables: dict[str, pa.Table]) -> Words:
        """`(users, HEAD)`: the words every state begins with."""
        heads = np.zeros((len(self.users), HEAD), dtype=np.int64)
        t, d = self.tallies.words, self.days.words
        starts = self.tallies.starts[:-1]
        heads[:, 0] = np.add.reduceat(t[2], starts)
        heads[:, 1] = np.minimum.reduceat(t[7], starts)
        heads[:, 2] = np.maximum.reduceat(t[8], starts)
        for k, part in enumerate((self.tallies, self.days, self.orders), start=4):
            heads[:, k] = np.diff(part.starts)
        heads[self._place(tables["prefix"]), 7] = tables["prefix"]["sessions"].to_numpy()
        heads[self._place(tables["hours"]), 8 + tables["hours"]["hour"].to_numpy()] = tables["hours"]["n"].to_numpy()
        active = ~np.isin(d[1], list(PASSIVE))
        owner = np.repeat(np.arange(len(self.users)), np.diff(self.days.starts))
        np.add.at(heads, (owner[active], 32 + (d[0][active] + 3) % 7), d[2][active])
        return heads

    def _place(self, table: pa.Table) -> npt.NDArray[np.int64]:
        rows: npt.NDArray[np.int64] = np.searchsorted(self.users, table["user"].to_numpy())
        return rows

    def states(self) -> Iterator[tuple[UserRow, bytes]]:
        """Every user's state, ascending."""
        for u, user in enumerate(self.users.tolist()):
            t0, t1 = self.tallies.of(u)
            d0, d1 = self.days.of(u)
            o0, o1 = self.orders.of(u)
            p0, p1 = self.pairs.of(u)
            words = np.concatenate(
                (
                    self.heads[u],
                    self.tallies.words[:, t0:t1].ravel(),
                    self.days.words[:, d0:d1].ravel(),
                    self.orders.words[:, o0:o1].ravel(),
                    self.pairs.words[:, p0:p1].T.ravel(),
                )
            )
            texts = Texts(
                self.parts,
                self.lasts.get(user),
                self.queries.entries(u),  # plain tuples are written as named ones are
                self.texts.entries(u),
                self.recent.entries(u),
                self.tallies.strings[0][t0:t1],
            )
            yield UserRow(user), seal(words, texts)


def _lasts(table: pa.Table) -> dict[int, Moment]:
    columns = (table[name].to_pylist() for name in Moment._fields)
    return dict(zip(table["user"].to_pylist(), map(Moment._make, zip(*columns, strict=True)), strict=True))
