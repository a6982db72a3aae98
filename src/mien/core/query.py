"""A question to the shop, and the answer with its reasons."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. A recommendation is a query without text. `filters`: facet → allowed values."""

    text: str = ""
    user_id: str | None = None
    k: int = 10
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    personalise: bool = True
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One summand of a score. `kind` is a stable word (`base`, `text`, `repeat`, …), `text` is for people."""

    kind: str
    text: str
    contribution: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One item of an answer. Law: the contributions of `reasons` sum to `score` within 1e-6."""

    rank: int
    item_id: str
    title: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown: an impression. `total` counts the items that matched before the cut at k.

    `facets`: facet → value → how many of the matches. `notes` say what was done beside ranking
    (an unknown user, a relaxed query).
    """

    impression_id: str
    personalised: bool
    took_ms: float
    total: int
    results: tuple[Result, ...]
    facets: dict[str, dict[str, int]] | None = None
    did_you_mean: str | None = None
    notes: tuple[str, ...] = ()
