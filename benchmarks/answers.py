"""What an answer of a built workspace takes, reasons and facets included: milliseconds of one core, once it is warm.

    OMP_NUM_THREADS=1 python benchmarks/answers.py WORKSPACE [questions]

Searches for the names of leaf categories, drawn by how many items they hold, by people drawn at random: for anybody,
for the person, and recommendations of every kind. k = 20.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

import mien
from mien.ranking.kinds import KINDS


def main(folder: str, questions: int) -> None:
    random = np.random.default_rng(0)
    with mien.open(folder) as shop:
        shelf = shop._served(None).shelf
        held = np.flatnonzero(shelf.showable & (shelf.leaf >= 0))
        texts = [shelf.leaf_name(row) for row in random.choice(held, questions).tolist()]
        users = shop.stock.catalog.users.keys(random.integers(0, len(shop.stock.catalog.users), questions).tolist())
        matched = [shop.search(text, k=20).total for text in texts]  # also warms what is read lazily
        print(f"{len(shelf.catalogue):,} items; a search matches {np.median(matched):,.0f} at the median")
        print(f"ranker: {'learned' if shelf.ranker is not None else 'set by hand'}")
        tell("search, for anybody", [lambda t=t: shop.search(t, k=20) for t in texts])
        asked = list(zip(texts, users, strict=True))
        tell("search, for the person", [lambda t=t, u=u: shop.search(t, user=u, k=20) for t, u in asked])
        for kind in KINDS:
            tell(kind, [lambda u=u, k=kind: shop.recommend(u, k=20, kind=k) for u in users])


def tell(name: str, questions: list[Callable[[], object]]) -> None:
    """Print the percentiles of one kind of question; the first ten only warm up."""
    spent = []
    for question in [*questions[:10], *questions]:
        began = time.process_time()
        question()
        spent.append((time.process_time() - began) * 1e3)
    p50, p90, p99 = np.percentile(spent[10:], [50, 90, 99])
    print(f"{name:24s} p50 {p50:6.2f} ms   p90 {p90:6.2f} ms   p99 {p99:6.2f} ms", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200)
