"""How fast, how exact and how large the vector index is; what the vector of one query costs.

python benchmarks/vectors.py [--items 200000] [--dims 384] [--queries 200] [--encoders e5,minilm]

The vectors are made up: 2,000 centres of 24 hidden dimensions, noise in all. Real texts lie less evenly.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.ranking.vectors import VectorIndex

Vectors = npt.NDArray[np.float32]
KINDS = ("stainless", "cordless", "outdoor", "white")
SHARES = (0.5, 0.1, 0.01)


def made_up(n: int, dim: int, seed: int, space: int = 0) -> Vectors:
    """`(n, dim)` of length 1; `space`: seed of the centres, so that queries come from where the items are."""
    world, draw = np.random.default_rng(space), np.random.default_rng(seed)
    centres = (world.standard_normal((2000, 24)) @ world.standard_normal((24, dim))).astype(np.float32)
    rows = centres[draw.integers(0, len(centres), n)]
    rows += draw.standard_normal((n, dim), dtype=np.float32) * np.float32(2.5)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def resident_mb() -> float:
    """Of this process, what is shared with files left out."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["RssAnon"].split()[0]) / 1024


def timed(act: Callable[[], object]) -> float:
    """CPU seconds of this thread's process."""
    begin = time.process_time()
    act()
    return time.process_time() - begin


def per_query(search: Callable[[Vectors], npt.NDArray[np.integer]], queries: Vectors) -> tuple[str, list[set[int]]]:
    """Median and 99th percentile in ms of CPU, and what was found."""
    found, times = [], []
    for query in queries:
        begin = time.process_time()
        rows = search(query)
        times.append(1000 * (time.process_time() - begin))
        found.append(set(rows.tolist()))
    return f"{np.median(times):.2f} | {np.percentile(times, 99):.2f}", found


def measure(n: int, dim: int, n_queries: int) -> None:
    vectors, queries = made_up(n, dim, 1), made_up(n_queries, dim, 2)
    rows = np.arange(n, dtype=np.int32)
    print(f"\n{n:,} items × {dim} dimensions, {n_queries} queries, k = 10, one thread\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "index"
        index: list[VectorIndex] = []
        print(f"build {timed(lambda: index.append(VectorIndex.build(rows, vectors, 'made up'))):.1f} CPU s", flush=True)
        print(f"save {timed(lambda: index[0].save(place)):.1f} CPU s", end=", ")
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        print(f"{size / 2**20:.0f} MB on disk")
        index.clear()
        before = resident_mb()
        opened: list[VectorIndex] = []
        print(f"open {timed(lambda: opened.append(VectorIndex.open(place, 'made up'))):.1f} CPU s", end=", ")
        print(f"{resident_mb() - before:.0f} MB of memory, the rows read by memory map", flush=True)
        _search(opened[0], vectors, queries)
        fresh = made_up(1000, dim, 3)
        there = np.arange(n, n + 1000, dtype=np.int32)
        print(f"\nadd 1,000 one by one {timed(lambda: _one_by_one(opened[0], there, fresh)):.2f} CPU s", end=", ")
        print(f"remove 1,000 {timed(lambda: opened[0].remove(there)):.3f} CPU s", flush=True)


def _one_by_one(index: VectorIndex, rows: npt.NDArray[np.int32], vectors: Vectors) -> None:
    for k in range(len(rows)):
        index.add(rows[k : k + 1], vectors[k : k + 1])


def _search(index: VectorIndex, vectors: Vectors, queries: Vectors) -> None:
    print("\n| search | p50, CPU ms | p99 | recall@10 |\n|---|---|---|---|")

    def exact(query: Vectors, rows: npt.NDArray[np.integer] | None = None) -> npt.NDArray[np.integer]:
        products = (vectors if rows is None else vectors[rows]) @ query
        best = np.argpartition(-products, 10)[:10]
        return best if rows is None else rows[best]

    told, truth = per_query(exact, queries)
    print(f"| every row, by NumPy | {told} | 1 |")
    told, found = per_query(lambda query: index.nearest(query, 10)[0], queries)
    print(f"| the index | {told} | {_recall(found, truth):.3f} |", flush=True)
    for share in SHARES:
        allowed = np.random.default_rng(4).random(len(vectors)) < share
        rows = np.flatnonzero(allowed)
        some = queries[: max(len(queries) // 4, 1)]
        truth = [set(exact(query, rows).tolist()) for query in some]
        told, found = per_query(lambda query, mask=allowed: index.nearest(query, 10, mask)[0], some)  # type: ignore[misc]
        print(f"| the index, {share:.0%} allowed | {told} | {_recall(found, truth):.3f} |", flush=True)


def _recall(found: list[set[int]], truth: list[set[int]]) -> float:
    return float(np.mean([len(a & b) / 10 for a, b in zip(found, truth, strict=True)]))


def reading(names: list[str], folder: Path) -> None:
    """What the vector of one query costs, none of them known."""
    print("\n| encoder of queries | p50, CPU ms | p99 |\n|---|---|---|")
    for name in names:
        encoder = encoder_named(ContentSettings(encoder=name, threads=1), folder=folder)
        encoder.encode(["a first one"], kind="query")
        times = []
        for k in range(100):
            begin = time.process_time()
            encoder.encode([f"{KINDS[k % len(KINDS)]} kitchen faucet {k} in."], kind="query")
            times.append(1000 * (time.process_time() - begin))
        print(f"| {encoder.version.rsplit('/', 2)[0]} | {np.median(times):.1f} | {np.percentile(times, 99):.1f} |")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", default="200000")
    arguments.add_argument("--dims", default="384")
    arguments.add_argument("--queries", type=int, default=200)
    arguments.add_argument("--encoders", default="e5,minilm", help="whose queries are timed; empty: none")
    arguments.add_argument("--folder", type=Path, help="where exported encoders are kept; default: a passing one")
    asked = arguments.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    if asked.encoders:
        with tempfile.TemporaryDirectory() as passing:
            reading(asked.encoders.split(","), asked.folder or Path(passing))
    for items in asked.items.split(","):
        for dim in asked.dims.split(","):
            measure(int(items), int(dim), asked.queries)


if __name__ == "__main__":
    main()
