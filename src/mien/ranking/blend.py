"""The blend: score = base + Σ terms. Each named term becomes a reason, so the reasons add up by construction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.query import Reason, Result
from mien.ranking.shelf import Context
from mien.ranking.wording import say

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BASE = 0.0
"""Where every score begins. It is named in every answer, so that the sum is complete."""


@dataclass(frozen=True, eq=False)
class Term:
    """One summand. `values (n,)`: what each candidate gets; `explain(k)`: text and evidence for candidate k.

    0 is no reason at all and is not shown. `measured()`: what was measured for it, by name (`measures`), each `(n,)`;
    a learned ranker gives values to it instead.
    """

    kind: str
    values: Floats
    explain: Callable[[int], tuple[str, tuple[str, ...]]]
    measured: Callable[[], Mapping[str, Floats]] = dict

    @cached_property
    def columns(self) -> Mapping[str, Floats]:
        """What was measured, computed when it is first asked for: without a learned ranker nobody does."""
        return self.measured()


@dataclass(frozen=True, eq=False)
class Blend:
    """Candidates and what they get. `rows (n,)`; every term has n values. `base`: where every score begins."""

    rows: Rows
    terms: tuple[Term, ...]
    base: float = BASE

    @cached_property
    def _sum(self) -> Floats:
        return sum((term.values for term in self.terms), np.zeros(len(self.rows)))

    @cached_property
    def scores(self) -> Floats:
        """`(n,)` sums of the terms, on top of the base."""
        return self.base + self._sum

    def order(self, place: Ints, most: int | None = None) -> Ints:
        """Positions from the highest score down, equals by `place` (`Shelf.place`); all, or the first `most`.

        Cost: two sorts of plain numbers. Sorting by several keys at once takes ten times as long.
        """
        scores, n = self.scores, len(self.rows)
        if most is None or most >= n:
            order = np.argsort(-scores)
        else:
            among = np.flatnonzero(scores >= np.partition(scores, n - most)[n - most]) if most else np.arange(0)
            order = among[np.argsort(-scores[among])]
        falling = scores[order]
        same = falling[1:] == falling[:-1]
        if same.any():  # equals are sorted by more than the score
            level = np.zeros(len(order), dtype=np.int64)
            np.cumsum(~same, out=level[1:])
            order = order[np.argsort((level << 32) + place[self.rows[order]])]
        return order[:most]

    def with_term(self, term: Term) -> "Blend":
        after = replace(self, terms=(*self.terms, term))
        after.__dict__["_sum"] = self._sum + term.values
        return after

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
