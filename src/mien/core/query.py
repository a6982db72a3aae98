"""A question to the shop, and the answer with its reasons."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. A recommendation is a query without text. `filters`: facet → allowed values.

    `kind`: of a recommendation. `cart`: item ids that it is asked about. `context`: item ids looked at in the running
    visit, oldest first; they count as personalisation.
    """

    text: str = ""
    user_id: str | None = None
    k: int = 10
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    personalise: bool = True
    at: datetime | None = None
    kind: str = "for-you"
    cart: tuple[str, ...] = ()
    context: tuple[str, ...] = ()


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
class Counterfactual:
    """What would move an item: `rank` it would then have. `kind`: of the reason left out, or what is done once more."""

    kind: str
    text: str
    rank: int


@dataclass(frozen=True, slots=True)
class Absent:
    """Why an item is not among those shown. `kind`: sold_out, filter, rule, bought, candidate, moved or place."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown: an impression. `total` counts the items that matched before the cut at k.

    `facets`: facet → value → how many of the matches. `notes` say what was done beside ranking
    (an unknown user, a relaxed query). `counterfactuals`, `absent`: of an explanation only.
    """

    impression_id: str
    personalised: bool
    took_ms: float
    total: int
    results: tuple[Result, ...]
    facets: dict[str, dict[str, int]] | None = None
    did_you_mean: str | None = None
    notes: tuple[str, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    absent: tuple[Absent, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready values in the documented order; unknown parts are absent."""
        head: dict[str, Any] = {
            "impression_id": self.impression_id,
            "personalised": self.personalised,
            "took_ms": round(self.took_ms, 3),
            "total": self.total,
        }
        optional = {"facets": self.facets, "did_you_mean": self.did_you_mean, "notes": list(self.notes)}
        head |= {name: value for name, value in optional.items() if value}
        head |= {"results": [_result(result) for result in self.results]}
        moves, absent = [asdict(one) for one in self.counterfactuals], [asdict(one) for one in self.absent]
        told = {"counterfactuals": moves, "absent": absent}
        return head | {name: found for name, found in told.items() if found}


def _result(result: Result) -> dict[str, Any]:
    return {
        "rank": result.rank,
        "item_id": result.item_id,
        "title": result.title,
        "score": result.score,
        "reasons": [_reason(reason) for reason in result.reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    told = {"kind": reason.kind, "text": reason.text, "contribution": reason.contribution}
    return told | {"evidence": list(reason.evidence)} if reason.evidence else told
