"""Step tables: an additive model of candidates, compiled so that a score is a sum of look-ups.

    s(x) = base + Σ_j f_j(x_j) + Σ_(j,k) g_jk(x_j, x_k),   f and g constant between steps, 0 where x is neutral.

Trees that may look at one column each, or at a named pair, sum up to just that. What a column adds is therefore known
exactly, and a column that says nothing of an item (its neutral value) adds exactly 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import WorkspaceError

Floats = npt.NDArray[np.float64]
EXACT = 1e-9
"""By how much tables and trees may differ: rounding, nothing else."""


@dataclass(frozen=True, eq=False)
class Column:
    """One f_j. `edges (m,)` ascending; `values (m + 1,)`, a step reaches up to its edge.

    `missing`: what NaN adds.
    """

    name: str
    edges: Floats
    values: Floats
    missing: float

    def look_up(self, x: Floats) -> Floats:
        """`(n,)` what each value adds. Cost: one binary search a value."""
        found: Floats = self.values[np.searchsorted(self.edges, x, side="left")]
        unknown = np.isnan(x)
        return np.where(unknown, self.missing, found) if unknown.any() else found


@dataclass(frozen=True, eq=False)
class Pair:
    """One g_jk over the steps of two columns, beyond what each adds alone. `values (a + 1, b + 1)`, last place: NaN."""

    first: str
    second: str
    edges: tuple[Floats, Floats]
    values: Floats

    def look_up(self, x: Floats, y: Floats) -> Floats:
        places = (_place(edges, column) for edges, column in zip(self.edges, (x, y), strict=True))
        found: Floats = self.values[tuple(places)]
        return found


@dataclass(frozen=True, eq=False)
class Tables:
    """The whole model. `neutral`: column → the value at which it adds 0; one that a candidate lacks is neutral."""

    columns: Mapping[str, Column]
    pairs: tuple[Pair, ...]
    neutral: Mapping[str, float]
    base: float

    def adds(self, given: Mapping[str, Floats]) -> dict[str, Floats]:
        """What each given column adds, `(n,)` each; what a pair adds beyond that counts for its first column."""
        added = {name: self.columns[name].look_up(x) for name, x in given.items() if name in self.columns}
        for pair in self.pairs:
            if pair.first in given and pair.second in given:
                added[pair.first] = added[pair.first] + pair.look_up(given[pair.first], given[pair.second])
        return added

    def score(self, given: Mapping[str, Floats], n: int) -> Floats:
        """`(n,)` the sum of all, base included."""
        return self.base + sum(self.adds(given).values(), np.zeros(n))

    @classmethod
    def compile(
        cls, booster: Any, names: Sequence[str], neutral: Mapping[str, float], pairs: Sequence[tuple[str, str]] = ()
    ) -> "Tables":
        """The tables of LightGBM trees of which each looks at one column or at one of `pairs`.

        The trees are asked at every step of a column while all others are neutral: the difference to all neutral is
        f_j, and what two columns do together beyond both is g_jk. Cost: one prediction of as many rows as there are
        steps, and as the products of the steps of each pair.
        """
        steps = _steps(booster, names)
        rest = np.array([neutral[name] for name in names], dtype=np.float64)
        base = float(_ask(booster, rest[None])[0])
        columns = {}
        for j, name in enumerate(names):
            rows = np.tile(rest, (len(steps[j]) + 2, 1))
            rows[:, j] = _points(steps[j])
            values = _ask(booster, rows) - base
            columns[name] = Column(name, steps[j], values[:-1], float(values[-1]))
        found = [_pair(booster, names, steps, rest, (base, columns), pair) for pair in pairs]
        return cls(columns, tuple(pair for pair in found if np.abs(pair.values).max() > EXACT), dict(neutral), base)

    def check(self, booster: Any, rows: Floats, names: Sequence[str]) -> None:
        """`WorkspaceError` where tables and trees differ on `rows (n, d)`: a tree looked at more than it may."""
        given = {name: rows[:, j] for j, name in enumerate(names)}
        if len(rows) and np.abs(self.score(given, len(rows)) - _ask(booster, rows)).max() > EXACT:
            raise WorkspaceError("The trees of the ranker do not come apart into tables; train again: mien train")

    @property
    def span(self) -> float:
        """The most by which two scores can differ."""
        tables = [np.append(column.values, column.missing) for column in self.columns.values()]
        tables += [pair.values for pair in self.pairs]
        return float(sum(np.ptp(values) for values in tables))

    def within(self, limit: float) -> "Tables":
        """The same order, all scores drawn together so that no two differ by more than `limit`."""
        return self.times(min(1.0, limit / self.span) if self.span > 0 else 1.0)

    def times(self, by: float) -> "Tables":
        """All scores multiplied."""
        columns = {
            name: replace(column, values=column.values * by, missing=column.missing * by)
            for name, column in self.columns.items()
        }
        pairs = tuple(replace(pair, values=pair.values * by) for pair in self.pairs)
        return Tables(columns, pairs, self.neutral, self.base * by)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it as named arrays."""
        arrays: dict[str, npt.NDArray[Any]] = {"base": np.array(self.base)}
        for name, column in self.columns.items():
            arrays[f"{name}/edges"], arrays[f"{name}/values"] = column.edges, column.values
            arrays[f"{name}/ends"] = np.array([column.missing, self.neutral[name]])
        for pair in self.pairs:
            arrays[f"{pair.first}×{pair.second}/pair"] = pair.values
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Tables":
        """What `to_arrays` gave."""
        columns, neutral, pairs = {}, {}, []
        for key in arrays:
            name, _, part = key.rpartition("/")
            if part == "edges":
                missing, rest = arrays[f"{name}/ends"].tolist()
                columns[name] = Column(name, arrays[key], arrays[f"{name}/values"], missing)
                neutral[name] = rest
        for key in arrays:
            name, _, part = key.rpartition("/")
            if part == "pair":
                first, second = name.split("×")
                pairs.append(Pair(first, second, (columns[first].edges, columns[second].edges), arrays[key]))
        return cls(columns, tuple(pairs), neutral, float(arrays["base"]))


def _pair(
    booster: Any, names: Sequence[str], steps: list[Floats], rest: Floats, alone: tuple[float, Mapping[str, Column]],
    pair: tuple[str, str],
) -> Pair:  # fmt: skip
    base, columns = alone
    j, k = names.index(pair[0]), names.index(pair[1])
    x, y = _points(steps[j]), _points(steps[k])
    rows = np.tile(rest, (len(x) * len(y), 1))
    rows[:, j], rows[:, k] = np.repeat(x, len(y)), np.tile(y, len(x))
    both = (_ask(booster, rows) - base).reshape(len(x), len(y))
    alone_x, alone_y = columns[pair[0]].look_up(x), columns[pair[1]].look_up(y)
    return Pair(*pair, (steps[j], steps[k]), both - alone_x[:, None] - alone_y[None, :])


def _place(edges: Floats, x: Floats) -> npt.NDArray[np.int64]:
    """Which step a value is on; the last place is that of NaN."""
    return np.where(np.isnan(x), len(edges) + 1, np.searchsorted(edges, x, side="left"))


def _points(edges: Floats) -> Floats:
    """A value on every step, ascending, NaN last. Not the edges themselves: LightGBM takes what is near 0 to be 0."""
    if not len(edges):
        return np.array([0.0, np.nan])
    return np.concatenate([[edges[0] - 1.0], (edges[:-1] + edges[1:]) / 2, [edges[-1] + 1.0, np.nan]])


def _ask(booster: Any, rows: Floats) -> Floats:
    return np.asarray(booster.predict(rows, raw_score=True, num_threads=1), dtype=np.float64)


def _steps(booster: Any, names: Sequence[str]) -> list[Floats]:
    """Per column where any tree splits it, ascending."""
    found: list[set[float]] = [set() for _ in names]
    for tree in booster.dump_model()["tree_info"]:
        _gather(tree["tree_structure"], found)
    return [np.array(sorted(edges), dtype=np.float64) for edges in found]


def _gather(node: Mapping[str, Any], found: list[set[float]]) -> None:
    if "split_feature" in node:
        found[node["split_feature"]].add(float(node["threshold"]))
        _gather(node["left_child"], found)
        _gather(node["right_child"], found)
