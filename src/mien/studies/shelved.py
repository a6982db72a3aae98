"""A real shop on a shelf at a moment, and its people as ranking meets them: what studies of ranking ask."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.core.ids import Rows
from mien.core.item import CATEGORY_SEPARATOR, Catalogue, Facet
from mien.core.query import Query
from mien.features.population import spread
from mien.features.state import FoldSettings, State
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.complements import Complements
from mien.models.factor import Als
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.models.markov import Markov
from mien.models.rhythm import Rhythm
from mien.models.trend import Trend
from mien.profiles.yardstick import Yardstick
from mien.ranking.kind import Kind
from mien.ranking.learnt import Learnt
from mien.ranking.offering import Offering, learn_recommender
from mien.ranking.options import RankingOptions
from mien.ranking.past import past_shelf
from mien.ranking.pipeline import answer
from mien.ranking.ranker import Ranker
from mien.ranking.rehearsal import state_of
from mien.ranking.shelf import Context, Shelf
from mien.testing.shops import RealShop

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shelved:
    """A shop as known before `at_us`. Item ids are row numbers; facets are those of the shop, without price bands."""

    shop: RealShop
    train: Interactions
    at_us: int
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    recommender: Ranker | None = None

    @cached_property
    def shelf(self) -> Shelf:
        """Everything a build would have fitted, on what is known before the moment. Cost: some seconds."""
        catalogue = catalogue_of(self.shop, self.train.n_items, self.at_us)
        facts = ItemFacts.of(self.train.n_items, facets=self.shop.facets)
        train, at_us = self.train, self.at_us
        learnt = Learnt(
            Complements().fit(train, at_us=at_us),
            Rhythm().use_items(facts).fit(train, at_us=at_us),
            Trend().fit(train, at_us=at_us),
        )
        standard = yardstick(self.shop.facets, train, at_us)
        past = past_shelf(catalogue, standard, None, train, at_us=at_us, taste=Als() if self.recommender else None)
        return replace(past, learnt=learnt, recommender=self.recommender)

    def ranked(self, seed: int) -> "Shelved":
        """The same with what ranks recommendations, learnt from orders before the moment. Cost: minutes."""

        def offering(at_us: int) -> Offering:
            known = self.train.until(at_us)
            catalogue = catalogue_of(self.shop, known.n_items, at_us)
            standard = yardstick(self.shop.facets, known, at_us)
            shelf = past_shelf(catalogue, standard, None, known, at_us=at_us, taste=Als())
            return Offering(shelf, known, at_us)

        return replace(self, recommender=learn_recommender(self.train, self.at_us, offering, seed=seed))

    def state(self, user: int) -> State:
        """The folded history of a user."""
        return state_of(self.train, user, self.at_us, FoldSettings())

    def rows(self, query: Query, state: State | None = None, options: RankingOptions | None = None) -> Rows:
        """`(query.k,)`: what is answered, −1 where nothing is left."""
        context = Context(self.shelf, self.at_us, state, options or RankingOptions(), kinds=self.kinds)
        found = [int(result.item_id) for result in answer(query, context).results]
        return np.array(found + [-1] * (query.k - len(found)), dtype=np.int32)


def yardstick(facets: Sequence[Facet], data: Interactions, at_us: int) -> Yardstick:
    """What everybody likes at `at_us`, decayed as states are; from interactions, without a population snapshot."""
    known = data.until(at_us)
    strength = known.strength(asdict(DEFAULT_WEIGHTS), at_us=at_us, half_life_days=FoldSettings().slow_days)
    shares = tuple(_shares(facet, known.item, strength) for facet in facets)
    return Yardstick(tuple(facets), shares, DEFAULT_WEIGHTS.array, Markov.fit({}, {}), "study")


def _shares(facet: Facet, item: Rows, strength: Floats) -> Floats:
    """Shares of all behaviour by value, spread as a population's are, so that none is 0."""
    codes = facet.codes[item]
    mass = np.bincount(codes[codes >= 0], weights=strength[codes >= 0], minlength=len(facet.values))
    return spread(np.maximum(mass, 0.0))


def catalogue_of(shop: RealShop, n_items: int, at_us: int) -> Catalogue:
    """The items with the category path and the brand that the shop's facets tell."""
    levels = [facet for facet in shop.facets if facet.name == "category"]
    brands = [facet for facet in shop.facets if facet.name == "brand"]
    nothing: list[str | None] = [None] * n_items
    paths = list(nothing)
    for row in range(n_items):
        parts = [facet.values[code] for facet in levels if (code := int(facet.codes[row])) >= 0]
        paths[row] = CATEGORY_SEPARATOR.join(parts) or None
    brand = [brands[0].values[code] if code >= 0 else None for code in brands[0].codes.tolist()] if brands else nothing
    return Catalogue(
        at_us=at_us,
        item_id=[str(row) for row in range(n_items)],
        title=list(shop.texts) or [str(row) for row in range(n_items)],
        description=nothing,
        category=paths,
        brand=brand,
        colour=nothing,
        image=nothing,
        audio=nothing,
        attributes=nothing,
        price=np.full(n_items, np.nan),
        available=np.ones(n_items, dtype=np.bool_),
        known=np.ones(n_items, dtype=np.bool_),
        since_us=np.zeros(n_items, dtype=np.int64),
    )
