"""The learned ranker: LambdaMART whose trees look at one column each, compiled into step tables.

Two models of the same kind: `anyone`, of what holds for everybody, and `known`, of that and the person. Who asks
without being known, or without wanting to be, is answered by the first alone.

Sources: Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82; additive trees as in Lou, Caruana, Gehrke,
Hooker, Accurate Intelligible Models with Pairwise Interactions, KDD 2013.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import NotReady, WorkspaceError
from mien.core.extras import require
from mien.models.artifact import read_artifact, write_artifact
from mien.ranking.blend import Term
from mien.ranking.measures import measure_of
from mien.ranking.options import MAX_WEIGHTS
from mien.ranking.tables import Tables

Floats = npt.NDArray[np.float64]
VERSION = 1
KIND = "ranker"
ANYONE, KNOWN = "anyone", "known"


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """How the trees are grown, and whether they may be more than additive."""

    rounds: int = field(default=300, metadata={"help": "trees of each of the two models"})
    rate: float = field(default=0.1, metadata={"help": "learning rate: how much of each tree counts"})
    leaves: int = field(default=8, metadata={"help": "most steps a tree may make"})
    least_rows: int = field(
        default=500, metadata={"help": "fewest candidates of a step; a 4,000th of all candidates where that is fewer"}
    )
    top: int = field(default=15, metadata={"help": "places of the order that count"})
    pairs: tuple[tuple[str, str], ...] = field(
        default=(), metadata={"help": "columns that may act together; a few at most"}
    )
    additive: bool = field(
        default=True, metadata={"help": "false: trees may look at everything; for studies, not for answers"}
    )

    def params(self, names: list[str], rows: int, seed: int) -> dict[str, Any]:
        """The same in LightGBM's words."""
        told: dict[str, Any] = {
            "objective": "lambdarank",
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": max(min(self.least_rows, rows // 4000), 2),
            "lambdarank_truncation_level": self.top,
            "max_bin": 127,
            "num_threads": 1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            "monotone_constraints": [measure_of(name).sense for name in names],
        }
        if self.additive:
            pairs = [[names.index(one) for one in pair] for pair in self.pairs_of(names)]
            told["interaction_constraints"] = [[j] for j in range(len(names))] + pairs
        return told

    def pairs_of(self, names: list[str]) -> list[tuple[str, str]]:
        """The pairs of which both columns are there."""
        return [pair for pair in self.pairs if set(pair) <= set(names)]


@dataclass(frozen=True, eq=False)
class Examples:
    """What to learn from. `columns`: name → `(n,)`; `labels (n,)` ≥ 0, higher is better; `sizes`: candidates of each
    question, in the order of the rows. `weights (n_questions,)`: how much each question counts. `places (n,)`: where
    each stood when it was shown, None where nobody was shown anything."""

    columns: Mapping[str, Floats]
    labels: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    weights: Floats | None = None
    places: npt.NDArray[np.int64] | None = None

    def joined(self, other: "Examples") -> "Examples":
        """Both, one after the other. A column that one of them lacks is neutral there; where one was shown at places,
        all of the other counts as shown at one place."""
        both, sizes = (self, other), [len(self.labels), len(other.labels)]
        names = list(dict.fromkeys([*self.columns, *other.columns]))
        columns = {
            name: np.concatenate(
                [
                    one.columns.get(name, np.full(n, measure_of(name).neutral))
                    for one, n in zip(both, sizes, strict=True)
                ]
            )
            for name in names
        }
        weights = [np.ones(len(one.sizes)) if one.weights is None else one.weights for one in both]
        places = [
            np.ones(n, np.int64) if one.places is None else one.places for one, n in zip(both, sizes, strict=True)
        ]
        shown = self.places is not None or other.places is not None
        return Examples(
            columns,
            np.concatenate([one.labels for one in both]),
            np.concatenate([one.sizes for one in both]),
            np.concatenate(weights),
            np.concatenate(places) if shown else None,
        )

    def narrow(self) -> "Examples":
        """Without the measures that compare items of all categories."""
        return replace(self, columns={name: c for name, c in self.columns.items() if not measure_of(name).wide})

    def matrix(self, names: list[str]) -> npt.NDArray[np.float32]:
        """`(n, d) float32`: what LightGBM bins anyway."""
        return np.stack([self.columns[name] for name in names], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Ranker:
    """What was learnt, as tables. `facts`: how many questions, of which time."""

    anyone: Tables
    known: Tables
    facts: Mapping[str, Any] = field(default_factory=dict)

    def base(self, *, known: bool) -> float:
        """Where every score begins: that of an item of which nothing is said."""
        return (self.known if known else self.anyone).base

    def weigh(self, terms: list[Term], *, known: bool) -> list[Term]:
        """The terms, those that say what they measured now with what the tables give for it; a term of which the tables
        know no measure keeps what is set."""
        tables = self.known if known else self.anyone
        given = {name: column for term in terms for name, column in term.columns.items()}
        added = tables.adds(given)
        weighed = []
        for term in terms:
            parts = [added[name] for name in term.columns if name in added]
            weighed.append(replace(term, values=sum(parts, np.zeros(len(term.values)))) if parts else term)
        return weighed

    @property
    def close(self) -> bool:
        """Whether it looks at what a close reading finds (`ranking.close`)."""
        return any(name.startswith("words.") for name in self.anyone.columns)

    def save(self, path: Path) -> None:
        """Write one file, whole or not at all."""
        arrays = {
            f"{name}|{key}": array
            for name, tables in ((ANYONE, self.anyone), (KNOWN, self.known))
            for key, array in tables.to_arrays().items()
        }
        write_artifact(path, KIND, {"version": VERSION, "facts": dict(self.facts)}, arrays)

    @classmethod
    def load(cls, path: Path) -> "Ranker":
        """What `save` wrote; `NotReady` where nothing was, `WorkspaceError` where it is damaged or too old."""
        meta, arrays = read_artifact(path, KIND)
        if meta["version"] != VERSION:
            raise WorkspaceError("{path} was learnt by another version of Mien. Train again: mien train", path=path)
        parts = [
            Tables.from_arrays(
                {key.split("|", 1)[1]: array for key, array in arrays.items() if key.startswith(name + "|")}
            )
            for name in (ANYONE, KNOWN)
        ]
        return cls(parts[0], parts[1], meta["facts"])


def learn(
    examples: Examples, options: LearnOptions, *, seed: int = 0, facts: Mapping[str, Any] | None = None
) -> Ranker:
    """Grow and compile both models. Raises `NotReady` where no question has both better and worse candidates,
    `MissingExtra` without LightGBM. Cost: 2 · rounds · rows · columns, and one prediction a step."""
    if not len(examples.labels) or examples.labels.min() == examples.labels.max():
        raise NotReady("There is nothing to learn an order from: no question has candidates that differ in outcome.")
    names = list(examples.columns)
    plain = [name for name in names if not measure_of(name).personal]
    anyone = tables_of(grow(examples, plain, options, seed), examples, plain, options)
    if plain == names:
        return Ranker(anyone, anyone, dict(facts or {}))
    known = tables_of(grow(examples, names, options, seed), examples, names, options)
    return Ranker(anyone, known, dict(facts or {}))


def grow(examples: Examples, names: list[str], options: LearnOptions, seed: int) -> Any:
    """LightGBM's booster over the named columns."""
    lightgbm = require("models", "lightgbm")
    weights = None if examples.weights is None else np.repeat(examples.weights, examples.sizes)
    params = options.params(names, len(examples.labels), seed)
    data = lightgbm.Dataset(
        examples.matrix(names),
        examples.labels,
        group=examples.sizes,
        weight=weights,
        position=examples.places,
        params=params,
    )
    return lightgbm.train(params, data, options.rounds)


def tables_of(booster: Any, examples: Examples, names: list[str], options: LearnOptions) -> Tables:
    """The booster as tables, checked against it on some rows, and drawn together so that text tiers stay apart."""
    neutral = {name: measure_of(name).neutral for name in names}
    tables = Tables.compile(booster, names, neutral, options.pairs_of(names))
    some = np.linspace(0, len(examples.labels) - 1, num=min(200, len(examples.labels)), dtype=np.int64)
    tables.check(booster, examples.matrix(names)[some].astype(np.float64), names)
    return tables.within(MAX_WEIGHTS)
