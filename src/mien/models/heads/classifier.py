"""A calibrated yes-or-no model over named features: trees, a probe, or both, with reasons.

    score = mean of the members' log-odds;   probability = calibration(score), learnt on held-out rows.

The members are fitted without the held-out rows, calibrated on them, and then (`refit`) fitted once more on all rows:
the map from score to probability stays, what the rows teach is not lost.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName, UsageError
from mien.models.artifact import Arrays, read_artifact, write_artifact
from mien.models.heads.calibration import Calibration, Way
from mien.models.heads.probe import Probe
from mien.models.heads.trees import Trees, TreeSettings

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]
Kind = Literal["trees", "probe", "blend"]
KIND = "classifier"
VERSION = 1


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """What a classifier is made of."""

    kind: Kind = field(default="blend", metadata={"help": "trees, probe, or blend: the mean of both log-odds"})
    trees: TreeSettings = field(default_factory=TreeSettings)
    penalty: float = field(default=30.0, metadata={"help": "L2 pull of the probe's weights towards 0"})
    calibration: Way = field(default="auto", metadata={"help": "platt, isotonic, or auto: by the size of the data"})
    refit: bool = field(default=True, metadata={"help": "fit the members once more on all rows after calibrating"})

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UnknownName("kind of classifier", self.kind, get_args(Kind))
        if self.calibration not in get_args(Way):
            raise UnknownName("calibration", self.calibration, get_args(Way))
        if self.penalty < 0:
            raise UsageError("The penalty of a probe must be 0 or more, not {penalty:g}.", penalty=self.penalty)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature of one row said. `value` NaN: unknown; `contribution` in log-odds, above 0: for yes."""

    name: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A fitted classifier over the features `names`. Make it with `fit` or `load`."""

    names: tuple[str, ...]
    settings: ClassifierSettings
    calibration: Calibration
    trees: Trees | None
    probe: Probe | None
    base_rate: float

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        values: Numbers,
        labels: npt.NDArray[Any],
        *,
        held_out: npt.NDArray[np.bool_],
        row_weights: Floats | None = None,
        settings: ClassifierSettings | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn from `(n, len(names))` values (NaN: unknown) and `(n,)` labels of 0 and 1.

        `held_out (n,) bool`: rows to calibrate on, and by which the trees stop; choose whole users or the newest
        window, so that no row in it has a twin outside. Raises `UsageError` where shapes differ, or where either
        side holds only one kind of label. Cost: see `Trees.fit` and `Probe.fit`, twice with `refit`.
        """
        settings = settings or ClassifierSettings()
        x = np.asarray(values)
        y: Floats = np.asarray(labels, dtype=np.float64)
        weights = np.ones(len(y)) if row_weights is None else np.asarray(row_weights, dtype=np.float64)
        _check(names, x, y, weights, held_out)
        judge = (x[held_out], y[held_out], weights[held_out])
        draft = cls._members(x[~held_out], y[~held_out], weights[~held_out], settings, seed, judge)
        calibration = Calibration.fit(_scores(*draft, judge[0]), judge[1], judge[2], settings.calibration)
        final = draft
        if settings.refit:
            rounds = draft[0].rounds if draft[0] else settings.trees.rounds
            grown = replace(settings, trees=replace(settings.trees, rounds=rounds))
            final = cls._members(x, y, weights, grown, seed, None)
        return cls(tuple(names), settings, calibration, *final, float(np.average(y, weights=weights)))

    @staticmethod
    def _members(
        values: Numbers,
        labels: Floats,
        weights: Floats,
        settings: ClassifierSettings,
        seed: int,
        judge: tuple[Numbers, Floats, Floats] | None,
    ) -> tuple[Trees | None, Probe | None]:
        trees = probe = None
        if settings.kind != "probe":
            trees = Trees.fit(values, labels, weights, settings=settings.trees, seed=seed, held_out=judge)
        if settings.kind != "trees":
            probe = Probe.fit(values, labels, weights, penalty=settings.penalty)
        return trees, probe

    def scores(self, values: Numbers) -> Floats:
        """`(n,)` log-odds before calibration; they rank as the probabilities do."""
        return _scores(self.trees, self.probe, self._checked(values))

    def probabilities(self, values: Numbers) -> Floats:
        """`(n,) float64`, calibrated, in (0, 1)."""
        return self.calibration.probabilities(self.scores(values))

    def contributions(self, values: Numbers) -> Floats:
        """`(n, len(names) + 1)` log-odds that each feature gave, the base last; rows sum to the score."""
        checked = self._checked(values)
        members = [member.contributions(checked) for member in (self.trees, self.probe) if member is not None]
        return np.asarray(np.mean(members, axis=0))

    def explained(self, values: Numbers) -> tuple[Floats, Floats]:
        """Probabilities and contributions in one pass: the scores are the sums of the latter."""
        told = self.contributions(values)
        return self.calibration.probabilities(told.sum(axis=1)), told

    def reasons(self, row: Numbers, k: int = 3, *, told: Floats | None = None) -> tuple[Contribution, ...]:
        """The k features of one row, `(len(names),)`, that say most for or against, strongest first.

        `told`: the row of `contributions`, where it is known already.
        """
        told = self.contributions(np.asarray(row)[None, :])[0] if told is None else told
        told = told[:-1]
        order = np.argsort(-np.abs(told), kind="stable")[:k]
        return tuple(
            Contribution(self.names[place], float(row[place]), float(told[place]))
            for place in order.tolist()
            if told[place] != 0
        )

    def parts(self) -> tuple[dict[str, Any], Arrays]:
        """Description and arrays: a classifier as a part of a larger artifact."""
        meta: dict[str, Any] = {"version": VERSION, "names": list(self.names), "base_rate": self.base_rate}
        meta["settings"] = asdict(self.settings)
        meta["calibration"], arrays = self.calibration.parts()
        if self.trees is not None:
            arrays["trees"] = np.frombuffer(self.trees.text.encode(), dtype=np.uint8)
        if self.probe is not None:
            meta["probe"], of_probe = self.probe.parts()
            arrays |= of_probe
        return meta, arrays

    @classmethod
    def of_parts(cls, meta: dict[str, Any], arrays: Arrays) -> Self:
        """What `parts` took apart: the same settings, the same answers. Raises `UsageError` for another version."""
        if meta["version"] != VERSION:
            raise UsageError(
                "This is a classifier of version {version}; this Mien reads version {known}. Run mien train.",
                version=meta["version"],
                known=VERSION,
            )
        told = dict(meta["settings"])
        settings = ClassifierSettings(**{**told, "trees": TreeSettings(**told["trees"])})
        trees = None
        if "trees" in arrays:
            trees = Trees.of_text(arrays["trees"].tobytes().decode(), settings.trees.threads)
        probe = Probe.of_parts(meta["probe"], arrays) if "probe" in meta else None
        calibration = Calibration.of_parts(meta["calibration"], arrays)
        return cls(tuple(meta["names"]), settings, calibration, trees, probe, meta["base_rate"])

    def save(self, path: Path) -> Path:
        """Write `path` (.npz, no pickle) in one durable step and return it."""
        meta, arrays = self.parts()
        write_artifact(path, KIND, meta, arrays)
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """The classifier saved at `path`. Raises `NotReady` where there is none, `WorkspaceError` where damaged."""
        return cls.of_parts(*read_artifact(path, KIND))

    def _checked(self, values: Numbers) -> Numbers:
        checked = np.asarray(values)
        if checked.ndim != 2 or checked.shape[1] != len(self.names):
            raise UsageError(
                "The classifier reads {n_names} features a row, not the shape {shape}. Bring the columns "
                "into the order of its names.",
                n_names=len(self.names),
                shape=str(checked.shape),
            )
        return checked


def _scores(trees: Trees | None, probe: Probe | None, values: Numbers) -> Floats:
    members = [member.scores(values) for member in (trees, probe) if member is not None]
    return np.asarray(np.mean(members, axis=0))


def _check(
    names: Sequence[str], values: Numbers, labels: Floats, weights: Floats, held_out: npt.NDArray[np.bool_]
) -> None:
    n = len(labels)
    if values.shape != (n, len(names)) or weights.shape != (n,) or held_out.shape != (n,) or held_out.dtype != np.bool_:
        raise UsageError(
            "Labels for {n} rows and {n_names} names need values of the shape ({n}, {n_names}), not "
            "{shape}, and weights and a mask held_out with one entry a row.",
            n=n,
            n_names=len(names),
            shape=str(values.shape),
        )
    for side, rows in (("learn from", ~held_out), ("calibrate on", held_out)):
        kinds = np.unique(labels[rows])
        if not np.array_equal(kinds, [0.0, 1.0]):
            raise UsageError(
                "The rows to {side} must hold both labels, 0 and 1; {rows} rows hold {kinds}.",
                side=side,
                rows=int(rows.sum()),
                kinds=kinds[:5].tolist(),
            )
