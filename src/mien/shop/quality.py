"""How good searches are, by what was shown and what followed: top queries, empty ones, clicks by place."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mien.core.clock import DAY_US, from_us
from mien.core.errors import UsageError
from mien.core.event import Action
from mien.core.impression import SEARCH
from mien.core.words import normalise
from mien.shop.building import judged_log
from mien.shop.outcomes import Followed, followed
from mien.shop.serving import Serving

PLACES = 20
"""Places whose clicks are told."""
CLICKS = frozenset(map(str, (Action.CLICK, Action.VIEW, Action.CART, Action.FAVOURITE, Action.PURCHASE)))
"""What counts as having opened a result."""


@dataclass(frozen=True, slots=True)
class QueryQuality:
    """One query as it was typed. `users`: known ones; rates are shares of its searches; `place`: mean of the opened."""

    query: str
    searches: int
    users: int
    empty: int
    click_rate: float
    purchase_rate: float
    place: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """Results shown at one place, and how many of them were opened and bought."""

    place: int
    shown: int
    clicked: int
    bought: int


@dataclass(frozen=True, slots=True)
class Searches:
    """Searches of some days. `queries`: most frequent first; `empty_queries`: those that found nothing.

    `dropped`: impressions that could not be kept, ever. Outcomes count within the window of the settings.
    """

    since: datetime
    until: datetime
    searches: int
    empty: int
    clicked: int
    bought: int
    queries: tuple[QueryQuality, ...]
    empty_queries: tuple[QueryQuality, ...]
    places: tuple[Place, ...]
    dropped: int


@dataclass(slots=True)
class _Count:
    searches: int = 0
    users: set[int] = field(default_factory=set)
    empty: int = 0
    clicked: int = 0
    bought: int = 0
    places: list[int] = field(default_factory=list)

    def told(self, query: str) -> QueryQuality:
        place = sum(self.places) / len(self.places) if self.places else None
        rates = (self.clicked / self.searches, self.bought / self.searches)
        return QueryQuality(query, self.searches, len(self.users), self.empty, *rates, place)


class Quality:
    """How well a shop answers; each answer is as of now."""

    def __init__(self, served: Callable[[], tuple[Serving, int]]) -> None:
        self._served = served

    def searches(self, days: float = 7.0, limit: int = 50) -> Searches:
        """The searches of the last days that were shown, and what followed on them.

        Cost: the impressions of those days and the events since are read.
        """
        if not 0 < days <= 3_660:
            raise UsageError("The number of days is above 0 and at most 3,660.")
        serving, now_us = self._served()
        stock, since_us = serving.stock, now_us - int(days * DAY_US)
        kept = [one for one in stock.impressions.between(since_us, now_us) if one.kind == SEARCH and one.query]
        judged = judged_log(stock, now_us, serving.judgement)
        return _searches(followed(stock, judged, kept), since_us, now_us, limit, stock.impressions.dropped())


def _searches(shown: Sequence[Followed], since_us: int, now_us: int, limit: int, dropped: int) -> Searches:
    counts: dict[str, _Count] = defaultdict(_Count)
    places: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in shown:
        impression = one.impression
        count = counts[normalise(impression.query)]
        opened = [(place, one.acts.get(item, frozenset())) for place, item in _placed(one)]
        clicks = [place for place, acts in opened if acts & CLICKS]
        count.searches += 1
        count.empty += not impression.total
        count.clicked += bool(clicks)
        count.bought += any(Action.PURCHASE in acts for _, acts in opened)
        count.places += clicks
        if impression.user is not None:
            count.users.add(impression.user)
        for place, acts in opened:
            if place <= PLACES:
                row = places[place]
                row[0], row[1] = row[0] + 1, row[1] + bool(acts & CLICKS)
                row[2] += Action.PURCHASE in acts
    told = [count.told(query) for query, count in counts.items()]
    told.sort(key=lambda one: (-one.searches, one.query))
    empty = sorted((one for one in told if one.empty), key=lambda one: (-one.empty, one.query))
    return Searches(
        from_us(since_us),
        from_us(now_us),
        len(shown),
        sum(count.empty for count in counts.values()),
        sum(count.clicked for count in counts.values()),
        sum(count.bought for count in counts.values()),
        tuple(told[:limit]),
        tuple(empty[:limit]),
        tuple(Place(place, *places[place]) for place in sorted(places)),
        dropped,
    )


def _placed(one: Followed) -> list[tuple[int, int]]:
    """Place and item of each result; of a search that found nothing what was shown instead is not its result."""
    impression = one.impression
    return list(enumerate(impression.items, start=impression.first)) if impression.total else []
