"""Completion: what somebody may be about to type, from popular queries, categories, brands and titles."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
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
class Completer:
    """All that can be offered, sorted by how it is typed. `keys` and `shown` `(n,)`, `weights (n,) float32`.

    Weight: the place of the kind in `KINDS`, plus how popular it is among its kind, 0 … 1.
    """

    keys: list[str]
    shown: list[str]
    weights: npt.NDArray[np.float32]

    @classmethod
    def of(cls, catalogue: Catalogue, popularity: npt.NDArray[np.float64], queries: Mapping[str, int]) -> "Completer":
        """`popularity`: `(n_items,)` 0 … 1; `queries`: query → by how many it was typed. Cost: 10 µs an item."""
        offered: dict[str, tuple[float, str]] = {}
        for kind, text, weight in _offers(catalogue, popularity, queries):
            key = normalise(text)[:LONGEST]
            rank = KINDS.index(kind) + weight * 0.999
            if key and rank > offered.get(key, (-1.0, ""))[0]:
                offered[key] = (rank, text)
        keys = sorted(offered)
        weights = np.array([offered[key][0] for key in keys], dtype=np.float32)
        return cls(keys, [offered[key][1] for key in keys], weights)

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """The weightiest that begin with `prefix`; then those in which a later word does. Any text will do.

        Cost: some 10 µs, 0.3 ms where tens of thousands begin so.
        """
        typed = normalise(prefix[:MAX_PREFIX])
        if not typed or k < 1:
            return []
        rows = self._best(self.keys, self.weights, typed, k)
        if len(rows) < k:
            keys, places, weights = self._later
            further = [int(places[row]) for row in self._best(keys, weights, typed, 2 * k)]
            rows += [row for row in dict.fromkeys(further) if row not in rows]
        return [Completion(self.shown[row], KINDS[int(self.weights[row])]) for row in rows[:k]]

    @staticmethod
    def _best(keys: list[str], weights: npt.NDArray[np.float32], typed: str, k: int) -> list[int]:
        start, end = bisect_left(keys, typed), bisect_left(keys, typed + "\U0010ffff")
        near = weights[start:end]
        if len(near) > k:
            bound = np.partition(near, -k)[-k]
            held = np.flatnonzero(near >= bound)
        else:
            held = np.arange(len(near))
        best: list[int] = (start + held[np.argsort(-near[held], kind="stable")[:k]]).tolist()
        return best

    @cached_property
    def _later(self) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Queries and names from their second word on, and whose they are; titles are too many."""
        entries = sorted(
            (key[at + 1 :], row)
            for row, key in enumerate(self.keys)
            if self.weights[row] >= 1
            for at, letter in enumerate(key)
            if letter == " "
        )
        places = np.array([row for _, row in entries], dtype=np.int64)
        return [key for key, _ in entries], places, self.weights[places]


def _offers(
    catalogue: Catalogue, popularity: npt.NDArray[np.float64], queries: Mapping[str, int]
) -> Iterator[tuple[str, str, float]]:
    """Kind, text and weight 0 … 1 of everything that could be offered."""
    shown = np.flatnonzero(catalogue.known & catalogue.available).tolist()
    for row in shown:
        yield "title", catalogue.title[row], float(popularity[row])
    for kind, names in (("brand", catalogue.brand), ("category", catalogue.category)):
        held: dict[str, float] = {}
        for row in shown:
            if name := names[row]:
                held[name] = held.get(name, 0.0) + 1.0
        parts: dict[str, float] = {}
        for name, n in held.items():
            for part in name.split(CATEGORY_SEPARATOR) if kind == "category" else (name,):
                parts[part] = parts.get(part, 0.0) + n
        yield from _scaled(kind, parts)
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
