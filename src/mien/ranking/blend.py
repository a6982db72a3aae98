"""The blend: score = base + Σ terms. Each named term becomes a reason, so the reasons add up by construction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.query import Reason, Result
from mien.ranking.shelf import Context
from mien.ranking.wording import say

Floats = npt.NDArray[np.float64]
BASE = 0.0
"""Where every score begins. It is named in every answer, so that the sum is complete."""


@dataclass(frozen=True, eq=False)
class Term:
    """One summand. `values (n,)`: what each candidate gets; `explain(k)`: text and evidence for candidate k.

    0 is no reason at all and is not shown. `columns`: what was measured for it, by name (`measures`), each `(n,)`; a
    learned ranker gives values to it instead.
    """

    kind: str
    values: Floats
    explain: Callable[[int], tuple[str, tuple[str, ...]]]
    columns: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Blend:
    """Candidates and what they get. `rows (n,)`; every term has n values. `base`: where every score begins."""

    rows: Rows
    terms: tuple[Term, ...]
    base: float = BASE

    @property
    def scores(self) -> Floats:
        """`(n,)` sums of the terms, on top of the base."""
        return self.base + sum((term.values for term in self.terms), np.zeros(len(self.rows)))

    def order(self, popularity: Floats) -> npt.NDArray[np.int64]:
        """Positions from the highest score down, ties by popularity, then by row."""
        scores = self.scores
        order = np.argsort(-scores)
        same = np.flatnonzero(np.diff(scores[order]) == 0)
        if len(same):  # only equals are sorted by more than the score
            tied = np.union1d(same, same + 1)
            equals = order[tied]
            rows = self.rows[equals]
            order[tied] = equals[np.lexsort((rows, -popularity[rows], -scores[equals]))]
        return order

    def with_term(self, term: Term) -> "Blend":
        return replace(self, terms=(*self.terms, term))

    def results(self, chosen: npt.NDArray[np.int64], context: Context, first_rank: int = 1) -> tuple[Result, ...]:
        """The chosen candidates with their reasons, base first, then the weightiest."""
        catalogue = context.shelf.catalogue
        found = []
        for rank, k in enumerate(chosen.tolist(), start=first_rank):
            reasons = self.reasons(k, context)
            row = int(self.rows[k])
            score = math.fsum(reason.contribution for reason in reasons)
            found.append(Result(rank, catalogue.item_id[row] or "", catalogue.title[row], score, reasons))
        return tuple(found)

    def reasons(self, k: int, context: Context) -> tuple[Reason, ...]:
        """Why candidate k has its score."""
        reasons = [Reason(term.kind, *self._worded(term, k)) for term in self.terms if term.values[k] != 0.0]
        reasons.sort(key=lambda reason: -abs(reason.contribution))
        return (Reason("base", say(context.language, "base"), self.base), *reasons)

    @staticmethod
    def _worded(term: Term, k: int) -> tuple[str, float, tuple[str, ...]]:
        text, evidence = term.explain(k)
        return text, float(term.values[k]), evidence
