"""What was bought: shown again, held back until it is due, or its whole category, as each category's buyers do."""

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
Places = npt.NDArray[np.int64]
_ONCE, _WAIT, _DURABLE = range(3)
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
    gives = sum(
        (np.maximum(term.values, 0.0) for term in blend.terms if term.kind in REPEAT), np.zeros(len(blend.rows))
    )
    facts = _Facts(person, rhythm, context)
    place = person.bought.at(blend.rows)
    values, why = facts.own(place, gives)
    of = facts.durable(blend.rows, place)
    values[of >= 0] -= context.options.bought
    why[of >= 0] = _DURABLE
    at = np.where(of >= 0, of, place)
    return Term("bought", values, lambda k: facts.explain(int(why[k]), int(at[k]), int(blend.rows[k])))


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

    def own(self, place: Places, gives: Floats) -> tuple[Floats, Places]:
        """What is taken off what was bought itself, and why. `place`: of each candidate in what was bought, or −1."""
        options, history, due = self.context.options, self.person.bought, self.due
        held = np.flatnonzero(place >= 0)
        at, given = place[held], gives[held]
        ripe = due.p[at] / np.maximum(due.ripe[at], 1e-12)
        once = (history.n[at] == 1) & (self.same[at] < options.once_share)
        wait = ~once & (ripe < UNRIPE) & (given > 0)
        values, why = np.zeros(len(place)), np.full(len(place), -1, dtype=np.int64)
        values[held] = np.where(once, -(given + options.bought), np.where(wait, -given * (1.0 - ripe / UNRIPE), 0.0))
        why[held] = np.where(once, _ONCE, np.where(wait, _WAIT, -1))
        return values, why

    def durable(self, rows: Rows, place: Places) -> Places:
        """Of each candidate not bought itself, of a category that hardly anybody buys twice, the place of what the
        person bought of it last; −1 of all others."""
        shelf, history = self.context.shelf, self.person.bought
        leaf = shelf.leaf[history.item]
        since_us = self.context.at_us - self.last_us
        lately = (since_us <= self.rhythm.days * DAY_US) & (leaf >= 0)
        held = np.flatnonzero(lately & (self.other < self.context.options.durable_share))
        if not len(held):
            return np.full(len(rows), -1, dtype=np.int64)
        by_leaf = np.full(shelf.n_leaves + 1, -1, dtype=np.int64)  # the last is that of none, −1
        held = held[np.argsort(-since_us[held], kind="stable")]
        by_leaf[leaf[held]] = held  # of several the one bought last stays
        found: Places = np.where(place < 0, by_leaf[shelf.leaf[rows]], -1)
        return found

    def explain(self, why: int, at: int, row: int) -> tuple[str, tuple[str, ...]]:
        """In words, for the candidate `row`, with the purchase at the place `at` as evidence."""
        if why == _ONCE:
            said = self._say("bought_once", at, share=f"{self.same[at]:.0%}")
        elif why == _WAIT:
            said = self._say("bought_wait", at, gap=max(round(float(self.due.gap_days[at])), 1))
        else:
            category = self.context.shelf.catalogue.category[row]
            said = self._say("bought_durable", at, share=f"{self.other[at]:.0%}", category=category)
        return said, (self.person.tallies.newest[int(self.person.bought.newest[at])],)

    def _say(self, what: str, at: int, **facts: object) -> str:
        context = self.context
        title = context.shelf.catalogue.title[int(self.person.bought.item[at])]
        then = ago(context.language, int(self.last_us[at]), context.at_us)
        return say(context.language, what, title=title, ago=then, days=round(self.rhythm.days), **facts)
