"""Forward decay: a decayed sum that is a plain sum.

Each event weighs g(t) = 2^((t − L) / h) against a fixed landmark L, h the half-life. The sum Σ g(tᵢ) never has to be
touched again; read at time t it is Σ g(tᵢ) / g(t) = Σ 2^−((t − tᵢ) / h). Addition is order-free and mergeable.

Source: Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay: A Practical Time Decay Model for Streaming Systems,
ICDE 2009.
"""

import math
from typing import overload

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US

LANDMARK_US = 1_577_836_800_000_000
"""2020-01-01 UTC, the landmark L of every state."""

MAX_EXPONENT = 1000.0
"""Half-lives from the landmark at which weights stop growing or shrinking, so that sums stay inside a double.

With the shortest half-life allowed (7 days) that is 1,000 weeks: from the year 2000 to 2039.
"""

_LN2 = math.log(2.0)

Floats = npt.NDArray[np.float64]


def weight(at_us: int, half_life_days: float) -> float:
    """g(at): what an event at `at_us` adds to a decayed sum."""
    exponent = (at_us - LANDMARK_US) / (half_life_days * DAY_US)
    if not -MAX_EXPONENT < exponent < MAX_EXPONENT:
        exponent = math.copysign(MAX_EXPONENT, exponent)
    return math.exp(_LN2 * exponent)


def weights(at_us: npt.NDArray[np.int64], half_life_days: float) -> Floats:
    """g(at) of many events; the same numbers as `weight` to a relative 1e-13."""
    exponent = (at_us - LANDMARK_US) / (half_life_days * DAY_US)
    grown: Floats = np.exp(math.log(2.0) * np.minimum(np.maximum(exponent, -MAX_EXPONENT), MAX_EXPONENT))
    return grown


def weight_expr(at_us: ir.IntegerValue, half_life_days: float) -> ir.FloatingValue:
    """g(at) as a portable table expression."""
    exponent = (at_us.cast("float64") - float(LANDMARK_US)) / (half_life_days * DAY_US)
    return (ibis.greatest(ibis.least(exponent, MAX_EXPONENT), -MAX_EXPONENT) * math.log(2.0)).exp()


@overload
def decayed(total: float, at_us: int, half_life_days: float) -> float: ...
@overload
def decayed(total: Floats, at_us: int, half_life_days: float) -> Floats: ...
def decayed(total: float | Floats, at_us: int, half_life_days: float) -> float | Floats:
    """A forward-decayed sum as of `at_us`: the number of events, each halved every `half_life_days`."""
    return total * (1.0 / weight(at_us, half_life_days))
