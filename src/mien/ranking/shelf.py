"""The shelf: the goods and all that was computed about them beforehand; and the context of one question."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from mien.core.errors import UnknownName
from mien.core.ids import Rows
from mien.core.item import CATEGORY_SEPARATOR, Catalogue, Facet, coded_facet
from mien.core.tables import ITEM
from mien.core.user import User
from mien.core.words import query_words
from mien.features.state import State
from mien.models.demand import Demand
from mien.profiles.options import ProfileOptions
from mien.profiles.wording import Language
from mien.profiles.yardstick import Yardstick
from mien.ranking.kind import Kind
from mien.ranking.learnt import Learnt
from mien.ranking.lexical import TextIndex
from mien.ranking.options import RankingOptions, SearchOptions
from mien.ranking.rule import Rule
from mien.ranking.taste import Taste
from mien.ranking.understanding import Lexicon

if TYPE_CHECKING:
    from mien.ranking.close import CloseReading
    from mien.ranking.foresight import Foresight
    from mien.ranking.nearness import Nearness
    from mien.ranking.ranker import Ranker
    from mien.ranking.reranker import Reranker

Floats = npt.NDArray[np.float64]
RATING = "rating"
"""The attribute that holds how an item is rated."""


class Neighbours(Protocol):
    """Which items are liked by the same people (`models.neighbours.ItemNeighbours`)."""

    def neighbours(self, item: int) -> tuple[Rows, npt.NDArray[np.float32]]:
        """The items most like `item` and their likeness 0 … 1, best first."""
        ...

    def of_all(self, items: Rows) -> tuple[npt.NDArray[np.int64], Rows, npt.NDArray[np.float32]]:
        """The same of many: place in `items`, neighbour and likeness, in three columns."""
        ...


@dataclass(frozen=True, eq=False)
class Shelf:
    """What all questions share, made once a build. `popular`: `(n,) ≥ 0` by item row (shorter: the rest is 0).

    What a shop does not have (an index, neighbours, popularity, vectors, a reranker) is None and adds nothing to any
    answer. `demand` and `taste` are what only a `ranker` (of searches) or a `recommender` (of what is for you) looks
    at: without one, or one to be learnt, they are left out. So is `close`, for a ranker that reads closely.
    """

    catalogue: Catalogue
    yardstick: Yardstick
    index: TextIndex | None = None
    neighbours: Neighbours | None = None
    popular: npt.ArrayLike | None = None
    demand: Demand | None = None
    taste: Taste | None = None
    ranker: "Ranker | None" = None
    recommender: "Ranker | None" = None
    learnt: Learnt = field(default_factory=Learnt)
    vectors: "Nearness | None" = None
    reranker: "Reranker | None" = None
    foresight: "Foresight | None" = None
    close: "CloseReading | None" = None

    @cached_property
    def lexicon(self) -> Lexicon:
        """The names of categories, brands and colours, as queries may use them."""
        return Lexicon(self.yardstick.facets)

    def warm(self) -> None:
        """Make what is made at first need."""
        self.lexicon.warm()
        _ = self.rating, self.by_popularity, self._popular_rank, self.arrived_us, self._leaf, self._wide
        _ = self.brand, self._by_leaf, self._row_of, self.priced, self._codes, self.place

    def with_items(
        self, catalogue: Catalogue, yardstick: Yardstick, index: TextIndex, learnt: Learnt, rows: list[int]
    ) -> "Shelf":
        """The shelf of a catalogue that differs from this one's in some rows: what holds of the others is kept."""
        n = len(catalogue)
        demand = None if self.demand is None else self.demand.widened(n)
        after = replace(self, catalogue=catalogue, yardstick=yardstick, index=index, learnt=learnt, demand=demand)
        if self.close is not None:
            after = replace(after, close=self.close.with_rows(catalogue, rows))
        rating = np.full(n, np.nan)
        rating[: len(self.rating)] = self.rating
        rating[rows] = [_rating(catalogue.attributes[row]) for row in rows]
        paths, ids = [catalogue.category[row] for row in rows], dict(self._row_of)
        for row in rows:
            if row < len(self.catalogue) and (old := self.catalogue.item_id[row]) is not None:
                del ids[old]
            if (new := catalogue.item_id[row]) is not None:
                ids[new] = row
        after.__dict__.update(
            rating=rating,
            _leaf=self._leaf.with_rows(rows, paths, n),
            _wide=self._wide.with_rows(rows, [_widened(path) for path in paths], n),
            _row_of=ids,
        )
        return after

    @cached_property
    def priced(self) -> bool:
        """Whether any price is known."""
        return bool(np.isfinite(self.catalogue.price).any())

    @cached_property
    def rating(self) -> Floats:
        """`(n_items,)` the number `rating` among an item's attributes, NaN where there is none."""
        return np.array([_rating(attributes) for attributes in self.catalogue.attributes], dtype=np.float64)

    @cached_property
    def popularity(self) -> Floats:
        """`(n_items,)` log-scaled to 0 … 1, 1 for the most popular."""
        counts = np.zeros(len(self.catalogue))
        if self.popular is not None:
            given = np.asarray(self.popular, dtype=np.float64)[: len(counts)]
            counts[: len(given)] = np.maximum(given, 0.0)
        top = counts.max(initial=0.0)
        return np.log1p(counts) / np.log1p(top) if top > 0 else counts

    @cached_property
    def place(self) -> npt.NDArray[np.int64]:
        """`(n_items,)` place of each item by popularity, then by row: how equals are ordered everywhere."""
        place = np.empty(len(self.popularity), dtype=np.int64)
        place[np.argsort(-self.popularity, kind="stable")] = np.arange(len(place))
        return place

    @cached_property
    def by_popularity(self) -> Rows:
        """Item rows that may be shown, most popular first, ties by row."""
        order = np.argsort(self.place)
        return order[self.showable[order]].astype(np.int32)

    @cached_property
    def _popular_rank(self) -> Rows:
        falling = -self.popularity[self.by_popularity]
        return 1 + np.searchsorted(falling, -self.popularity, side="left").astype(np.int32)

    def popular_rank(self, row: int) -> int:
        """Place of an item by popularity among those that may be shown, from 1 on; equals share a place."""
        return int(self._popular_rank[row])

    @cached_property
    def showable(self) -> npt.NDArray[np.bool_]:
        """Items that are known and available."""
        showable = self.catalogue.known & self.catalogue.available
        showable.flags.writeable = False  # it is handed out as it is
        return showable

    @cached_property
    def arrived_us(self) -> npt.NDArray[np.int64]:
        """`(n_items,)` when each item came, 0 where nobody knows."""
        return self.learnt.arrived_us(len(self.catalogue))

    def codes(self, rows: Rows) -> Rows:
        """`(facets, len(rows))` the code of each facet of the yardstick, −1 where an item has none. Cost: one visit of
        memory an item, not one for each facet."""
        return np.ascontiguousarray(self._codes.take(rows, axis=0).T)

    @cached_property
    def _codes(self) -> Rows:
        facets = self.yardstick.facets
        codes = np.empty((len(self.catalogue), len(facets)), dtype=np.int32)
        for k, facet in enumerate(facets):
            codes[:, k] = facet.codes
        return codes

    @property
    def leaf(self) -> Rows:
        """`(n_items,)` code of the whole category path, −1 where there is none."""
        return self._leaf.codes

    @property
    def n_leaves(self) -> int:
        """How many leaf categories there are."""
        return len(self._leaf.values)

    @cached_property
    def _leaf(self) -> Facet:
        return coded_facet("leaf", 0, self.catalogue.category)

    def leaf_name(self, row: int) -> str:
        """The last step of an item's category path, empty where it has none."""
        return (self.catalogue.category[row] or "").rpartition(CATEGORY_SEPARATOR)[2]

    def leaf_words(self, leaf: int) -> frozenset[str]:
        """The words of the last step of a category path, by the code of the path; none for −1. Cut once, then kept."""
        if leaf < 0:
            return frozenset()
        if leaf not in self._words:
            name = self._leaf.values[leaf].rpartition(CATEGORY_SEPARATOR)[2]
            self._words[leaf] = frozenset(word.term for word in query_words(name))
        return self._words[leaf]

    @cached_property
    def _words(self) -> dict[int, frozenset[str]]:
        return {}

    @property
    def wide(self) -> Rows:
        """`(n_items,)` code of the category path without its last step, of the path itself where it has one step."""
        return self._wide.codes

    @cached_property
    def _wide(self) -> Facet:
        return coded_facet("wide", 0, [_widened(path) for path in self.catalogue.category])

    @cached_property
    def brand(self) -> Rows:
        """`(n_items,)` code of the brand, −1 where there is none."""
        held = [facet.codes for facet in self.catalogue.text_facets if facet.name == ITEM.BRAND]
        return held[0] if held else np.full(len(self.catalogue), -1, dtype=np.int32)

    @cached_property
    def _by_leaf(self) -> tuple[Rows, npt.NDArray[np.int64]]:
        leaves = self.leaf[self.by_popularity]
        order = np.argsort(leaves, kind="stable")
        return self.by_popularity[order], np.searchsorted(leaves[order], np.arange(self.leaf.max(initial=-1) + 2))

    def in_leaf(self, leaf: int, limit: int) -> Rows:
        """The most popular items of a leaf category, by its code."""
        rows, starts = self._by_leaf
        return rows[starts[leaf] : starts[leaf + 1]][:limit]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.catalogue.item_id) if item is not None}

    def row(self, item_id: str) -> int:
        """The row of an item that is known, or `UnknownName` with the nearest ids."""
        row = self._row_of.get(item_id)
        if row is None:
            raise UnknownName("item", item_id, self._row_of)
        return row

    def rows_of(self, item_ids: tuple[str, ...]) -> list[int]:
        """The rows of those ids that are known, in their order."""
        return [self._row_of[item_id] for item_id in item_ids if item_id in self._row_of]


@dataclass(frozen=True, eq=False)
class Context:
    """All that one question is answered from. `state` None: nothing is known of who asks.

    `profile`: how a profile is read (when a liking expires, how sure it must be). `user`: what they have declared, or
    None. `kinds`: recommendations by name where they differ from the built-in ones; `rules`: those of the shop.
    `impression_id`: what the answer is to be called; None derives it from the question and the time. `clock`: seconds,
    for `took_ms`.
    """

    shelf: Shelf
    at_us: int
    state: State | None = None
    options: RankingOptions = field(default_factory=RankingOptions)
    profile: ProfileOptions = field(default_factory=ProfileOptions)
    language: Language = "en"
    impression_id: str | None = None
    clock: Callable[[], float] = time.perf_counter
    user: User | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    search: SearchOptions = field(default_factory=SearchOptions)


def _widened(path: str | None) -> str | None:
    return path and (path.rpartition(CATEGORY_SEPARATOR)[0] or path)


def _rating(attributes: str | None) -> float:
    if not attributes or RATING not in attributes:
        return float("nan")
    try:
        return float(msgspec.json.decode(attributes)[RATING])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return float("nan")
