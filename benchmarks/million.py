"""A recommendation for a person from a million items with vectors, by vector too; usearch alone beside it.

OMP_NUM_THREADS=1 python benchmarks/million.py [--items 1000000] [--dims 128] [--users 100000] [--questions 500]

The goods, their vectors and what people did are made up: categories and brands of unequal size, 2,000 centres, ten acts
a user, a tenth of them purchases. In process and in memory: the ranking from a folded state to the answer with its
reasons, k = 10; reading the state and HTTP come on top. Peak memory: 5 GB.
"""

import argparse
import os
import platform
import resource
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from vectors import made_up

from mien.core.clock import DAY_US
from mien.core.event import ACTION_CODE, Action
from mien.core.item import Catalogue
from mien.core.query import Query
from mien.core.tables import ITEM, ITEMS
from mien.features.state import FoldSettings
from mien.features.weights import DEFAULT_WEIGHTS
from mien.models.content.encoder import Encoder, Vectors
from mien.models.interactions import Interactions
from mien.models.markov import Markov
from mien.models.neighbours import ItemNeighbours
from mien.profiles.yardstick import Yardstick
from mien.ranking.kind import FOR_YOU, Kind
from mien.ranking.kinds import KINDS
from mien.ranking.nearness import Nearness
from mien.ranking.pipeline import recommend
from mien.ranking.rehearsal import state_of
from mien.ranking.shelf import Context, Shelf
from mien.ranking.vectors import VectorIndex

ACTS, BATCH = 10, 50_000
PROPOSED = 1_066
"""So many the graph is asked for, for the 500 nearest of an item."""
NOW_US = 20_600 * DAY_US
BY_VECTOR = Kind(FOR_YOU, (*KINDS[FOR_YOU].candidates, "alike"))
"""What is for you, with what is like the last basket among the candidates: the nearest by vector, too."""


def goods(n: int, draw: np.random.Generator) -> Catalogue:
    leaf, brand = draw.zipf(1.3, n) % 400, draw.zipf(1.3, n) % 2000
    told = {
        ITEM.ITEM_ID: pa.array([f"i{k}" for k in range(n)]),
        ITEM.TITLE: pa.array([f"thing {k}" for k in range(n)]),
        ITEM.CATEGORY: pa.array([f"Department {of % 20}/Kind {of}" for of in leaf.tolist()]),
        ITEM.BRAND: pa.array([f"Brand {of}" for of in brand.tolist()]),
        ITEM.AVAILABLE: pa.array(np.ones(n, dtype=np.bool_)),
        ITEM.VALID_FROM: pa.array(np.zeros(n, dtype=np.int64)),
    }
    columns = [told[one.name].cast(one.type) if one.name in told else pa.nulls(n, one.type) for one in ITEMS]
    return Catalogue.of(pa.table(columns, schema=ITEMS), np.arange(n, dtype=np.int32), n, 0)


def acts(n_items: int, n_users: int, draw: np.random.Generator) -> Interactions:
    n = n_users * ACTS
    bought = draw.random(n) < 0.1
    return Interactions.of(
        draw.integers(0, n_users, n),
        draw.zipf(1.2, n) % n_items,
        np.where(bought, ACTION_CODE[Action.PURCHASE], ACTION_CODE[Action.VIEW]),
        NOW_US - draw.integers(1, 90 * DAY_US, n),
        n_users=n_users,
        n_items=n_items,
    )


def indexed(n: int, dim: int) -> VectorIndex:
    index = VectorIndex(dim, "made up")
    for start in range(0, n, BATCH):
        rows = np.arange(start, min(start + BATCH, n), dtype=np.int32)
        index.add(rows, made_up(len(rows), dim, start + 1), threads=os.cpu_count() or 1)
        print(f"\r{len(index):,} vectors", end="", flush=True)
    print()
    return index


def shelf_of(catalogue: Catalogue, data: Interactions, index: VectorIndex) -> Shelf:
    counts = np.bincount(data.item, minlength=len(catalogue)).astype(np.float64)
    facets = catalogue.text_facets
    shares = [np.bincount(facet.codes, weights=counts + 1e-3, minlength=len(facet.values)) for facet in facets]
    spread = tuple(one / one.sum() for one in shares)
    standard = Yardstick(facets, spread, DEFAULT_WEIGHTS.array, Markov.fit({}, {}), "made up")
    near = ItemNeighbours().fit(data, at_us=NOW_US)
    shelf = Shelf(catalogue, standard, None, near, counts, vectors=Nearness(index, _no_encoder))
    shelf.warm()
    return shelf


def _no_encoder() -> Encoder:
    raise AssertionError("a recommendation reads no text")


def alone(index: VectorIndex, vector: Vectors, k: int) -> object:
    """What usearch itself takes, no row compared afterwards."""
    index._graph.expansion_search = k
    return index._graph.search(vector, k, threads=1)


def tell(name: str, questions: list[Callable[[], object]]) -> None:
    """Percentiles of CPU milliseconds; the first fifty only warm up."""
    spent = []
    for question in [*questions[:50], *questions]:
        began = time.process_time_ns()
        question()
        spent.append((time.process_time_ns() - began) / 1e6)
    p50, p99 = np.percentile(spent[50:], [50, 99])
    print(f"| {name} | {p50:.2f} | {p99:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=500)
    asked = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    draw = np.random.default_rng(0)
    began = time.process_time()
    index = indexed(asked.items, asked.dims)
    print(f"the index of vectors took {time.process_time() - began:.0f} CPU s")
    data = acts(asked.items, asked.users, draw)
    shelf = shelf_of(goods(asked.items, draw), data, index)
    users = np.unique(data.user[data.action == ACTION_CODE[Action.PURCHASE]])
    users = draw.choice(users, min(asked.questions, len(users)), replace=False).tolist()
    states = [state_of(data, user, NOW_US, FoldSettings()) for user in users]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.items:,} items × {asked.dims} dimensions, {len(states)} people, peak memory {peak_mb:,.0f} MB\n")
    print("| CPU ms of one core | p50 | p99 |\n|---|---|---|")
    queries = made_up(len(states), asked.dims, 7)
    query = Query(user_id="somebody")
    plain = [Context(shelf, NOW_US, state) for state in states]
    wide = [Context(shelf, NOW_US, state, kinds={FOR_YOU: BY_VECTOR}) for state in states]
    for _ in range(2):
        for k in (10, PROPOSED):
            tell(f"usearch alone, the nearest {k:,}", [lambda v=v, k=k: alone(index, v, k) for v in queries])
        tell("recommended to a person", [lambda c=c: recommend(query, c) for c in plain])
        tell("the same, with candidates by vector", [lambda c=c: recommend(query, c) for c in wide])


if __name__ == "__main__":
    main()
