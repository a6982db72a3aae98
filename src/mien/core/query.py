"""A question to the shop, and the answer with its reasons."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from mien.core.impression import SEARCH
from mien.core.showing import html_of

PRICE = "price"
"""The facet whose values are ranges, "10..50", "10.." or "..50"."""
NOT = "!"
"""A facet's name with this at its end: none of the values."""
SORTS = ("relevance", "price_up", "price_down", "newest", "popular", "rating")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. A recommendation is a query without text; of the kind `search` it is all that the filters leave.

    `filters`: facet → allowed values; `brand!` → values that are not; `price` → ranges. `kind`: of a recommendation.
    `cart`: item ids that it is asked about. `context`: item ids looked at in the running visit, oldest first; they
    count as personalisation. `sort`: one of `SORTS`. `offset`: results before the first one shown. `understand`:
    whether category, brand, colour and price are read out of the text; `literal`: those parts of the text, as the
    answer tells them, that are words and nothing else.
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
    sort: str = "relevance"
    offset: int = 0
    understand: bool = True
    literal: tuple[str, ...] = ()

    @property
    def searches(self) -> bool:
        """Whether it asks for all that fits, and not for a recommendation."""
        return bool(self.text.strip()) or self.kind == SEARCH


@dataclass(frozen=True, slots=True)
class Understood:
    """A part of a query that was read as more than words: `text`, which names the `value` of a `facet`."""

    facet: str
    value: str
    text: str


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

    `sort`: how the results are ordered; with any but `relevance` the scores need not fall.

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
    understood: tuple[Understood, ...] = ()
    sort: str = "relevance"
    offset: int = 0

    @property
    def moves(self) -> list[Counterfactual]:
        """Of an explanation, the counterfactuals under which the item would stand elsewhere."""
        now = {result.rank for result in self.results[:1]}
        return [one for one in self.counterfactuals if one.rank not in now]

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready values in the documented order; unknown parts are absent."""
        head: dict[str, Any] = {
            "impression_id": self.impression_id,
            "personalised": self.personalised,
            "took_ms": round(self.took_ms, 3),
            "total": self.total,
        }
        optional = {
            "sort": None if self.sort == SORTS[0] else self.sort,
            "offset": self.offset,
            "understood": [asdict(one) for one in self.understood],
            "facets": self.facets,
            "did_you_mean": self.did_you_mean,
            "notes": list(self.notes),
        }
        head |= {name: value for name, value in optional.items() if value}
        head |= {"results": [_result(result) for result in self.results]}
        moves, absent = [asdict(one) for one in self.counterfactuals], [asdict(one) for one in self.absent]
        told = {"counterfactuals": moves, "absent": absent}
        return head | {name: found for name, found in told.items() if found}

    def _repr_html_(self) -> str | None:
        return html_of(self)


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
