"""What an action says about liking: the documented default weight of each."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.event import ACTIONS


@dataclass(frozen=True)
class ActionWeights:
    """Action → weight. Hand-set defaults; fitted ones (see the interest model) replace them.

    Zero: says nothing of liking (a search names no item, an impression is the shop's doing). Negative: takes back.
    """

    search: float = 0.0
    view: float = 1.0
    cart: float = 4.0
    uncart: float = -4.0
    favourite: float = 3.0
    purchase: float = 8.0
    refund: float = -8.0
    review: float = 3.0
    rate: float = 3.0
    share: float = 3.0
    impression: float = 0.0
    click: float = 1.0

    @cached_property
    def array(self) -> npt.NDArray[np.float64]:
        """`(n_actions,)`, index = action code."""
        by_name = {field.name: getattr(self, field.name) for field in fields(self)}
        weights = np.array([by_name[action] for action in ACTIONS], dtype=np.float64)
        weights.setflags(write=False)
        return weights


DEFAULT_WEIGHTS = ActionWeights()
