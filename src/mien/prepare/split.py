"""The global split by time: train before validation before test, the same two moments for everybody.

A split per user (the last event of each) lets the model read what others did after a user's test event; one moment
for all does not.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mien.core.clock import DAY_US, from_us
from mien.core.errors import UsageError
from mien.core.tables import LOGGED

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Masks:
    """Which events belong to which part, each `(n,) bool`; an event after the end belongs to none."""

    train: Mask
    validation: Mask
    test: Mask


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """train: before `validation_us` · validation: up to `test_us` · test: up to `end_us` (None: no end).

    All in µs; every part holds its beginning and not its end. An empty validation part is allowed.
    """

    validation_us: int
    test_us: int
    end_us: int | None = None

    def __post_init__(self) -> None:
        if self.validation_us > self.test_us or (self.end_us is not None and self.test_us > self.end_us):
            raise UsageError("The parts of a split must follow each other: validation, then test, then the end.")

    @classmethod
    def at(cls, test_us: int, *, test_days: float | None = None, validation_days: float = 14.0) -> "TimeSplit":
        """Test from `test_us` on, for `test_days` (None: to the end of the log); validation just before it."""
        end_us = None if test_days is None else test_us + round(test_days * DAY_US)
        return cls(test_us - round(validation_days * DAY_US), test_us, end_us)

    @classmethod
    def last_days(cls, newest_us: int, *, test_days: float = 14.0, validation_days: float = 14.0) -> "TimeSplit":
        """The last `test_days` up to and including the newest event are the test window."""
        end_us = newest_us + 1
        test_us = end_us - round(test_days * DAY_US)
        return cls(test_us - round(validation_days * DAY_US), test_us, end_us)

    def masks(self, at_us: npt.NDArray[np.int64]) -> Masks:
        """The parts as masks over times `(n,) int64` µs."""
        test = at_us >= self.test_us
        if self.end_us is not None:
            test &= at_us < self.end_us
        train = at_us < self.validation_us
        return Masks(train, (at_us >= self.validation_us) & (at_us < self.test_us), test)

    def train(self, log: ir.Table) -> ir.Table:
        """The events of the training window."""
        return log.filter(log[LOGGED.AT] < moment(self.validation_us))

    def validation(self, log: ir.Table) -> ir.Table:
        """The events of the validation window."""
        return log.filter(log[LOGGED.AT] >= moment(self.validation_us), log[LOGGED.AT] < moment(self.test_us))

    def before_test(self, log: ir.Table) -> ir.Table:
        """Train and validation together: what a model is refitted on once its settings are chosen."""
        return log.filter(log[LOGGED.AT] < moment(self.test_us))

    def test(self, log: ir.Table) -> ir.Table:
        """The events of the test window."""
        log = log.filter(log[LOGGED.AT] >= moment(self.test_us))
        return log if self.end_us is None else log.filter(log[LOGGED.AT] < moment(self.end_us))


def moment(at_us: int) -> ir.Value:
    """A time as a literal that every engine reads to the microsecond."""
    return ibis.literal(from_us(at_us).isoformat(timespec="microseconds")).cast("timestamp('UTC', 6)")
