"""A judgement: everything that cleaning fits on a log, so that the live path judges as the batch did."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from mien.core.event import ACTIONS
from mien.prepare.policy import NEUTRAL, OVER_TIME, CleanPolicy
from mien.prepare.reasons import Repair, Verdict
from mien.prepare.rules import NUMBERS


@dataclass(frozen=True, slots=True)
class Bound:
    """The allowed range of a column for an action; None is unbounded. `n`: values that it was fitted on."""

    column: str
    action: str
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Fill:
    """What stands in for a number not said, for an action and, if given, an item row (which goes first)."""

    column: str
    action: str
    value: float
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What becomes of a number not said: a verdict, or the number that stands in for it where its item has none of its
    own, with the word for that repair."""

    number: float
    verdict: str | None = None
    repair: str | None = None


@dataclass(frozen=True)
class Judgement:
    """A policy and what was fitted under it.

    `bot_users`: user rows, ascending; `bot_per_day`: events per active day above which a monotonous user is one
    (None: nobody came into question). Immutable; JSON there and back is exact.
    """

    policy: CleanPolicy = field(default_factory=CleanPolicy)
    bounds: tuple[Bound, ...] = ()
    fills: tuple[Fill, ...] = ()
    bot_per_day: float | None = None
    bot_users: tuple[int, ...] = ()

    @cached_property
    def range_of(self) -> dict[tuple[str, str], Bound]:
        """(column, action) → its bound."""
        return {(bound.column, bound.action): bound for bound in self.bounds}

    @cached_property
    def fill_of(self) -> dict[tuple[str, str, int | None], float]:
        """(column, action, item row or None) → its fill."""
        return {(fill.column, fill.action, fill.item): fill.value for fill in self.fills}

    @cached_property
    def unsaid(self) -> dict[tuple[str, str], Unsaid]:
        """(column, action) → what becomes of a number not said."""
        return {(column, action): self._unsaid(column, action) for column in NUMBERS for action in ACTIONS}

    def _unsaid(self, column: str, action: str) -> Unsaid:
        missing = self.policy.missing(column)
        counts = action in missing.actions
        return Unsaid(
            self.fill_of.get((column, action, None), NEUTRAL[column]),
            Verdict.MISSING[column] if counts and missing.how == "drop" else None,
            Repair.FILLED[column] if counts and column in self.filled_columns else None,
        )

    @cached_property
    def bots(self) -> frozenset[int]:
        """The rows of users flagged as bots."""
        return frozenset(self.bot_users)

    @cached_property
    def filled_columns(self) -> frozenset[str]:
        """Columns whose fills are repairs: a neutral number for one not said changes nothing, any other does."""
        over_time = {c for c in NUMBERS if self.policy.missing(c).how in OVER_TIME}
        return frozenset({fill.column for fill in self.fills} | over_time)

    @cached_property
    def span_us(self) -> tuple[int, int]:
        """The first possible time and the first impossible one after it, µs."""
        return self.policy.first_us, self.policy.end_us

    def limit_us(self, now_us: int | None) -> int:
        """As `CleanPolicy.limit_us`, without reading the policy's times again."""
        return self.span_us[1] if now_us is None else min(self.span_us[1], self.policy.after_us(now_us))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "policy": asdict(self.policy),
            "bounds": [asdict(bound) for bound in self.bounds],
            "fills": [asdict(fill) for fill in self.fills],
            "bot_per_day": self.bot_per_day,
            "bot_users": list(self.bot_users),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Judgement":
        """The judgement whose `to_dict` this was."""
        return cls(
            policy=CleanPolicy.from_dict(values["policy"]),
            bounds=tuple(Bound(**bound) for bound in values["bounds"]),
            fills=tuple(Fill(**fill) for fill in values["fills"]),
            bot_per_day=values["bot_per_day"],
            bot_users=tuple(values["bot_users"]),
        )
