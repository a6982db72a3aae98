"""Cuts: moments before which features lie and after which targets lie; stacked, they are the rows to learn from."""

from dataclasses import dataclass

import numpy as np

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.ids import Rows
from mien.models.interactions import Interactions


@dataclass(frozen=True, slots=True)
class Cut:
    """Features see what happened before `at_us`; targets what happened in [`at_us`, `end_us`)."""

    at_us: int
    end_us: int

    def past(self, data: Interactions) -> Interactions:
        """What features may see."""
        return data.before(self.at_us)

    def ahead(self, data: Interactions) -> Interactions:
        """What targets are made of."""
        return data.since(self.at_us).before(self.end_us)


def cut_at(at_us: int, days: float) -> Cut:
    """The cut whose targets lie in the `days` after it."""
    return Cut(at_us, at_us + round(days * DAY_US))


def stacked(at_us: int, *, days: float, stacks: int, apart_days: float = 14.0) -> tuple[Cut, ...]:
    """`stacks` cuts, newest first, `apart_days` apart; the targets of the newest end at `at_us`, so nothing leaks.

    Raises `UsageError` for fewer than one.
    """
    if stacks < 1 or days <= 0 or apart_days <= 0:
        raise UsageError("Training windows need stacks ≥ 1, and days and apart_days above 0.")
    newest = at_us - round(days * DAY_US)
    return tuple(cut_at(newest - round(k * apart_days * DAY_US), days) for k in range(stacks))


def buyers(data: Interactions, at_us: int, days: float | None) -> Rows:
    """Users who bought in the `days` before `at_us` (None: ever), ascending."""
    bought = data.before(at_us).doing(["purchase"])
    return np.unique(bought.user if days is None else bought.since(at_us - round(days * DAY_US)).user)
