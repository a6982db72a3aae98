"""A kind of recommendation: where its candidates come from, what speaks for them, how they are spread."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Again = bool | Literal["learned"]
"""Whether what was bought is shown again: always, never, or as each category's buyers do."""
FOR_YOU, SIMILAR, GOES_WITH, BUY_AGAIN = "for-you", "similar", "goes-with", "buy-again"
TRENDING, NEW, POPULAR = "trending", "new-arrivals", "popular"


@dataclass(frozen=True, slots=True)
class Kind:
    """One named pipeline.

    `candidates`: named sources, joined. `terms`: named summands and their weights; None: those of [ranking].
    `diversity`: 0 … 1, how far what is like something above it moves down. `caps`: facet → most items of one value
    before all others; None: ranking.same_category. `bought_again`: None: ranking.bought_again.
    """

    name: str
    candidates: tuple[str, ...]
    terms: Mapping[str, float] | None = None
    diversity: float = 0.0
    caps: Mapping[str, int] | None = None
    bought_again: Again | None = None
