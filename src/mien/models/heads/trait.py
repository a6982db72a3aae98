"""Trait heads: what some users declared, inferred for the others; always marked, never shown as fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from mien.features.vector import FeatureMatrix
from mien.models.artifact import Arrays
from mien.models.heads.classifier import Classifier
from mien.models.heads.parts import OF_TRAITS, TooLittle, fit_users
from mien.models.heads.settings import HeadSettings, sensitive_kind

Value: TypeAlias = str | int | float | bool
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TraitHead:
    """One trait: its values, and for each the classifier that tells it from the others (one for two values)."""

    name: str
    values: tuple[Value, ...]
    models: tuple[Classifier, ...]

    def probabilities(self, features: Floats) -> Floats:
        """`(n, len(values))`, rows sum to 1."""
        told = np.column_stack([model.probabilities(features) for model in self.models])
        if len(self.values) == 2:
            return np.column_stack([1.0 - told[:, 0], told[:, 0]])
        return np.asarray(told / told.sum(axis=1, keepdims=True))

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays, for an artifact."""
        arrays: Arrays = {}
        metas = []
        for k, model in enumerate(self.models):
            meta, own = model.parts()
            metas.append(meta)
            arrays |= {f"{k}:{name}": values for name, values in own.items()}
        return {"name": self.name, "values": list(self.values), "models": metas}, arrays

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart."""
        models = []
        for k, told in enumerate(meta["models"]):
            own = {name.partition(":")[2]: part for name, part in arrays.items() if name.startswith(f"{k}:")}
            models.append(Classifier.of_parts(told, own))
        return cls(meta["name"], tuple(meta["values"]), tuple(models))


def fit_traits(
    matrix: FeatureMatrix, declared: Mapping[str, Mapping[int, Value]], settings: HeadSettings, seed: int
) -> tuple[tuple[TraitHead, ...], tuple[str, ...]]:
    """A head for every trait that may be inferred and that enough users declared; and what is to be said of the rest.

    A trait of a sensitive name (religion, health, ethnicity, …) is passed over unless settings allow it by name.
    """
    if not settings.infer_traits:
        return (), ()
    heads, notes = [], []
    for name, told in declared.items():
        kind = sensitive_kind(name)
        if kind is not None and name not in settings.allow_sensitive:
            notes.append(f"trait {name}: not inferred, since it may tell of {kind} (setting allow_sensitive)")
            continue
        head = _fit(matrix, name, told, settings, seed)
        if isinstance(head, TraitHead):
            heads.append(head)
        else:
            notes.append(head)
    return tuple(heads), tuple(notes)


def _fit(
    matrix: FeatureMatrix, name: str, told: Mapping[int, Value], settings: HeadSettings, seed: int
) -> TraitHead | str:
    rows = np.array([k for k, user in enumerate(matrix.users.tolist()) if user in told], dtype=np.int64)
    answers = [told[int(matrix.users[k])] for k in rows]
    values = tuple(sorted(set(answers), key=str))
    if not 2 <= len(values) <= settings.trait_values:
        few = f"has {len(values)} values; between 2 and {settings.trait_values} can be inferred (setting trait_values)"
        return f"trait {name}: {few}"
    known = FeatureMatrix(matrix.users[rows], matrix.names, matrix.values[rows], matrix.at_us)
    models = []
    for value in values[1:] if len(values) == 2 else values:
        labels = np.array([float(answer == value) for answer in answers])
        least, head = max(settings.least // 5, 5), f"trait {name}={value}"
        model = fit_users(head, [known], [labels], least=least, seed=seed, settings=OF_TRAITS)
        if isinstance(model, TooLittle):
            return str(model)
        models.append(model)
    return TraitHead(name, values, tuple(models))
