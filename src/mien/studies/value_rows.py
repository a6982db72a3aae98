"""A target's table: what each model said of the same users, judged and compared pair by pair."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.studies.drawn import drawn_again, interval, macro_aurocs
from mien.studies.metrics import auroc, brier, ece

Floats = npt.NDArray[np.float64]
LEAST_POSITIVES = 5
"""A label with fewer buyers in the test window says too little and is left out of the mean."""


@dataclass(eq=False)
class Said:
    """What one model said: `scores` to rank by, `probabilities` where it gives any, both `(n, labels)`.

    `by_seed`: AUROC of each seed, where randomness entered.
    """

    model: str
    scores: npt.NDArray[np.floating]
    probabilities: Floats | None = None
    by_seed: tuple[float, ...] = ()
    cpu_s: float = 0.0


@dataclass(eq=False)
class TargetTable:
    """One target. `labels (n, labels)`: what happened, of the users judged (one column for churn and the like)."""

    target: str
    labels: npt.NDArray[np.bool_]
    rows: list[Said] = field(default_factory=list)

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Which labels count."""
        return np.asarray(self.labels.sum(axis=0) >= LEAST_POSITIVES)

    def macro(self, scores: npt.NDArray[np.floating]) -> float:
        """The mean AUROC over the labels that count."""
        return float(np.nanmean(auroc(scores[:, self.judged], self.labels[:, self.judged])))

    def to_dict(self, *, ours: str, seed: int, rounds: int) -> dict[str, Any]:
        """JSON-ready: each model with its interval, and the difference of the model `ours` to it."""
        draws = drawn_again(len(self.labels), seed=seed, rounds=rounds)
        labels = self.labels[:, self.judged]
        drawn = {row.model: macro_aurocs(row.scores[:, self.judged], labels, draws) for row in self.rows}
        means = {row.model: self.macro(row.scores) for row in self.rows}
        told = []
        for row in self.rows:
            figures: dict[str, Any] = {
                "model": row.model,
                "auroc": interval(means[row.model], drawn[row.model]).to_dict(),
                "seeds": [round(figure, 6) for figure in row.by_seed],
                "cpu_s": round(row.cpu_s, 1),
            }
            if row.probabilities is not None:
                happened = self.labels.ravel()
                figures["ece"] = round(ece(row.probabilities.ravel(), happened), 6)
                figures["brier"] = round(brier(row.probabilities.ravel(), happened), 6)
            if row.model != ours and ours in means:
                gain = interval(means[ours] - means[row.model], drawn[ours] - drawn[row.model])
                figures[f"{ours}_above"] = gain.to_dict()
            told.append(figures)
        return {
            "target": self.target,
            "users": len(self.labels),
            "labels": int(self.judged.sum()),
            "rate": round(float(self.labels.mean()), 6),
            "models": told,
        }
