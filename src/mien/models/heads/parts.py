"""The parts of the heads of a shop: how each is fitted on stacked windows, or why it is not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.features.vector import FeatureMatrix
from mien.models.heads.classifier import Classifier, ClassifierSettings
from mien.models.heads.cuts import Cut, stacked
from mien.models.heads.pairs import PairMatrix
from mien.models.heads.trees import TreeSettings
from mien.models.interactions import Interactions

Floats = npt.NDArray[np.float64]

USER_TREES = TreeSettings(
    rounds=250, rate=0.04, leaves=7, least_rows=40, columns=0.3, rows=0.7, penalty=10.0, patience=0
)
PAIR_TREES = TreeSettings(
    rounds=150, rate=0.08, leaves=7, least_rows=200, columns=0.4, rows=0.7, penalty=20.0, patience=0, bins=63
)
OF_USERS = ClassifierSettings(kind="trees", trees=USER_TREES, calibration="platt")
OF_TRAITS = ClassifierSettings(kind="blend", trees=USER_TREES, penalty=100.0, calibration="platt")
"""Few users declare a trait: the probe carries what trees need more rows for."""
OF_PAIRS = ClassifierSettings(kind="blend", trees=PAIR_TREES, refit=False)
FOLDS = 5
"""One user in so many is held out where whole users are."""


@dataclass(frozen=True, slots=True)
class TooLittle:
    """Why a head is absent: what it has and what it needs."""

    head: str
    yes: int
    no: int
    least: int

    def __str__(self) -> str:
        return (
            f"{self.head}: {self.yes:,} yes and {self.no:,} no on its scarcer side; at least {self.least:,} of each "
            "are needed to learn from and to calibrate on"
        )


def windows(data: Interactions, at_us: int, days: float, stacks: int) -> tuple[Cut, ...]:
    """As many stacked cuts, at most `stacks`, as begin at least `days` after the first act; newest first."""
    if not len(data):
        return ()
    first = int(data.at_us.min()) + round(days * DAY_US)
    return tuple(cut for cut in stacked(at_us, days=days, stacks=stacks) if cut.at_us >= first)


def fit_users(
    head: str,
    matrices: Sequence[FeatureMatrix],
    labels: Sequence[Floats],
    *,
    least: int,
    seed: int,
    settings: ClassifierSettings = OF_USERS,
) -> Classifier | TooLittle:
    """A head over users: windows newest first; the newest calibrates, or a fifth of the users where it is alone."""
    if not matrices:
        return TooLittle(head, 0, 0, least)
    x, y = np.concatenate([matrix.values for matrix in matrices]), np.concatenate(labels)
    users = np.concatenate([matrix.users for matrix in matrices])
    held_out = users % FOLDS == 0 if len(matrices) == 1 else np.arange(len(y)) < len(labels[0])
    lacking = _lacking(head, y, held_out, least)
    if lacking:
        return lacking
    return Classifier.fit(matrices[0].names, x, y, held_out=held_out, settings=settings, seed=seed)


def fit_pairs(
    head: str,
    pairs: Sequence[PairMatrix],
    bought: Sequence[npt.NDArray[np.bool_]],
    *,
    rows: int,
    least: int,
    seed: int,
) -> Classifier | TooLittle:
    """A head over pairs of user and label; a fifth of the users calibrates."""
    if not pairs:
        return TooLittle(head, 0, 0, least)
    one = sampled(pairs, bought, rows, seed)
    held_out = one.users % FOLDS == 0
    lacking = _lacking(head, one.labels, held_out, least)
    if lacking:
        return lacking
    names = pairs[0].names
    return Classifier.fit(
        names, one.values, one.labels, held_out=held_out, row_weights=one.weights, settings=OF_PAIRS, seed=seed
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows to learn from: what came true and what did not, each weighing for what was left out."""

    values: npt.NDArray[np.float32]
    labels: Floats
    weights: Floats
    users: npt.NDArray[np.int64]


def sampled(pairs: Sequence[PairMatrix], bought: Sequence[npt.NDArray[np.bool_]], rows: int, seed: int) -> Sample:
    """About `rows` rows, at most half of them of pairs that came true."""
    random = np.random.default_rng(seed)
    true, total = sum(int(part.sum()) for part in bought), sum(part.size for part in bought)
    of_true, of_rest = min(1.0, rows / 2 / max(true, 1)), min(1.0, rows / 2 / max(total - true, 1))
    parts = []
    for matrix, happened in zip(pairs, bought, strict=True):
        y = happened.ravel()
        share = np.where(y, of_true, of_rest)
        kept = np.flatnonzero(random.random(len(y)) < share)
        users = matrix.users[kept // max(matrix.n_labels, 1)].astype(np.int64)
        parts.append((matrix.values[kept], y[kept].astype(np.float64), 1.0 / share[kept], users))
    return Sample(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _lacking(head: str, labels: Floats, held_out: npt.NDArray[np.bool_], least: int) -> TooLittle | None:
    sides = [labels[held_out], labels[~held_out]]
    yes, no = min(int(side.sum()) for side in sides), min(int((1 - side).sum()) for side in sides)
    return TooLittle(head, yes, no, least) if min(yes, no) < least else None
