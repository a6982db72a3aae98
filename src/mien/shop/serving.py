"""What answers questions: the shelf of a build, made once and then read by many."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np

from mien.core.clock import to_us
from mien.core.errors import NotReady, UnknownName
from mien.core.impression import SEARCH
from mien.core.item import Catalogue
from mien.core.profile import Profile
from mien.core.query import Answer, Query
from mien.core.user import User
from mien.features.population import Population, facets
from mien.features.state import State
from mien.models.complements import Complements
from mien.models.demand import Demand
from mien.models.factor import Als
from mien.models.neighbours import ItemNeighbours
from mien.models.popular import Popular
from mien.models.rhythm import Rhythm
from mien.models.segments import SegmentPopular
from mien.models.trend import Trend
from mien.prepare.judgement import Judgement
from mien.profiles.outlook import Models, Outlook, read_outlook
from mien.profiles.read import read
from mien.profiles.wording import Language
from mien.profiles.yardstick import Yardstick
from mien.ranking import pipeline
from mien.ranking.close import CloseReading
from mien.ranking.completion import Completer, read_queries
from mien.ranking.foresight import Foresight
from mien.ranking.indexing import Covers
from mien.ranking.kind import FOR_YOU
from mien.ranking.learnt import Learnt
from mien.ranking.lexical import TextIndex
from mien.ranking.ranker import Ranker
from mien.ranking.reranker import Reranker
from mien.ranking.shelf import Context, Shelf
from mien.ranking.similar import similar
from mien.ranking.synonyms import Synonyms
from mien.ranking.taste import Taste
from mien.ranking.wanted import Reading
from mien.shop.ranker import RANKER, RECOMMENDER
from mien.shop.stock import Stock
from mien.shop.trained import kept, load_models, nearness
from mien.shop.weighing import weighed
from mien.shop.workspace import Build
from mien.stores.catalog import Who

MANY = 300
"""Items changed at once, beyond which all is made anew."""


@dataclass(frozen=True, eq=False)
class Serving:
    """The answers of one build, with the items known at `at_us` and their changes up to a number."""

    stock: Stock
    build: Build
    at_us: int
    changes: int = 0

    @cached_property
    def population(self) -> Population:
        return self.stock.population_at(self.at_us, self.build.population)

    @cached_property
    def judgement(self) -> Judgement:
        return Judgement.from_dict(self.population.judgement)

    @cached_property
    def catalogue(self) -> Catalogue:
        return self.stock.catalogue(self.at_us)

    @cached_property
    def _begun(self) -> tuple[int, int]:
        """When the newest version of an item began, and when the next one will; µs."""
        begin = self.stock.moments()
        ahead = int(np.searchsorted(begin, self.at_us, side="right"))
        never = np.iinfo(np.int64).max
        return int(begin[ahead - 1]) if ahead else 0, int(begin[ahead]) if ahead < len(begin) else int(never)

    @property
    def newest_us(self) -> int:
        """When the newest version of an item began."""
        return self._begun[0]

    @property
    def next_us(self) -> int:
        """When an item changes that was given beforehand."""
        return self._begun[1]

    def warm(self) -> None:
        """Make what the next questions would have to make."""
        shelf = self.shelf
        shelf.warm()
        _ = self.completer, self._begun

    def followed(self, changes: int, at_us: int) -> "Serving":
        """The same build with the items as they are at a later moment, with their changes up to a number.

        What the items that did not change have to do with is kept; this one answers as it did. Cost: some ten ms for
        100,000 items, and a few for each that changed.
        """
        after = Serving(self.stock, self.build, at_us, changes)
        rows = self.stock.rows_since(self.changes, self.at_us, at_us)
        if len(rows) > MANY:
            return after
        items = self.stock.items_at(rows, at_us)
        rows = sorted(items)
        n_items = max([len(self.catalogue), *(row + 1 for row in rows)])
        catalogue = self.catalogue.with_items(items, n_items, at_us)
        known = facets(catalogue, self.population, self.yardstick.facets, rows)
        yardstick = Yardstick.with_facets(known, self.population)
        listed = np.zeros(n_items, dtype=np.int64)
        if (told := self.shelf.learnt.listed_us) is not None:
            listed[: len(told)] = told[:n_items]
        listed[rows] = [max(items[row][1], 0) for row in rows]
        assert self.shelf.index is not None, "a shop has an index of texts"
        index = self.shelf.index.followed(
            catalogue,
            Covers(changes, at_us),
            lambda held: self.stock.rows_since(held.changes, held.at_us, at_us),
        )
        shelf = self.shelf.with_items(catalogue, yardstick, index, replace(self.shelf.learnt, listed_us=listed), rows)
        kept = {"population": self.population, "catalogue": catalogue, "yardstick": yardstick, "shelf": shelf}
        kept["completer"] = self.completer.with_items(self.catalogue, catalogue, shelf.popularity, rows)
        after.__dict__.update({name: self.__dict__[name] for name in ("models",) if name in self.__dict__}, **kept)
        return after

    @cached_property
    def yardstick(self) -> Yardstick:
        return Yardstick.of(self.catalogue, self.population)

    @cached_property
    def shelf(self) -> Shelf:
        """Goods, index, neighbours, popularity and demand as the build left them; taste and ranker as training did."""
        index, search = self.stock.workspace.index, self.stock.settings.search
        models = self.stock.workspace.models
        popular = Popular.load(index)
        ranker, recommender = (kept(Ranker.load, models / name) for name in (RANKER, RECOMMENDER))
        demand, als = (kept(Demand.load, index), kept(Als.load, models)) if ranker or recommender else (None, None)
        synonyms = Synonyms.read(self.stock.workspace.folder / search.synonyms)
        return Shelf(
            self.catalogue,
            self.yardstick,
            self._texts(TextIndex.open(index / "text", self.catalogue, search, Reading.of(search, synonyms))),
            ItemNeighbours.load(index),
            popular.fitted["counts"],
            demand=None if demand is None else demand.widened(len(self.catalogue)),
            taste=None if als is None else Taste.of(als),
            ranker=ranker,
            recommender=recommender,
            learnt=Learnt(
                kept(Complements.load, index),
                kept(Rhythm.load, index),
                kept(Trend.load, index),
                kept(SegmentPopular.load, index),
                self.stock.listed_us(),
            ),
            vectors=nearness(self.stock, self.catalogue),
            foresight=self._foresight(),
            close=CloseReading.of(self.catalogue) if ranker is not None and ranker.close else None,
            reranker=Reranker(name) if (name := self.stock.settings.ranking.reranker.strip()) else None,
        )

    def _texts(self, index: TextIndex) -> TextIndex:
        """The index with the items as they are here; for a moment before the build as the build left it."""
        if self.at_us < self.build.as_of_us or self.build.history:
            return index
        now = Covers(self.changes, self.at_us)
        return index.followed(
            self.catalogue, now, lambda held: self.stock.rows_since(held.changes, held.at_us, self.at_us)
        )

    def _foresight(self) -> Foresight | None:
        """The behaviour model, where one was trained on nothing later than this moment."""
        model = self.models.known_at(self.at_us).behaviour
        return None if model is None else Foresight(model, self.catalogue.price)

    def policy(self, kind: str) -> str:
        """What ranks answers of a kind, by name: two that share it rank alike."""
        learnt = {SEARCH: self.shelf.ranker, FOR_YOU: self.shelf.recommender}.get(kind) is not None
        return f"{'learnt' if learnt else 'weights'}/{self.build.population}"

    @cached_property
    def models(self) -> Models:
        """What training left; items that came since are read by their tags and texts."""
        return load_models(self.stock, self.catalogue, self.yardstick.facets)

    def outlook(
        self, rows: list[int], state: State, user: User | None, at_us: int, language: Language | None = None
    ) -> Outlook | None:
        """What the models say of a person; None where nothing was trained."""
        if self.models == Models():
            return None
        known = self.models.known_at(at_us)
        events = self.stock.events(rows, at_us, self.judgement) if known.behaviour or known.heads else []
        facets = self.yardstick.facets
        language = language or self.stock.language
        return read_outlook(self.models, events, state, self.catalogue, facets, at_us, user=user, language=language)

    def state(self, user_id: str, at_us: int) -> State | None:
        """The state of a user, None where the id was never seen or has no events by then."""
        who = self.stock.catalog.who(user_id)
        return None if who is None else self.stock.state_of(who.rows, at_us, self.judgement)

    def user(self, user_id: str) -> User | None:
        """What the person behind an id has declared; None where the id was never seen."""
        who = self.stock.catalog.who(user_id)
        return None if who is None else who.user

    def profile(self, user_id: str, at_us: int, language: Language | None = None) -> Profile:
        """The profile of a user; `UnknownName` for an id never seen. `language`: None is the shop's."""
        who = self.stock.catalog.who(user_id)
        if who is None:
            raise UnknownName("user", user_id)  # who asks may not be meant to know others' ids
        user, rows = who.user, who.rows
        state = self.stock.state_of(rows, at_us, self.judgement) if user.profilable else None
        state = state or State(self.stock.settings.fold)
        return read(
            state,
            user_id,
            self.catalogue,
            self.population,
            at_us,
            options=self.stock.settings.profile,
            yardstick=self.yardstick,
            user=user,
            outlook=self.outlook(rows, state, user, at_us, language),
            user_ids=[key for key in self.stock.catalog.users.keys(rows) if key],
            language=language or self.stock.language,
            currency=self.stock.settings.shop.currency,
        )

    def context(self, user_id: str | None, at_us: int, language: Language | None = None) -> Context:
        """What a question of this user is answered from, in a language (None: the shop's)."""
        return self._context(None if user_id is None else self.stock.catalog.who(user_id), at_us, language)

    def _context(self, who: Who | None, at_us: int, language: Language | None) -> Context:
        return Context(
            self.shelf,
            at_us,
            None if who is None else self.stock.state_of(who.rows, at_us, self.judgement),
            self.stock.settings.ranking,
            self.stock.settings.profile,
            language or self.stock.language,
            user=None if who is None else who.user,
            kinds=self.stock.settings.kinds,
            rules=self.stock.settings.rules,
            search=self.stock.settings.search,
        )

    @cached_property
    def completer(self) -> Completer:
        """What can be offered to somebody who is typing. Cost: 2 s for 200,000 items, once."""
        return Completer.of(self.catalogue, self.shelf.popularity, read_queries(self.stock.workspace.index))

    def _allowed(self, query: Query) -> tuple[Query, Who | None]:
        """The question and who asks; of a user who does not let answers depend on them the question that an anonymous
        visitor asks."""
        who = None if query.user_id is None else self.stock.catalog.who(query.user_id)
        if who is None or who.user.personalisable:
            return query, who
        return replace(query, user_id=None, personalise=False, context=()), None

    def answer(
        self, query: Query, at_us: int, language: Language | None = None, weights: Mapping[str, float] | None = None
    ) -> Answer:
        query, who = self._allowed(query)
        context = self._context(who, at_us, language)
        return pipeline.answer(query, context if weights is None else weighed(context, weights))

    def similar(self, item_id: str, query: Query, at_us: int, language: Language | None = None) -> Answer:
        return similar(item_id, query, self.context(None, at_us, language))

    def explain(self, query: Query, item_id: str, at_us: int, language: Language | None = None) -> Answer:
        query, who = self._allowed(query)
        return pipeline.explain(query, item_id, self._context(who, at_us, language))


def current(stock: Stock) -> Build:
    """The last finished build, or `NotReady`."""
    build = stock.workspace.build()
    if build is None:
        raise NotReady("Nothing is built yet. Run: mien build")
    return build


def at_of(moment: datetime | None, default_us: int) -> int:
    """A moment as µs, or the default."""
    return default_us if moment is None else to_us(moment)
