"""Offering: recommendations rehearsed in the past; what people then bought is what a ranker of them learns from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.core.clock import DAY_US, from_us
from mien.core.errors import NotReady
from mien.core.event import ACTION_CODE, Action
from mien.core.ids import Rows
from mien.core.ports import Progress, Silent
from mien.core.query import Query
from mien.features.state import FoldSettings
from mien.models.interactions import Interactions
from mien.ranking.asking import Asked
from mien.ranking.kind import FOR_YOU, Kind
from mien.ranking.kinds import kind_named
from mien.ranking.options import RankingOptions
from mien.ranking.ranker import LearnOptions, Ranker, learn
from mien.ranking.rehearsal import Weighed, examples_of, state_of
from mien.ranking.shelf import Context, Shelf
from mien.ranking.suggesting import suggested

SOMEBODY = "somebody"
WINDOW_DAYS = 28.0
"""How long after a moment an order may come."""
WINDOWS = 2
"""How many moments are learnt from, a window apart."""
MOST = 1_000
"""Most orders of a window, and most candidates of an order, that are learnt from."""
FEWEST = 200
"""With fewer orders the weights that are set by hand are as good."""
ROUNDS = 60
"""Trees: an order says less than a search does, and more trees learn these people by heart."""
_PURCHASE = ACTION_CODE[Action.PURCHASE]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What a person (row `user`), of whom something was known, bought first after a moment: item rows, each once."""

    user: int
    bought: Rows


def first_orders(data: Interactions, span: tuple[int, int], *, most: int = MOST, seed: int = 0) -> list[Order]:
    """The first order in `span` (start, end in µs, the end outside) of who acted before it; `most` drawn by `seed`.

    An order is what was bought at one instant; purchases of no pieces are none. Sorted by user.
    """
    start, end = span
    known = np.unique(data.user[data.at_us < start])
    bought = (data.action == _PURCHASE) & (data.quantity > 0) & (data.at_us >= start) & (data.at_us < end)
    rows = np.flatnonzero(bought & np.isin(data.user, known))  # by user, then time
    by_user = np.split(rows, np.flatnonzero(np.diff(data.user[rows])) + 1) if len(rows) else []
    if len(by_user) > most:
        drawn = np.sort(np.random.default_rng(seed).choice(len(by_user), size=most, replace=False))
        by_user = [by_user[k] for k in drawn.tolist()]
    found = []
    for mine in by_user:
        first = mine[data.at_us[mine] == data.at_us[mine[0]]]
        found.append(Order(int(data.user[mine[0]]), np.unique(data.item[first]).astype(np.int32)))
    return found


@dataclass(frozen=True, eq=False)
class Offering:
    """What would have been recommended from a shelf as it was at `at_us`, nothing later known."""

    shelf: Shelf
    data: Interactions
    at_us: int
    settings: FoldSettings = field(default_factory=FoldSettings)
    options: RankingOptions = field(default_factory=RankingOptions)
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def offer(self, orders: Sequence[Order], progress: Progress | None = None) -> Iterator[Weighed]:
        """The candidates for each person, those bought with gain 1. Cost: some ms a person."""
        advance = (progress or Silent()).step("rehearse recommendations", len(orders))
        kind, query = kind_named(FOR_YOU, self.kinds), Query(user_id=SOMEBODY, kind=FOR_YOU)
        for order in orders:
            state = state_of(self.data, order.user, self.at_us, self.settings)
            asked = Asked.of(query, Context(self.shelf, self.at_us, state, self.options))
            if asked.person is not None:
                blend = suggested(asked, kind)
                yield Weighed(blend, np.isin(blend.rows, order.bought).astype(np.int64), None)
            advance(1)


def learn_recommender(
    data: Interactions,
    at_us: int,
    offering_at: Callable[[int], Offering],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Ranker:
    """A ranker of what is for you, from the first orders after `WINDOWS` moments before `at_us`.

    `offering_at`: what would have been recommended at a moment, by what was known then. Raises `NotReady` where there
    are too few orders, `MissingExtra` without LightGBM. Cost: an offering a moment, some ms an order, and the trees.
    """
    window_us = round(WINDOW_DAYS * DAY_US)
    moments = [at_us - window_us * k for k in range(WINDOWS, 0, -1)]
    orders = {moment: first_orders(data, (moment + 1, moment + window_us + 1), seed=seed) for moment in moments}
    n = sum(len(found) for found in orders.values())
    if n < FEWEST:
        raise NotReady(
            "{n} orders of people known before came in the last {windows:g} days; {fewest} are "
            "needed. Recommendations are ranked by the weights of the settings.",
            n=n,
            windows=WINDOWS * WINDOW_DAYS,
            fewest=FEWEST,
        )
    offered = (one for moment in moments for one in offering_at(moment).offer(orders[moment], progress))
    examples = examples_of(offered, most=MOST)
    facts = {"questions": len(examples.sizes), "from": from_us(moments[0]).isoformat(), "of": "orders"}
    return learn(examples, LearnOptions(rounds=ROUNDS), seed=seed, facts=facts)
