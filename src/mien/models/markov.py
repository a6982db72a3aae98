"""What a user does next: rates of actions, and a chain in which the next action depends on the last one.

All by maximum likelihood from counts, and smoothed by a Dirichlet prior: s imaginary observations spread as the
population acts,
    P(b | a) = (n_ab + s · π_b) / (n_a + s),    π_b the population's share of action b, n_a = Σ_b n_ab.
s = 0 is plain maximum likelihood. Source: Anderson and Goodman, Statistical Inference about Markov Chains, 1957;
the prior is the conjugate one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTION_CODE, ACTIONS
from mien.features.state import PASSIVE
from mien.models.artifact import read_artifact, write_artifact

Counts = Mapping[int, int]
"""Action code → how often."""
Steps = Mapping[tuple[int, int], int]
"""(action code, next action code) → how often."""
Floats = npt.NDArray[np.float64]

_KIND = "model markov"
_VERSION = 1
_N = len(ACTIONS)


def bernoulli_rate(successes: float, trials: float, *, prior: float = 0.5, strength: float = 0.0) -> float | None:
    """(successes + s·prior) / (trials + s): with strength 0 the plain rate, None where there is no trial."""
    seen = trials + strength
    return (successes + strength * prior) / seen if seen > 0 else None


def purchase_rate(counts: Counts) -> float | None:
    """Purchases over all acts of the user, by plain maximum likelihood; what the shop did (impressions) is no act."""
    acts = sum(n for action, n in counts.items() if action not in PASSIVE)
    return bernoulli_rate(counts.get(ACTION_CODE["purchase"], 0), acts)


@dataclass(frozen=True, eq=False)
class Markov:
    """The chain of a population, from which a user's own chain is read with little data.

    `share`: `(actions,)`, π; `steps`: `(actions, actions)`, how often the population went from row to column;
    `strength`: s, imaginary observations per row.
    """

    share: Floats
    steps: Floats
    strength: float = 5.0

    @classmethod
    def fit(cls, counts: Counts, steps: Steps, *, strength: float = 5.0) -> Self:
        """From the population's counts of actions and of transitions. Without any act every action is as likely."""
        totals = np.zeros(_N)
        for action, n in counts.items():
            totals[action] = 0.0 if action in PASSIVE else float(n)
        share = totals / totals.sum() if totals.sum() else np.full(_N, 1.0 / _N)
        return cls(share, _matrix(steps), strength)

    @property
    def version(self) -> str:
        """Names the chain by its format and its prior."""
        return f"markov-{_VERSION}-s{self.strength:g}-{int(self.steps.sum())}"

    def rates(self, counts: Counts, *, smoothed: bool = True) -> dict[str, float]:
        """Multinomial: action → probability of an act being this one, most likely first, zeros left out."""
        acts = np.zeros(_N)
        for action, n in counts.items():
            acts[action] = 0.0 if action in PASSIVE else float(n)
        return _named(self._smooth(acts, smoothed))

    def transitions(self, steps: Steps, *, smoothed: bool = True) -> dict[str, dict[str, float]]:
        """Action → next action → probability, for the actions that were followed by another."""
        matrix = _matrix(steps)
        rows = np.flatnonzero(matrix.sum(axis=1))
        return {str(ACTIONS[row]): _named(self._smooth(matrix[row], smoothed)) for row in rows}

    def next_action(self, steps: Steps, last: int | None) -> dict[str, float]:
        """Action → probability of being the next one after `last`; the population's share where nothing was done."""
        matrix = _matrix(steps)
        return _named(self.share if last is None else self._smooth(matrix[last], smoothed=True))

    def log_likelihood(self, steps: Steps) -> float | None:
        """Mean log-probability (nats) of the user's steps under the population's smoothed chain; None without steps.

        Far below that of others: the user acts unlike people (a script, a shared account).
        """
        own = _matrix(steps)
        total = own.sum()
        if not total:
            return None
        chain = np.stack([self._smooth(row, smoothed=True) for row in self.steps])
        taken = own > 0
        # An action never seen in the population has no share; one imaginary observation of all stands for it.
        floor = 1.0 / (self.steps.sum() + _N)
        return float((own[taken] * np.log(np.maximum(chain[taken], floor))).sum() / total)

    def save(self, folder: Path) -> Path:
        """Write `<folder>/markov.npz` in one durable step and return its path."""
        path = folder / "markov.npz"
        arrays = {"share": self.share, "steps": self.steps}
        write_artifact(path, _KIND, {"version": _VERSION, "strength": self.strength}, arrays)
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The chain saved in `folder`; `NotReady` or `WorkspaceError` where there is no readable one."""
        meta, arrays = read_artifact(folder / "markov.npz", _KIND)
        return cls(arrays["share"], arrays["steps"], meta["strength"])

    def _smooth(self, counts: Floats, smoothed: bool) -> Floats:
        strength = self.strength if smoothed else 0.0
        seen = counts.sum() + strength
        return (counts + strength * self.share) / seen if seen > 0 else np.zeros(_N)


def perplexity(log_likelihood: float) -> float:
    """e^−log-likelihood: among how many equally likely actions the chain hesitates."""
    return math.exp(-log_likelihood)


def _matrix(steps: Steps) -> Floats:
    matrix = np.zeros((_N, _N))
    for (before, after), n in steps.items():
        matrix[before, after] = n
    return matrix


def _named(probabilities: Floats) -> dict[str, float]:
    order = np.lexsort((np.arange(_N), -probabilities))
    return {str(ACTIONS[code]): float(probabilities[code]) for code in order if probabilities[code] > 0}
