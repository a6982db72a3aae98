"""The profile: all that is known of a user at a moment, in the order in which it is shown.

What is unknown is absent (None or empty here, no key in JSON), never a made-up default.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any

from mien.core.showing import html_of


@dataclass(frozen=True, slots=True)
class Identity:
    """Which ids were stitched into this user, this one first."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trait:
    """An attribute of the user. `source`: declared or inferred; `confidence` 0 … 1 where inferred."""

    name: str
    value: str | int | float | bool
    source: str
    confidence: float | None = None
    version: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """How much, and when. `counts`: action → {"7d", "30d", "90d", "all"}; `hours` (24) and `weekdays`
    (7, Monday first) count events in the shop's time zone. `lifecycle`: new, active, lapsing or lost."""

    first_seen: datetime
    last_seen: datetime
    lifecycle: str
    counts: dict[str, dict[str, int]]
    sessions: int
    hours: tuple[int, ...]
    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Money that a user is expected to spend in the next `days`, by a named model version."""

    spend: float
    days: int
    model: str


@dataclass(frozen=True, slots=True)
class Value:
    """Orders (purchases at one instant are one order), money, and mean days between orders.

    `spend`, `average_order`: None, as is `rfm`, where no order said what it cost.
    `rfm`: quintiles 1 … 5 of recency, frequency, money among the population, 5 best, as in "5-3-4". `expected`: what a
    model foretells.
    """

    orders: int
    spend: float | None
    average_order: float | None
    gap_days: float | None = None
    rfm: str | None = None
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A user's liking for one value of a facet (DESIGN §4).

    `weight`: decayed share of the user's behaviour, 0 … 1 within the facet. `lift`: that share over the
    population's. `confidence`: probability that the lift exceeds 1. `n`: events behind it. `trend`: share of late
    over share in the long run, 1 = steady. `source`: declared, observed or inferred. `evidence`: newest event ids.
    """

    facet: str
    value: str
    weight: float
    lift: float
    confidence: float
    n: int
    first_seen: datetime
    last_seen: datetime
    trend: float
    source: str
    evidence: tuple[str, ...]
    version: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Needs:
    """What the user asked for and wrote about, newest and most frequent first."""

    queries: tuple[dict[str, Any], ...] = ()
    review_topics: tuple[dict[str, Any], ...] = ()
    sentiment: float | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`next_action`: action → probability; `transitions`: action → next action → probability (smoothed).

    `purchase_rate`: purchases over all events, by plain maximum likelihood. `version`: of the model behind it.
    """

    next_action: dict[str, float]
    transitions: dict[str, dict[str, float]]
    purchase_rate: float | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """Something the user is likely to do, by a named model version, with its strongest reasons."""

    name: str
    probability: float
    model: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NextItem:
    """An item the user is likely to want next, by a named model version; `score`: its chance among all items."""

    item_id: str
    title: str
    score: float
    model: str


@dataclass(frozen=True, slots=True)
class Embedding:
    """Which vector stands for the user (the numbers themselves are exported, not shown)."""

    model: str
    dim: int


@dataclass(frozen=True, slots=True)
class Profile:
    """All that is known of a user at `as_of`. `version` names the population and rules it was read with."""

    user_id: str
    version: str
    as_of: datetime
    events: int
    identity: Identity | None = None
    traits: tuple[Trait, ...] = ()
    activity: Activity | None = None
    value: Value | None = None
    tags: tuple[Tag, ...] = ()
    needs: Needs | None = None
    behaviour: Behaviour | None = None
    intent: tuple[Intent, ...] = ()
    next_items: tuple[NextItem, ...] = ()
    segments: tuple[str, ...] = ()
    embedding: Embedding | None = None
    consent: dict[str, bool] = field(default_factory=dict)
    summary: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready values in the documented order; unknown parts are absent."""
        return {key: value for key, value in _plain(self).items() if value not in (None, [], {}, "")}

    def _repr_html_(self) -> str | None:
        return html_of(self)


def _plain(value: Any) -> Any:
    """Dataclasses to dicts without their unknown (None) fields, times to ISO 8601, floats to 6 digits."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: _plain(part) for name, part in pairs if part is not None}
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return round(value, 6) if isinstance(value, float) else value
