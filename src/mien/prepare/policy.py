"""What the cleaning of a log may be told: one frozen tree of settings, each with a default and a line of help."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mien.core.clock import SECOND_US, parse_time, to_us
from mien.core.errors import UsageError
from mien.core.event import ACTIONS, Action

PIECES = (Action.PURCHASE, Action.REFUND, Action.CART, Action.UNCART)
"""Actions that move pieces, so that a quantity of 0 or below says something about them."""
MONEY = (Action.PURCHASE, Action.REFUND)
"""Actions that move money."""
OVER_TIME = ("forward", "linear")
"""Policies for missing numbers that need the neighbours in time: answered in the batch only."""
NEUTRAL = {"quantity": 1.0, "value": 0.0}
"""What a fold takes for a number that was not said."""


def check_choice(name: str, given: str, allowed: tuple[str, ...]) -> None:
    """Raise a `UsageError` unless `given` is one of `allowed`."""
    if given not in allowed:
        raise UsageError("{name} is “{given}”; it may be {allowed}.", name=name, given=given, allowed=allowed)


@dataclass(frozen=True, slots=True)
class MissingPolicy:
    """What to do where a number was not said."""

    how: str = "constant"
    """drop, constant, median, mode, forward or linear (the last two: over a user's time, in the batch)."""
    by: str = "action"
    """What median and mode are taken over: action, item, or category (needs the items' categories at the fit)."""
    constant: float | None = None
    """The number of `constant`; None is neutral: quantity 1, value 0."""
    actions: tuple[str, ...] = MONEY
    """The actions it holds for; the others get the neutral number."""

    def __post_init__(self) -> None:
        check_choice("how (missing)", self.how, ("drop", "constant", "median", "mode", "forward", "linear"))
        check_choice("by (missing)", self.by, ("action", "item", "category"))
        _check_actions("actions (missing)", self.actions)


@dataclass(frozen=True, slots=True)
class OutlierPolicy:
    """Which numbers are too far out, per action, and what to do with them."""

    method: str = "robust_z"
    """robust_z (median and MAD), iqr, quantile, or none."""
    threshold: float = 6.0
    """robust_z: allowed distance in robust standard deviations; iqr: in interquartile ranges."""
    quantile: float = 0.999
    """quantile: the share of values that lies below the upper bound (1 − it: above the lower one)."""
    scale: str = "log"
    """log (money and counts spread by factors; needs values > 0, others are left alone) or linear."""
    side: str = "upper"
    """upper, or both."""
    action: str = "bound"
    """bound (set to the nearest allowed number), drop (a verdict) or flag (kept as it is, marked)."""
    min_count: int = 30
    """Values that an action must have before a bound is fitted for it."""

    def __post_init__(self) -> None:
        check_choice("method (outliers)", self.method, ("robust_z", "iqr", "quantile", "none"))
        check_choice("scale (outliers)", self.scale, ("log", "linear"))
        check_choice("side (outliers)", self.side, ("upper", "both"))
        check_choice("action (outliers)", self.action, ("bound", "drop", "flag"))
        if not 0.5 < self.quantile < 1.0:
            raise UsageError(
                "quantile (outliers) is {quantile}; it must lie between 0.5 and 1.", quantile=self.quantile
            )
        if self.threshold <= 0:
            raise UsageError("threshold (outliers) is {threshold}; it must be above 0.", threshold=self.threshold)


@dataclass(frozen=True, slots=True)
class BotPolicy:
    """Who is too busy and too monotonous to be a shopper. Purchases, refunds and impressions do not count."""

    action: str = "flag"
    """flag (kept, marked `bot`), drop (a verdict) or keep (nobody is looked for)."""
    threshold: float = 5.0
    """Allowed distance of a user's events per active day from the median user, in robust deviations of the log."""
    min_per_day: float = 100.0
    """Nobody with fewer events per active day is a bot, whatever the others do."""
    min_share: float = 0.9
    """Nobody whose most frequent action makes up less of their events is a bot."""

    def __post_init__(self) -> None:
        check_choice("action (bots)", self.action, ("flag", "drop", "keep"))


@dataclass(frozen=True, slots=True)
class CleanPolicy:
    """How a log is cleaned. The defaults suit a shop; docs/prepare.md says why each is as it is."""

    repeats: str = "keep"
    """keep or drop a row equal to an earlier row of its file in all but the id that collecting gave it."""
    earliest: str = "1970-01-01"
    """Events before this UTC time are unusable."""
    latest: str = "2100-01-01"
    """Events from this UTC time on are unusable, whatever the clock says."""
    slack_days: float = 1.0
    """How far an event may lie after `now`, where the caller says what now is."""
    needs_item: tuple[str, ...] = (Action.CART, Action.UNCART, Action.FAVOURITE, Action.RATE)
    """Actions that say nothing without an item."""
    negative_quantity: str = "refund"
    """A purchase of a negative quantity: refund (it is one, of the positive quantity and value) or drop."""
    zero_quantity: str = "drop"
    """A purchase, refund, cart or uncart of 0 pieces: drop or one (taken as one piece)."""
    negative_value: str = "drop"
    """A purchase of a positive quantity for negative money: drop or zero (the money is taken as unknown)."""
    missing_value: MissingPolicy = field(default_factory=MissingPolicy)
    """Where the money was not said."""
    missing_quantity: MissingPolicy = field(default_factory=MissingPolicy)
    """Where the pieces were not said."""
    outlier_value: OutlierPolicy = field(default_factory=OutlierPolicy)
    """Where the money is too far out."""
    outlier_quantity: OutlierPolicy = field(default_factory=lambda: OutlierPolicy(threshold=5.0))
    """Where the pieces are too far out."""
    bots: BotPolicy = field(default_factory=BotPolicy)
    """Users who behave like programs."""

    def __post_init__(self) -> None:
        check_choice("repeats", self.repeats, ("keep", "drop"))
        check_choice("negative_quantity", self.negative_quantity, ("refund", "drop"))
        check_choice("zero_quantity", self.zero_quantity, ("drop", "one"))
        check_choice("negative_value", self.negative_value, ("drop", "zero"))
        _check_actions("needs_item", self.needs_item)
        if self.slack_days < 0:
            raise UsageError("slack_days is {slack_days}; it must be 0 or more.", slack_days=self.slack_days)
        if self.first_us >= self.end_us:
            raise UsageError(
                "earliest ({earliest}) must lie before latest ({latest}).", earliest=self.earliest, latest=self.latest
            )

    @property
    def first_us(self) -> int:
        """`earliest` in µs, whole seconds (every engine can write those)."""
        return _whole_second(self.earliest)

    @property
    def end_us(self) -> int:
        """`latest` in µs, whole seconds."""
        return _whole_second(self.latest)

    def limit_us(self, now_us: int | None) -> int:
        """The first time (µs, whole seconds) that is too late, given what now is."""
        return self.end_us if now_us is None else min(self.end_us, self.after_us(now_us))

    def after_us(self, now_us: int) -> int:
        """The first time (µs, whole seconds) that lies too far after now."""
        return (now_us // SECOND_US + round(self.slack_days * 86_400) + 1) * SECOND_US

    def missing(self, column: str) -> MissingPolicy:
        """The policy for numbers not said of a column."""
        return self.missing_value if column == "value" else self.missing_quantity

    def outliers(self, column: str) -> OutlierPolicy:
        """The policy for numbers too far out of a column."""
        return self.outlier_value if column == "value" else self.outlier_quantity

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CleanPolicy":
        """A policy from plain values, as in JSON or TOML; a key that nobody knows is a `UsageError`."""
        nested = {
            "missing_value": MissingPolicy,
            "missing_quantity": MissingPolicy,
            "outlier_value": OutlierPolicy,
            "outlier_quantity": OutlierPolicy,
            "bots": BotPolicy,
        }
        parts = {name: _build(nested[name], part) if name in nested else part for name, part in values.items()}
        built: CleanPolicy = _build(cls, parts)
        return built


def _build(kind: Any, values: dict[str, Any]) -> Any:
    unknown = sorted(set(values) - set(kind.__dataclass_fields__))
    if unknown:
        raise UsageError("{policy} has no setting {unknown}.", policy=kind.__name__, unknown=unknown)
    return kind(**{name: tuple(part) if isinstance(part, list) else part for name, part in values.items()})


def _check_actions(name: str, given: tuple[str, ...]) -> None:
    for action in given:
        check_choice(name, action, ACTIONS)


def _whole_second(text: str) -> int:
    at: datetime = parse_time(text)
    return to_us(at.astimezone(UTC).replace(microsecond=0))
