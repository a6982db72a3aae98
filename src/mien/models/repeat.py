"""Repeat: what this user did most with, lately. The humble baseline that is hard to beat where people buy again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model
from mien.models.ranked import Scores


@dataclass(eq=False, kw_only=True)
class Repeat(Model):
    """s(u, i) = Σ weight · 2^(−age / half-life) over u's own acts on i, never below 0. It learns nothing."""

    name: ClassVar[str] = "repeat"
    own_items_only: ClassVar[bool] = False
    half_life_days: float | None = 60.0
    """Days after which an act counts half; none: never, which is personal frequency."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        return {}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        strength = self.strength(histories, at_us, self.half_life_days)
        return np.asarray(histories.matrix(strength).toarray(), dtype=np.float32)
