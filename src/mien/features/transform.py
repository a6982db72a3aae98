"""Features in the form that models like: logarithms of counts, the clock as a circle, categories as columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.features.vector import FeatureMatrix

Floats = npt.NDArray[np.float64]


def filled(matrix: FeatureMatrix) -> FeatureMatrix:
    """Unknown values replaced by the median of the known ones (0 where none is known)."""
    values = matrix.values.copy()
    for column in values.T:
        unknown = np.isnan(column)
        if unknown.any():
            column[unknown] = 0.0 if unknown.all() else np.median(column[~unknown])
    return FeatureMatrix(matrix.users, matrix.names, values, matrix.at_us)


def logarithms(matrix: FeatureMatrix, names: Sequence[str] | None = None) -> FeatureMatrix:
    """sign(x)·log(1 + |x|) of these features (default: all): counts and money are lognormal rather than normal."""
    chosen = np.isin(matrix.names, list(matrix.names if names is None else names))
    values = np.where(chosen, np.sign(matrix.values) * np.log1p(np.abs(matrix.values)), matrix.values)
    return FeatureMatrix(matrix.users, matrix.names, values, matrix.at_us)


def cyclic(matrix: FeatureMatrix, name: str, numbers: Floats, period: float) -> FeatureMatrix:
    """With `name.sin` and `name.cos` of a quantity that returns to itself after `period` (hours 24, weekdays 7, …).

    `numbers`: `(n,)`. 23 h and 1 h come to lie as near as they are.
    """
    turn = numbers * (2 * np.pi / period)
    return matrix.beside((f"{name}.sin", f"{name}.cos"), np.stack([np.sin(turn), np.cos(turn)], axis=1))


def categories(
    matrix: FeatureMatrix, name: str, values: Sequence[str | None], *, known: Sequence[str] | None = None
) -> FeatureMatrix:
    """With one column `name=value` of 0 and 1 for each of the `known` values (default: those that occur, sorted).

    `values`: one a user; None, and what is not known, is 0 everywhere.
    """
    columns = sorted({value for value in values if value is not None}) if known is None else list(known)
    place = {value: k for k, value in enumerate(columns)}
    ones = np.zeros((len(matrix.users), len(columns)))
    for row, value in enumerate(values):
        if value in place:
            ones[row, place[value]] = 1.0
    return matrix.beside([f"{name}={value}" for value in columns], ones)
