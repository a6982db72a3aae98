"""Demand: how much each item was bought lately, over a season and by how many; what ranking measures items by."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.models.artifact import read_artifact, write_artifact
from mien.models.interactions import Interactions

Counts = npt.NDArray[np.int64]
KIND = "demand"
FILE = "demand.npz"
SHORT_DAYS, LONG_DAYS = 28.0, 90.0


@dataclass(frozen=True, eq=False)
class Demand:
    """By item row, `(n_items,)` each: purchases of the last 28 and 90 days before the fit, people who ever bought."""

    short: Counts
    long: Counts
    buyers: Counts

    @classmethod
    def fit(cls, data: Interactions, *, at_us: int) -> "Demand":
        """From what is known at `at_us`. Cost: one pass and one sort."""
        known = data.until(at_us)
        bought = known.select(known.action == ACTION_CODE[Action.PURCHASE])

        def since(days: float) -> Counts:
            late = bought.at_us >= at_us - int(days * DAY_US)
            return np.bincount(bought.item[late], minlength=data.n_items).astype(np.int64)

        pairs = np.unique(bought.user.astype(np.int64) * data.n_items + bought.item)
        buyers = np.bincount(pairs % data.n_items if data.n_items else pairs, minlength=data.n_items)
        return cls(since(SHORT_DAYS), since(LONG_DAYS), buyers.astype(np.int64))

    def widened(self, n_items: int) -> "Demand":
        """For a catalogue that has grown since: what came later was never bought."""
        missing = max(n_items - len(self.short), 0)
        return Demand(*(np.pad(part, (0, missing)) for part in (self.short, self.long, self.buyers)))

    def save(self, folder: Path) -> None:
        write_artifact(folder / FILE, KIND, {}, {"short": self.short, "long": self.long, "buyers": self.buyers})

    @classmethod
    def load(cls, folder: Path) -> "Demand":
        """What `save` wrote; `NotReady` where nothing was."""
        _, arrays = read_artifact(folder / FILE, KIND)
        return cls(arrays["short"], arrays["long"], arrays["buyers"])
