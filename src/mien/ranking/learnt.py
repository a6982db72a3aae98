"""What a build learns for the kinds of recommendation; what a shop does not have is None and adds nothing."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.models.complements import Complements
from mien.models.rhythm import Rhythm
from mien.models.segments import SegmentPopular
from mien.models.trend import NEVER, Trend


@dataclass(frozen=True, eq=False)
class Learnt:
    """`listed_us (n_items,)`: when each item was first in the catalogue, 0 where it always was, as far as is known."""

    complements: Complements | None = None
    rhythm: Rhythm | None = None
    trend: Trend | None = None
    segments: SegmentPopular | None = None
    listed_us: npt.NDArray[np.int64] | None = None

    def arrived_us(self, n_items: int) -> npt.NDArray[np.int64]:
        """`(n_items,)` when each item came: when it was listed, else its first event, else 0 (nobody knows).

        An event before the listing shows that it was there before.
        """
        listed = np.zeros(n_items, dtype=np.int64)
        if self.listed_us is not None:
            listed[: len(self.listed_us)] = self.listed_us[:n_items]
        first = np.full(n_items, NEVER, dtype=np.int64)
        if self.trend is not None:
            known = self.trend.fitted["first_us"][:n_items]
            first[: len(known)] = known
        came = np.minimum(np.where(listed > 0, listed, NEVER), first)
        return np.where(came == NEVER, 0, came)

    def acts(self, n_items: int) -> npt.NDArray[np.int64]:
        """`(n_items,)` user-days of all acts with each item."""
        acts = np.zeros(n_items, dtype=np.int64)
        if self.trend is not None:
            known = self.trend.fitted["acts"][:n_items]
            acts[: len(known)] = known
        return acts
