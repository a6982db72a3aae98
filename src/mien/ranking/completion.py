"""Completion: what somebody may be about to type, from popular queries, categories, brands and titles."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.core.words import normalise
from mien.stores.durable import write_whole

KINDS = ("title", "brand", "category", "query")
"""What is offered, the last first: a query others typed before a name of the shop, and titles last."""
LONGEST = 100
"""Characters of a completion."""
MAX_PREFIX = 100
QUERIES = "queries.json"


@dataclass(frozen=True, slots=True)
class Completion:
    """What may be meant. `kind`: one of `KINDS`."""

    text: str
    kind: str


@dataclass(frozen=True, eq=False)
class Offers:
    """Texts that can be offered, sorted by how they are typed. `keys` and `shown` `(n,)`, `weights (n,) float32`.

    Weight: the place of the kind in `KINDS`, plus how popular it is among its kind, 0 … 1.
    """

    keys: list[str]
    shown: list[str]
    weights: npt.NDArray[np.float32]

    @classmethod
    def of(cls, offers: Iterable[tuple[str, str, float]]) -> "Offers":
        """From kind, text and weight 0 … 1; of those that are typed alike the weightiest stays."""
        offered: dict[str, tuple[float, str]] = {}
        for kind, text, weight in offers:
            key, rank = _typed(text), _rank(kind, weight)
            if key and rank > offered.get(key, (-1.0, ""))[0]:
                offered[key] = (rank, text)
        keys = sorted(offered)
        weights = np.array([offered[key][0] for key in keys], dtype=np.float32)
        return cls(keys, [offered[key][1] for key in keys], weights)

    def best(self, typed: str, k: int) -> list[tuple[float, str, str]]:
        """The weightiest that begin so: weight, key and text, the weightiest first."""
        return [(float(self.weights[row]), self.keys[row], self.shown[row]) for row in _best(self, typed, k)]

    def changed(self, gone: Iterable[str], come: Iterable[tuple[str, str, float]]) -> "Offers":
        """Without the texts that are gone, and with others, by kind, text and weight. Cost: a copy of the lists."""
        keys, shown, weights = self.keys.copy(), self.shown.copy(), self.weights.tolist()
        fresh = [(_typed(text), text, _rank(kind, weight)) for kind, text, weight in come]
        for key in {_typed(text) for text in gone} | {key for key, _, _ in fresh}:
            at = bisect_left(keys, key)
            if at < len(keys) and keys[at] == key:
                del keys[at], shown[at], weights[at]
        for key, text, rank in sorted(fresh, key=lambda one: one[2]):
            at = bisect_left(keys, key)
            if key and at < len(keys) and keys[at] == key:
                shown[at], weights[at] = text, rank
            elif key:
                keys.insert(at, key)
                shown.insert(at, text)
                weights.insert(at, rank)
        return Offers(keys, shown, np.array(weights, dtype=np.float32))


@dataclass(frozen=True, eq=False)
class Completer:
    """All that can be offered: `titles` of items on sale, and `names` of the shop with the queries that many typed."""

    titles: Offers
    names: Offers
    queries: Mapping[str, int]

    @classmethod
    def of(cls, catalogue: Catalogue, popularity: npt.NDArray[np.float64], queries: Mapping[str, int]) -> "Completer":
        """`popularity`: `(n_items,)` 0 … 1; `queries`: query → by how many it was typed. Cost: 10 µs an item."""
        shown = np.flatnonzero(catalogue.known & catalogue.available).tolist()
        titles = Offers.of(("title", catalogue.title[row], float(popularity[row])) for row in shown)
        return cls(titles, Offers.of(_names(catalogue, queries)), queries)

    def with_items(
        self, before: Catalogue, catalogue: Catalogue, popularity: npt.NDArray[np.float64], rows: list[int]
    ) -> "Completer":
        """The same of a catalogue that differs in some rows. Cost: some ms, and one for each row."""
        sold = catalogue.known & catalogue.available
        gone = {before.title[row] for row in rows if row < len(before) and before.known[row] and before.available[row]}
        come = {catalogue.title[row] for row in rows if sold[row]}
        titles = [
            ("title", title, max(float(popularity[row]) for row in held))
            for title in gone | come
            if (held := [row for row, other in enumerate(catalogue.title) if other == title and sold[row]])
        ]
        return Completer(self.titles.changed(gone, titles), Offers.of(_names(catalogue, self.queries)), self.queries)

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """The weightiest that begin with `prefix`; then those in which a later word does. Any text will do.

        Cost: some 10 µs, 0.3 ms where tens of thousands begin so.
        """
        typed = normalise(prefix[:MAX_PREFIX])
        if not typed or k < 1:
            return []
        found: dict[str, tuple[float, str]] = {}
        for weight, key, text in sorted(
            [*self.names.best(typed, k), *self.titles.best(typed, k)], key=lambda one: (-one[0], one[1])
        ):
            found.setdefault(key, (weight, text))
        if len(found) < k:
            for row in _best(self._later[0], typed, 2 * k):
                place = int(self._later[1][row])
                found.setdefault(self.names.keys[place], (float(self.names.weights[place]), self.names.shown[place]))
        return [Completion(text, KINDS[int(weight)]) for weight, text in list(found.values())[:k]]

    @cached_property
    def _later(self) -> tuple[Offers, npt.NDArray[np.int64]]:
        """Queries and names from their second word on, and whose they are; titles are too many."""
        entries = sorted(
            (key[at + 1 :], row)
            for row, key in enumerate(self.names.keys)
            for at, letter in enumerate(key)
            if letter == " "
        )
        places = np.array([row for _, row in entries], dtype=np.int64)
        return Offers([key for key, _ in entries], [], self.names.weights[places]), places


def _best(offers: Offers, typed: str, k: int) -> list[int]:
    start, end = bisect_left(offers.keys, typed), bisect_left(offers.keys, typed + "\U0010ffff")
    near = offers.weights[start:end]
    if len(near) > k:
        bound = np.partition(near, -k)[-k]
        held = np.flatnonzero(near >= bound)
    else:
        held = np.arange(len(near))
    best: list[int] = (start + held[np.argsort(-near[held], kind="stable")[:k]]).tolist()
    return best


def _rank(kind: str, weight: float) -> float:
    return KINDS.index(kind) + weight * 0.999


@lru_cache(maxsize=1 << 15)
def _typed(text: str) -> str:
    return normalise(text)[:LONGEST]


def _names(catalogue: Catalogue, queries: Mapping[str, int]) -> Iterator[tuple[str, str, float]]:
    """Kind, text and weight 0 … 1 of brands, of the parts of categories, and of queries."""
    sold = catalogue.known & catalogue.available
    counts: dict[str, dict[str, float]] = {"brand": {}, "category": {}}
    for facet in catalogue.text_facets:
        if facet.name in counts:
            held, parts = np.bincount(facet.codes[sold & (facet.codes >= 0)], minlength=len(facet.values)), facet.values
            if facet.level:
                parts = tuple(value.rpartition(CATEGORY_SEPARATOR)[2] for value in facet.values)
            for part, n in zip(parts, held.tolist(), strict=True):
                if n:
                    counts[facet.name][part] = counts[facet.name].get(part, 0.0) + n
    for kind, found in counts.items():
        yield from _scaled(kind, found)
    yield from _scaled("query", {query: float(n) for query, n in queries.items()})


def _scaled(kind: str, counts: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    most = np.log1p(max(counts.values(), default=1.0))
    for text, n in counts.items():
        yield kind, text, float(np.log1p(n) / most)


def write_queries(folder: Path, queries: Iterable[tuple[str, int]]) -> None:
    """Keep the popular queries of a build, most frequent first."""
    write_whole(folder / QUERIES, msgspec.json.encode(dict(queries)))


def read_queries(folder: Path) -> dict[str, int]:
    """Those that `write_queries` kept; none where there are none, or where they cannot be read."""
    try:
        return msgspec.json.decode((folder / QUERIES).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}


def told(found: list[Completion]) -> dict[str, Any]:
    """Completions as a JSON-ready document."""
    return {"completions": [asdict(one) for one in found]}
