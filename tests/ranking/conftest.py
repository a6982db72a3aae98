"""The toy shop on a shelf: index, neighbours, popularity, population; made once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.clock import DAY_US, to_us
from mien.core.query import Answer, Query
from mien.core.user import User
from mien.models.complements import Complements
from mien.models.items import ItemFacts
from mien.models.neighbours import ItemNeighbours
from mien.models.popular import Popular
from mien.models.rhythm import Rhythm
from mien.models.segments import SegmentPopular
from mien.models.trend import Trend
from mien.profiles.yardstick import Yardstick
from mien.ranking.learnt import Learnt
from mien.ranking.lexical import TextIndex
from mien.ranking.options import RankingOptions
from mien.ranking.pipeline import answer
from mien.ranking.shelf import Context, Shelf
from mien.testing.world import World, six_rows, world


@dataclass(frozen=True, eq=False, repr=False)
class Shop:
    world: World
    shelf: Shelf

    def context(self, user_id: str | None, at: datetime | None = None, **more: Any) -> Context:
        """What a question of a user is answered from; None, or a user nobody knows: nothing known."""
        known = user_id in self.world.user_ids
        state = self.world.state(user_id, at) if known and user_id is not None else None
        at_us = self.world.at_us if at is None else to_us(at)
        return Context(self.shelf, at_us, state, clock=lambda: 0.0, **more)

    def ask(
        self, text: str = "", user_id: str | None = None, *, options: dict[str, Any] | None = None, **more: Any
    ) -> Answer:
        """The answer to a query; `options` of the ranking, `more` of the query."""
        language = more.pop("language", "en")
        given = {name: more.pop(name) for name in ("user", "kinds", "rules") if name in more}
        context = self.context(user_id, options=RankingOptions(**(options or {})), language=language, **given)
        return answer(Query(text, user_id, **more), context)


def _shop(of: World, folder: Path) -> Shop:
    data = of.interactions()
    shelf = Shelf(
        catalogue=of.catalogue,
        yardstick=Yardstick.of(of.catalogue, of.population()),
        index=TextIndex.build(folder, of.catalogue),
        neighbours=ItemNeighbours(shrinkage=0.0).fit(data, at_us=of.at_us),
        popular=Popular().fit(data, at_us=of.at_us).fitted["counts"],
    )
    return Shop(of, shelf)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return _shop(world(), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def stocked(shop: Shop) -> Shop:
    """The toy shop with all that a build learns: the cup came three days ago, who drinks what is declared."""
    data, at_us, catalogue = shop.world.interactions(), shop.world.at_us, shop.world.catalogue
    listed = np.zeros(len(catalogue), dtype=np.int64)
    listed[[shop.world.item_row("cup-zh"), shop.world.item_row("gone")]] = at_us - 3 * DAY_US
    late = data.select(~((data.item == shop.world.item_row("cup-zh")) & (data.at_us < at_us - 3 * DAY_US)))
    drinks = {"coffee": ("ann", "ben", "蔡明"), "tea": ("dora", "恩惠", "fay")}
    traits = {shop.world.user_row(user): [("drinks", drink)] for drink, users in drinks.items() for user in users}
    learnt = Learnt(
        Complements(fewest=1).fit(data, at_us=at_us),
        Rhythm(prior=1.0).use_items(ItemFacts.of(len(catalogue), facets=catalogue.text_facets)).fit(data, at_us=at_us),
        Trend().fit(late, at_us=at_us),
        SegmentPopular.fit(data, traits, at_us=at_us, fewest=3, prior=1.0),
        listed,
    )
    return Shop(shop.world, replace(shop.shelf, learnt=learnt))


@pytest.fixture(scope="session")
def tea_lover() -> User:
    """Somebody who has done nothing yet, but has said what they drink."""
    return User("newcomer", {"drinks": "tea"})


@pytest.fixture(scope="session")
def six(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return _shop(six_rows(), tmp_path_factory.mktemp("six"))


@pytest.fixture(scope="session")
def ids() -> Callable[[Answer], list[str]]:
    return lambda answer: [result.item_id for result in answer.results]
