"""Popular: what everybody did most with lately. The same answer for every user; the first baseline."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mien.core.ids import Rows
from mien.models.artifact import Arrays
from mien.models.interactions import Interactions
from mien.models.model import Model, popularity
from mien.models.ranked import Scores


@dataclass(eq=False, kw_only=True)
class Popular(Model):
    """s(i) = Σ weight of the acts on item i in the last `window_days` before the fit. Cost: one pass."""

    name: ClassVar[str] = "popular"
    window_days: float = 28.0
    """Days that count; a season's goods leave the list this soon."""

    def _fit(self, data: Interactions, at_us: int, seed: int) -> Arrays:
        return {"counts": popularity(data, self.weights, at_us, self.window_days)}

    def _score(self, histories: Interactions, users: Rows, at_us: int) -> Scores:
        counts = self.fitted["counts"].astype(np.float32)
        return np.broadcast_to(counts, (len(users), len(counts)))
