"""What was bought: shown again, held back until it is due, or its whole category, as each category's buyers do."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.ids import Rows
from mien.models.rhythm import Rhythm
from mien.ranking.blend import Blend, Term
from mien.ranking.person import Person
from mien.ranking.shelf import Context
from mien.ranking.wording import ago, say

Floats = npt.NDArray[np.float64]
Explain = Callable[[int], tuple[str, tuple[str, ...]]]
Worded = Callable[[], str]
"""What is put into words only where it is shown."""
REPEAT = ("repeat", "due")
"""Kinds of terms that speak for what was bought, and are taken back where it is not bought again."""
UNRIPE = 0.25
"""Below this part of the highest probability it will have, a thing is not due yet."""


def bought_term(blend: Blend, person: Person, context: Context) -> Term | None:
    """`bought`, never above 0; None where no rhythm is learnt or nothing was bought.

    - *once*: bought once, and fewer than `once_share` of the buyers of its category buy a thing again: takes back what
      having bought it gives, and the weight `bought` on top;
    - *wait*: bought again, but not yet: the probability now is p, the highest it gets as time goes by p*; takes back
      (1 − 4p/p*) of what having bought it gives, where that is above 0;
    - *durable*: not bought itself, but fewer than `durable_share` of the buyers of its category buy anything of it
      again: the weight `bought`, for as long as was looked at.
    """
    rhythm = context.shelf.learnt.rhythm
    if rhythm is None or not len(person.bought.item):
        return None
    rows = blend.rows
    gives = sum((np.maximum(term.values, 0.0) for term in blend.terms if term.kind in REPEAT), np.zeros(len(rows)))
    values = np.zeros(len(rows))
    said: list[Worded] = [lambda: ""] * len(rows)
    evidence: list[tuple[str, ...]] = [()] * len(rows)
    facts = _Facts(person, rhythm, context)
    facts.own(rows, gives, values, said, evidence)
    facts.durable(rows, values, said, evidence)
    return Term("bought", values, lambda k: (said[k](), evidence[k]))


def purchase_span(person: Person) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last purchase of each item of `person.bought`, µs (a state has one tally an item and action)."""
    newest = person.bought.newest
    return person.tallies.first_us[newest], person.tallies.last_us[newest]


class _Facts:
    """What the person bought beside what buyers do."""

    def __init__(self, person: Person, rhythm: Rhythm, context: Context) -> None:
        self.person, self.rhythm, self.context = person, rhythm, context
        history = person.bought
        self.first_us, self.last_us = purchase_span(person)
        self.due = rhythm.due(history.item, (history.n, history.strength), self.first_us, self.last_us, context.at_us)
        self.same, self.other = rhythm.again(history.item)

    def own(
        self, rows: Rows, gives: Floats, values: Floats, said: list[Worded], evidence: list[tuple[str, ...]]
    ) -> None:
        """What was bought itself."""
        options, history = self.context.options, self.person.bought
        place = history.at(rows)
        for k in np.flatnonzero(place >= 0).tolist():
            at = int(place[k])
            ripe = float(self.due.p[at] / max(self.due.ripe[at], 1e-12))
            if history.n[at] == 1 and self.same[at] < options.once_share:
                values[k] = -(gives[k] + options.bought)
                said[k] = partial(self._say, "bought_once", at, share=f"{self.same[at]:.0%}")
            elif ripe < UNRIPE and gives[k] > 0:
                values[k] = -gives[k] * (1.0 - ripe / UNRIPE)
                said[k] = partial(self._say, "bought_wait", at, gap=max(round(float(self.due.gap_days[at])), 1))
            evidence[k] = self._evidence(at)

    def durable(self, rows: Rows, values: Floats, said: list[Worded], evidence: list[tuple[str, ...]]) -> None:
        """What is of a category that hardly anybody buys twice, and the person has lately."""
        shelf, options = self.context.shelf, self.context.options
        history = self.person.bought
        leaf = shelf.leaf[history.item]
        since_us = self.context.at_us - self.last_us
        lately = (since_us <= self.rhythm.days * DAY_US) & (leaf >= 0)
        held = np.flatnonzero(lately & (self.other < options.durable_share))
        by_leaf = {int(leaf[at]): at for at in held[np.argsort(-since_us[held], kind="stable")].tolist()}
        if not by_leaf:
            return
        own = history.at(rows) >= 0
        for k in np.flatnonzero(np.isin(shelf.leaf[rows], list(by_leaf)) & ~own).tolist():
            at = by_leaf[int(shelf.leaf[rows[k]])]
            values[k] -= options.bought
            category = shelf.catalogue.category[int(rows[k])]
            said[k] = partial(self._say, "bought_durable", at, share=f"{self.other[at]:.0%}", category=category)
            evidence[k] = self._evidence(at)

    def _say(self, what: str, at: int, **facts: object) -> str:
        context = self.context
        title = context.shelf.catalogue.title[int(self.person.bought.item[at])]
        then = ago(context.language, int(self.last_us[at]), context.at_us)
        return say(context.language, what, title=title, ago=then, days=round(self.rhythm.days), **facts)

    def _evidence(self, at: int) -> tuple[str, ...]:
        return (self.person.tallies.newest[int(self.person.bought.newest[at])],)
