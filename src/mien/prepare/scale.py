"""Scaling of numeric columns, fitted on the training window only, the same for a table, an array and one number."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mien.prepare.policy import check_choice
from mien.prepare.split import TimeSplit


@dataclass(frozen=True, slots=True)
class Scale:
    """x → (x − centre) / width of one column. A column that never varied has width 1 and becomes 0 in training."""

    column: str
    centre: float
    width: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """The scales of several columns. Missing stays missing; nothing is clipped: later numbers may leave 0 … 1."""

    scales: tuple[Scale, ...]

    def table(self, table: ir.Table) -> ir.Table:
        """The table with its columns scaled, lazily."""
        return table.mutate(**{s.column: (table[s.column].cast("float64") - s.centre) / s.width for s in self.scales})

    def array(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`(n, len(scales)) float64` scaled, columns in the order of `scales`; NaN stays NaN."""
        centre = np.array([s.centre for s in self.scales])
        width = np.array([s.width for s in self.scales])
        scaled: npt.NDArray[np.float64] = (numbers - centre) / width
        return scaled

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"scales": [asdict(scale) for scale in self.scales]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Scaling":
        """The scaling whose `to_dict` this was."""
        return cls(tuple(Scale(**scale) for scale in values["scales"]))


def fit_scaling(table: ir.Table, columns: Sequence[str], split: TimeSplit, how: str = "standard") -> Scaling:
    """Fit on the events before the validation window. Cost: one aggregation.

    `how`: standard (mean 0, population standard deviation 1) or minmax (0 … 1).
    """
    check_choice("how (scaling)", how, ("standard", "minmax"))
    train = split.train(table)
    parts = {}
    for column in columns:
        number = train[column].cast("float64")
        parts[f"{column}_a"] = number.mean() if how == "standard" else number.min()
        parts[f"{column}_b"] = number.std(how="pop") if how == "standard" else number.max()
    found = train.agg(**parts).to_pyarrow().to_pylist()[0]
    return Scaling(tuple(_scale(column, found[f"{column}_a"], found[f"{column}_b"], how) for column in columns))


def _scale(column: str, centre: float | None, other: float | None, how: str) -> Scale:
    if centre is None or other is None:
        return Scale(column, 0.0, 1.0)
    width = other if how == "standard" else other - centre
    return Scale(column, centre, width if width > 0 else 1.0)
