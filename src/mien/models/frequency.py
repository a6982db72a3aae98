"""Frequency: what this user did most with, ever. Where habits outlast the log, old acts count as much as new ones."""

from dataclasses import dataclass
from typing import ClassVar

from mien.models.repeat import Repeat


@dataclass(eq=False, kw_only=True)
class Frequency(Repeat):
    """s(u, i) = Σ weight over u's own acts on i, never below 0: `repeat` that never forgets. It learns nothing."""

    name: ClassVar[str] = "frequency"
    half_life_days: float | None = None
    """Days after which an act counts half; none: never."""
