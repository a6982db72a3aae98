"""An impression: one answer that was shown to somebody, as it is kept."""

from dataclasses import dataclass

SEARCH = "search"
"""The kind of an answer to a text, or to filters alone; of any other it is that of the recommendation."""


@dataclass(frozen=True, slots=True)
class Impression:
    """`user`: a row, None for a visitor nobody knows. `kind`: search, similar, or the kind of recommendation.

    `items`: rows in the order shown, the first at place `first` (from 1 on). `total`: how many matched. `policy`: what
    ranked them; `propensity`: the chance with which it would show this very list (1: it always does).
    """

    impression_id: str
    at_us: int
    user: int | None
    kind: str
    query: str
    items: tuple[int, ...]
    first: int
    total: int
    policy: str
    propensity: float = 1.0
    personalised: bool = False
