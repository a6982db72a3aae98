"""The vector index: which items mean nearly what a query means. A graph finds them, the vectors themselves decide.

Rows lie in one file of float16 that is read by memory map; beside it a graph of their neighbours (HNSW; Malkov and
Yashunin, IEEE TPAMI 2020) in 8 bit, by usearch. The graph proposes more than is asked for and their order comes from
the rows, so that 8 bit cost recall only where the graph overlooks an item. Where few items are allowed, or there are
few at all, every one is compared and nothing is overlooked.
"""

import json
import shutil
import uuid
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.errors import NotReady, UsageError
from mien.core.extras import require
from mien.core.ids import Rows
from mien.ranking.centre import Centre
from mien.stores.durable import sync, write_whole

Vectors = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Mask = npt.NDArray[np.bool_]

FORMAT = 2
EXACT = 20_000
"""Up to so many items every one is compared: a graph would be no faster and could overlook some."""
GRAPH_PAYS = 20
"""The graph is asked where it has to propose less than the allowed items over this; else these are all compared."""
PROPOSED = 2
"""How many times as many as asked for, and 64 more, the graph proposes, before the rows decide."""
MORE_PROPOSED = 64
MANY = 4
"""Of more than one row in so many the products of all are taken: gathering them would cost more."""
BLOCK = 8192
"""Rows compared at once: they stay in the processor's cache."""

_POINTER, _ABOUT, _VECTORS, _ROWS, _GRAPH = "current", "about.json", "vectors.f16", "rows.i32", "graph.usearch"
_CENTRE = "centre.f32"


@dataclass(frozen=True, slots=True)
class About:
    """What a saved index says of itself.

    `made_by`: name and version of what made the vectors; `graph_bytes`: 0 where there is no graph.
    """

    format: int
    made_by: str
    dim: int
    count: int
    graph_bytes: int


class VectorIndex:
    """Vectors by item row, nearest first by inner product (the cosine, for rows of length 1).

    Safe for several threads. What is added or removed is found, or not, by the next search; `save` makes it last.
    `centre`: what was taken off the vectors before they were put in, kept with them. `changes`: grows with each change.
    Cost: see docs/hybrid.md; without the extra `models` every row is compared, however many there are.
    """

    def __init__(self, dim: int, made_by: str, centre: Centre | None = None) -> None:
        if dim < 1:
            raise UsageError("A vector index needs vectors of one number or more, not {dim}.", dim=dim)
        self.dim, self.made_by = dim, made_by
        self.centre = centre or Centre.nowhere(dim)
        self.changes = 0
        self._lock = RLock()
        self._base: Halves = np.empty((0, dim), dtype=np.float16)
        self._fresh: Halves = np.empty((0, dim), dtype=np.float16)
        self._used = 0
        self._wide: Vectors | None = None
        self._row_at: Rows = np.empty(0, dtype=np.int32)
        self._place: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._present: Mask = np.empty(0, dtype=np.bool_)
        self._count = 0
        self._graph: Any = None

    def __len__(self) -> int:
        return self._count

    @classmethod
    def build(
        cls, rows: Rows, vectors: Vectors, made_by: str, *, centre: Centre | None = None, threads: int = 1
    ) -> "VectorIndex":
        """From `vectors (n, dim)` of the item `rows (n,)`, each once; a row of zeros says nothing and is left out.

        `centre`: what is taken off them, and of queries; None: nothing.

        Cost: docs/hybrid.md; `threads`: that the graph is made by.
        """
        index = cls(int(vectors.shape[1]), made_by, centre)
        index.add(rows, vectors if centre is None else centre.of_goods(vectors), threads=threads)
        return index

    def add(self, rows: Rows, vectors: Vectors, *, threads: int = 1) -> None:
        """Put vectors in; those of rows that are there are replaced where they differ. Zeros take a row out."""
        rows, given = _checked(rows, vectors, self.dim)
        with self._lock:
            new = self._differing(rows, given)
            rows, given = rows[new], given[new]
            self.changes += bool(len(rows))
            self.remove(rows)
            said = np.flatnonzero(np.abs(given).max(axis=1, initial=0.0) > 0)
            rows, given = rows[said], given[said]
            start = len(self._base) + self._used
            self._append(given.astype(np.float16))
            self._note(rows)
            self._reach(int(rows.max(initial=-1)) + 1)
            self._place[rows] = np.arange(start, start + len(rows))
            self._present[rows] = True
            self._count += len(rows)
            if self._graph is not None:
                self._graph.add(rows.astype(np.uint64), given, threads=threads)
            elif len(self) > EXACT and _can_graph():
                self._grow(threads)

    def _differing(self, rows: Rows, given: Vectors) -> npt.NDArray[np.bool_]:
        """`(len(rows),)`: which are not there yet in this form."""
        new = np.ones(len(rows), dtype=np.bool_)
        held = np.flatnonzero(rows < len(self._place))
        held = held[self._place[rows[held]] >= 0]
        for start in range(0, len(held), BLOCK):
            part = held[start : start + BLOCK]
            same = self._vectors_at(self._place[rows[part]]) == given[part].astype(np.float16)
            new[part] = ~same.all(axis=1)
        return new

    def remove(self, rows: Rows) -> None:
        """Take rows out; those that are not there are passed over."""
        with self._lock:
            held = rows[(rows >= 0) & (rows < len(self._place))]
            held = np.unique(held[self._place[held] >= 0])
            self._row_at[self._place[held]] = -1
            self._place[held] = -1
            self._present[held] = False
            self._count -= len(held)
            self.changes += bool(len(held))
            if self._graph is not None and len(held):
                self._graph.remove(held.astype(np.uint64))

    def nearest(self, vector: Vectors, k: int, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """The k rows with the highest inner product, best first (ties by row), and that product.

        `allowed (n_items,)`: rows that may be found, where not all. Fewer than k where there are fewer.
        """
        query = np.asarray(vector, dtype=np.float32).ravel()
        if len(query) != self.dim:
            raise UsageError(
                "The index holds vectors of {dim} numbers; the query has {n_query}.", dim=self.dim, n_query=len(query)
            )
        with self._lock:
            rows = self._proposed(query, k, allowed)
            return _best(rows, self.products(query, rows), k)

    def vector(self, row: int) -> Vectors | None:
        """`(dim,) float32` of one row, None where it has none."""
        with self._lock:
            if not 0 <= row < len(self._place) or self._place[row] < 0:
                return None
            found: Vectors = self._vectors_at(self._place[row : row + 1])[0]
            return found

    def mean(self, rows: Rows) -> Vectors:
        """`(dim,)`: the mean of those rows that are there, zeros where none is."""
        with self._lock:
            place = self._place[rows]
            found: Vectors = self._vectors_at(place[place >= 0]).sum(axis=0) / max(len(rows), 1)
            return found

    def products(self, vector: Vectors, rows: Rows) -> Vectors:
        """`(len(rows),)`: the inner product of each row with the vector, NaN where a row has none."""
        query = np.asarray(vector, dtype=np.float32).ravel()
        found = np.full(len(rows), np.nan, dtype=np.float32)
        inside = np.flatnonzero(rows < len(self._place))
        place = self._place[rows[inside]]
        inside, place = inside[place >= 0], place[place >= 0]
        if len(place) * MANY > len(self) and (wide := self._all_wide()) is not None:
            found[inside] = _products(wide, query)[place]
            return found
        for start in range(0, len(place), BLOCK):
            part = slice(start, start + BLOCK)
            found[inside[part]] = _products(self._vectors_at(place[part]), query)
        return found

    def _proposed(self, query: Vectors, k: int, allowed: Mask | None) -> Rows:
        """Rows among which the nearest are: from the graph, or all that are allowed where that is as cheap."""
        mask = self._present if allowed is None else self._present[: len(allowed)] & allowed[: len(self._present)]
        live = len(self) if allowed is None else int(np.count_nonzero(mask))
        want = PROPOSED * k + MORE_PROPOSED
        asked = min(int(np.ceil(want * len(self) / max(live, 1))), len(self))
        if self._graph is None or asked * GRAPH_PAYS > live:
            return np.flatnonzero(mask).astype(np.int32)
        self._graph.expansion_search = asked
        keys = self._graph.search(query, asked, threads=1).keys.astype(np.int32)
        keys = keys[keys < len(mask)]
        keys = keys[mask[keys]]
        return keys if len(keys) >= k else np.flatnonzero(mask).astype(np.int32)

    # -- rows in memory and on disk ------------------------------------------------------------------------------------

    def _vectors_at(self, place: npt.NDArray[np.int64]) -> Vectors:
        """`(len(place), dim) float32`."""
        found = np.empty((len(place), self.dim), dtype=np.float32)
        old = place < len(self._base)
        found[old] = self._base[place[old]]
        found[~old] = self._fresh[place[~old] - len(self._base)]
        return found

    def _all_wide(self) -> Vectors | None:
        """All rows as float32, by place, where they are few: made once after a change, since that takes longer than
        comparing them."""
        with self._lock:
            held = len(self._base) + self._used
            if held > EXACT:
                return None
            if self._wide is None:
                self._wide = self._vectors_at(np.arange(held))
            return self._wide

    def _append(self, halves: Halves) -> None:
        self._wide = None
        need = self._used + len(halves)
        if need > len(self._fresh):  # room for as many again, so that adding one by one stays cheap
            room = np.empty((max(need, 2 * len(self._fresh)), self.dim), dtype=np.float16)
            room[: self._used] = self._fresh[: self._used]
            self._fresh = room
        self._fresh[self._used : need] = halves
        self._used = need

    def _note(self, rows: Rows) -> None:
        """Which row lies at each further place."""
        need = len(self._base) + self._used
        if need > len(self._row_at):
            room = np.full(max(need, 2 * len(self._row_at)), -1, dtype=np.int32)
            room[: len(self._row_at)] = self._row_at
            self._row_at = room
        self._row_at[need - len(rows) : need] = rows

    def _reach(self, n_rows: int) -> None:
        if n_rows > len(self._place):
            more = np.full(max(n_rows, 2 * len(self._place)) - len(self._place), -1, dtype=np.int64)
            self._place = np.concatenate([self._place, more])
            self._present = np.concatenate([self._present, np.zeros(len(more), dtype=np.bool_)])

    def _grow(self, threads: int) -> None:
        """Make the graph of all rows."""
        self._graph = _new_graph(self.dim)
        rows = self._row_at[self._row_at >= 0]
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            self._graph.add(part.astype(np.uint64), self._vectors_at(self._place[part]), threads=threads)

    def save(self, folder: Path) -> None:
        """Put the index in place of what `folder` held, in one step: a crash leaves the old one or the new one.

        Written beside what is there, made durable, and named by one renamed pointer file.
        """
        with self._lock:
            version = folder / f"v{FORMAT}-{uuid.uuid4().hex[:12]}"
            version.mkdir(parents=True)
            places = np.flatnonzero(self._row_at >= 0)
            with (version / _VECTORS).open("wb") as file:
                for start in range(0, len(places), BLOCK):
                    part = self._vectors_at(places[start : start + BLOCK])
                    file.write(part.astype(np.float16).tobytes())
            (version / _ROWS).write_bytes(self._row_at[places].astype(np.int32).tobytes())
            (version / _CENTRE).write_bytes(np.stack([self.centre.goods, self.centre.queries]).tobytes())
            graph = version / _GRAPH
            if self._graph is not None:
                self._graph.save(str(graph))
            size = graph.stat().st_size if graph.exists() else 0
            about = About(FORMAT, self.made_by, self.dim, len(places), size)
            (version / _ABOUT).write_text(json.dumps(asdict(about), ensure_ascii=False), encoding="utf-8")
        for path in (*version.iterdir(), version):
            sync(path)
        write_whole(folder / _POINTER, version.name)
        for old in folder.iterdir():
            if old.is_dir() and old != version:
                shutil.rmtree(old)

    @classmethod
    def open(cls, folder: Path, made_by: str | None = None) -> "VectorIndex":
        """The index last saved in `folder`.

        Raises `NotReady` where there is none, where it is damaged, and where something else than `made_by` made its
        vectors: they could not be compared with a query's. None: whoever reads the queries has to compare it.
        """
        there, about = _described(folder)
        if made_by is not None and about.made_by != made_by:
            raise NotReady(
                "The vectors at {folder} were made by {made_by}, queries are read by {read_by}. Run: mien build",
                folder=folder,
                made_by=about.made_by,
                read_by=made_by,
            )
        centre = np.fromfile(there / _CENTRE, dtype=np.float32).reshape(2, about.dim)
        index = cls(about.dim, about.made_by, Centre(centre[0], centre[1]))
        index._row_at = np.fromfile(there / _ROWS, dtype=np.int32)
        if about.count:
            shape = (about.count, about.dim)
            index._base = np.memmap(there / _VECTORS, dtype=np.float16, mode="r", shape=shape)
        index._reach(int(index._row_at.max(initial=-1)) + 1)
        index._place[index._row_at] = np.arange(about.count)
        index._present[index._row_at] = True
        index._count = about.count
        if about.graph_bytes and _can_graph():
            index._graph = _new_graph(about.dim)
            index._graph.load(str(there / _GRAPH))
        return index


def _can_graph() -> bool:
    """Whether usearch is installed; without it every row is compared, which is slow and right."""
    return find_spec("usearch") is not None


def _new_graph(dim: int) -> Any:
    kit = require("models", "usearch.index")
    return kit.Index(ndim=dim, metric="cos", dtype="i8", connectivity=16, expansion_add=96)


def _described(folder: Path) -> tuple[Path, About]:
    """Where the version in use lies and what it says of itself; `NotReady` unless all of it is there."""
    pointer = folder / _POINTER
    name = pointer.read_text().strip() if pointer.is_file() else ""
    there = folder / name
    if not name.startswith(f"v{FORMAT}-") or not there.is_dir():
        raise NotReady("There is no vector index at {folder}. Run: mien build", folder=folder)
    try:
        about = About(**json.loads((there / _ABOUT).read_text(encoding="utf-8")))
        sizes = {_VECTORS: 2 * about.dim * about.count, _ROWS: 4 * about.count, _CENTRE: 8 * about.dim}
        sizes |= {_GRAPH: about.graph_bytes} if about.graph_bytes else {}
        whole = all((there / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, TypeError) as damage:
        raise NotReady(
            "The vector index at {there} is damaged ({damage}). Run: mien build", there=there, damage=damage
        ) from damage
    if not whole:
        raise NotReady("The vector index at {there} is not whole. Run: mien build", there=there)
    return there, about


def _checked(rows: Rows, vectors: Vectors, dim: int) -> tuple[Rows, Vectors]:
    rows, given = np.asarray(rows, dtype=np.int32), np.asarray(vectors, dtype=np.float32)
    if given.shape != (len(rows), dim):
        raise UsageError(
            "Vectors of the shape {shape} do not fit {n_rows} rows of {dim} numbers.",
            shape=str(given.shape),
            n_rows=len(rows),
            dim=dim,
        )
    if len(np.unique(rows)) != len(rows) or rows.min(initial=0) < 0:
        raise UsageError("Each row may come once, and rows are 0 or more.")
    if not np.isfinite(given).all():
        raise UsageError("A vector holds a number that is infinite or not a number.")
    return rows, given


def _products(vectors: Vectors, query: Vectors) -> Vectors:
    """`(n,)`, each row's the same to the last bit wherever it stands, unlike a product of matrices."""
    return np.asarray(np.einsum("ij,j->i", vectors, query), dtype=np.float32)


def _best(rows: Rows, products: Vectors, k: int) -> tuple[Rows, Vectors]:
    if len(rows) > k > 0:
        edge = np.partition(products, len(products) - k)[len(products) - k]
        kept = products >= edge  # ties at the edge all stay until they are ordered
        rows, products = rows[kept], products[kept]
    order = np.lexsort((rows, -products))[: max(k, 0)]
    return rows[order].astype(np.int32), products[order]
