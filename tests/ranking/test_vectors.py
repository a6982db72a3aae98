"""The vector index: exact where it compares all, nearly so by its graph, live, filtered, whole on disk or not there."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core.errors import NotReady, UsageError
from mien.ranking import vectors as module
from mien.ranking.centre import Centre
from mien.ranking.vectors import VectorIndex

MADE_BY = "test/1"


def unit(n, dim, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def clustered(n, dim, seed=0):
    """Around 200 centres, as texts lie."""
    draw = np.random.default_rng(seed)
    rows = unit(200, dim, seed)[draw.integers(0, 200, n)] + 0.5 * unit(n, dim, seed + 1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def by_hand(vectors, query, k, allowed=None):
    products = vectors.astype(np.float16).astype(np.float32) @ query
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    order = np.lexsort((rows, -products[rows]))[:k]
    return rows[order]


def index_of(vectors):
    return VectorIndex.build(np.arange(len(vectors), dtype=np.int32), vectors, MADE_BY)


@pytest.fixture
def small_graph(monkeypatch):
    """A graph from 200 items on."""
    monkeypatch.setattr(module, "EXACT", 200)


def test_the_nearest_stand_first():
    index = VectorIndex.build(np.array([7, 3, 9], np.int32), np.eye(3, dtype=np.float32), MADE_BY)
    rows, cosines = index.nearest(np.array([0.6, 0.8, 0.0], np.float32), 2)
    assert rows.tolist() == [3, 7]
    assert cosines == pytest.approx([0.8, 0.6], abs=1e-3)


def test_few_items_are_compared_exactly():
    vectors, queries = unit(500, 16), unit(20, 16, 5)
    index = index_of(vectors)
    for query in queries:
        assert index.nearest(query, 10)[0].tolist() == by_hand(vectors, query, 10).tolist()


def test_the_graph_finds_nearly_all(small_graph):
    vectors, queries = clustered(5000, 32), clustered(100, 32, 7)
    index = index_of(vectors)
    found = [len(set(index.nearest(q, 10)[0]) & set(by_hand(vectors, q, 10))) for q in queries]
    assert np.mean(found) / 10 > 0.95


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_only_what_is_allowed_is_found(small_graph, share):
    vectors = clustered(5000, 32)
    allowed = np.random.default_rng(1).random(5000) < share
    index, found = index_of(vectors), []
    for query in clustered(50, 32, 7):
        rows, _ = index.nearest(query, 10, allowed)
        assert len(rows) == 10
        assert allowed[rows].all()
        found.append(len(set(rows) & set(by_hand(vectors, query, 10, allowed))))
    assert np.mean(found) / 10 > 0.95


def test_filtered_far_from_the_query_is_found_too(small_graph):
    """What is allowed may all lie on the other side: then everything allowed is compared."""
    vectors = clustered(3000, 16)
    query = clustered(1, 16, 7)[0]
    allowed = np.zeros(3000, dtype=bool)
    allowed[np.argsort(vectors @ query)[:1500]] = True
    rows, _ = index_of(vectors).nearest(query, 10, allowed)
    assert rows.tolist() == by_hand(vectors, query, 10, allowed).tolist()


@pytest.mark.parametrize("n", [100, 1000])
def test_added_replaced_and_removed_live(small_graph, n):
    vectors = unit(n, 16)
    index = index_of(vectors)
    query = unit(1, 16, 9)[0]
    index.add(np.array([n + 5, 2], np.int32), np.stack([query, -query]))
    assert index.nearest(query, 1)[0].tolist() == [n + 5]
    assert len(index) == n + 1
    assert index.products(query, np.array([2, n + 3], np.int32)) == pytest.approx([-1, np.nan], abs=1e-2, nan_ok=True)
    index.remove(np.array([n + 5, n + 7, -1], np.int32))
    assert n + 5 not in index.nearest(query, n + 1)[0]
    assert len(index) == n


def test_rows_that_say_nothing_are_left_out():
    vectors = unit(3, 4)
    vectors[1] = 0
    index = index_of(vectors)
    assert len(index) == 2
    assert sorted(index.nearest(unit(1, 4, 3)[0], 10)[0].tolist()) == [0, 2]
    index.add(np.array([0], np.int32), np.zeros((1, 4), np.float32))
    assert index.nearest(unit(1, 4, 3)[0], 10)[0].tolist() == [2]


def test_an_empty_index_finds_nothing(tmp_path):
    index = VectorIndex(4, MADE_BY)
    assert index.nearest(np.ones(4), 10)[0].tolist() == []
    index.save(tmp_path)
    assert len(VectorIndex.open(tmp_path, MADE_BY)) == 0


@pytest.mark.parametrize("n", [50, 1000])
def test_saved_and_opened_answers_alike(small_graph, tmp_path, n):
    vectors = clustered(n, 16)
    index = index_of(vectors)
    index.add(np.array([n + 2, 1], np.int32), clustered(2, 16, 4))
    index.remove(np.array([0], np.int32))
    index.save(tmp_path)
    opened = VectorIndex.open(tmp_path, MADE_BY)
    for query in clustered(20, 16, 7):
        for mine, its in zip(index.nearest(query, 10), opened.nearest(query, 10), strict=True):
            assert mine.tolist() == its.tolist()
    opened.add(np.array([3, n + 9], np.int32), clustered(2, 16, 8))
    assert len(opened) == n + 1
    opened.save(tmp_path)
    assert len(VectorIndex.open(tmp_path, MADE_BY)) == n + 1
    assert len([one for one in tmp_path.iterdir() if one.is_dir()]) == 1


def test_the_centre_is_kept_with_the_vectors(tmp_path):
    vectors = unit(300, 6) + 1
    centre = Centre.of(vectors, vectors[:50])
    index = VectorIndex.build(np.arange(300, dtype=np.int32), vectors, MADE_BY, centre=centre)
    assert index.vector(7) == pytest.approx(centre.of_goods(vectors)[7], abs=1e-3)
    index.save(tmp_path)
    opened = VectorIndex.open(tmp_path, MADE_BY).centre
    assert opened.goods.tolist() == centre.goods.tolist()
    assert opened.queries.tolist() == centre.queries.tolist()


def test_changes_are_counted():
    vectors, seen = unit(5, 4), []
    index = index_of(vectors)
    for act in (
        lambda: index.add(np.array([1], np.int32), vectors[[2]]),
        lambda: index.add(np.array([1], np.int32), vectors[[2]]),  # the same again
        lambda: index.remove(np.array([1, 9], np.int32)),
        lambda: index.remove(np.array([1], np.int32)),
    ):
        before = index.changes
        act()
        seen.append(index.changes > before)
    assert seen == [True, False, True, False]
    assert index.mean(np.array([0, 2], np.int32)) == pytest.approx((vectors[0] + vectors[2]) / 2, abs=1e-3)


def test_another_encoder_is_refused(tmp_path):
    index_of(unit(5, 4)).save(tmp_path)
    with pytest.raises(NotReady, match=r"test/1.*test/2.*mien build"):
        VectorIndex.open(tmp_path, "test/2")


def test_what_is_not_whole_is_not_opened(small_graph, tmp_path):
    with pytest.raises(NotReady, match="no vector index"):
        VectorIndex.open(tmp_path, MADE_BY)
    index_of(unit(300, 4)).save(tmp_path)
    (version,) = (one for one in tmp_path.iterdir() if one.is_dir())
    for name in ("vectors.f16", "rows.i32", "centre.f32", "about.json"):
        whole = (version / name).read_bytes()
        (version / name).write_bytes(whole[:-3])
        with pytest.raises(NotReady, match="mien build"):
            VectorIndex.open(tmp_path, MADE_BY)
        (version / name).write_bytes(whole)
    about = json.loads((version / "about.json").read_text())
    (version / "graph.usearch").write_bytes(b"")
    with pytest.raises(NotReady, match="mien build"):
        VectorIndex.open(tmp_path, MADE_BY)
    assert about["count"] == 300


def test_a_build_that_is_killed_leaves_the_old_one(tmp_path):
    """Killed at many instants of saving over and over: what is there opens and is one of the two whole states."""
    code = """
        import sys, numpy as np
        from pathlib import Path
        from mien.ranking.vectors import VectorIndex
        folder = Path(sys.argv[1])
        print("ready", flush=True)
        while True:
            for n in (200, 300):
                index = VectorIndex.build(np.arange(n, dtype=np.int32), np.eye(n, 64, dtype=np.float32) + 1, "test/1")
                index.save(folder)
    """
    index_of(np.eye(200, 64, dtype=np.float32) + 1).save(tmp_path)
    for wait in (0.0, 0.013, 0.05):
        worker = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        with worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            signal.sigtimedwait([], wait)
            os.kill(worker.pid, signal.SIGKILL)
        assert len(VectorIndex.open(tmp_path, MADE_BY)) in (200, 300)


def test_without_the_package_every_row_is_compared(small_graph, tmp_path, monkeypatch):
    vectors, query = unit(500, 8), unit(1, 8, 4)[0]
    index_of(vectors).save(tmp_path)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    right = by_hand(vectors, query, 10).tolist()
    for index in (index_of(vectors), VectorIndex.open(tmp_path, MADE_BY)):
        index.add(np.array([700], np.int32), -query[None])
        assert index.nearest(query, 10)[0].tolist() == right


@pytest.mark.parametrize(
    ("rows", "vectors"),
    [([0, 0], np.ones((2, 4))), ([-1], np.ones((1, 4))), ([0], np.ones((1, 3))), ([0], np.full((1, 4), np.nan))],
)
def test_what_cannot_be_meant_is_said(rows, vectors):
    with pytest.raises(UsageError):
        VectorIndex(4, MADE_BY).add(np.array(rows, np.int32), vectors.astype(np.float32))
    with pytest.raises(UsageError):
        VectorIndex(4, MADE_BY).nearest(np.ones(5), 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 12)), max_size=40), st.integers(1, 15))
def test_any_history_ends_where_a_fresh_build_would(acts, k):
    """What was added and removed, in whatever order, is found as in an index made of what is left."""
    vectors, index, left = unit(13, 6), VectorIndex(6, MADE_BY), {}
    for number, (act, row) in enumerate(acts):
        rows = np.array([row], np.int32)
        if act == "add":
            left[row] = vectors[(row + number) % 13]
            index.add(rows, left[row][None])
        else:
            left.pop(row, None)
            index.remove(rows)
    fresh = VectorIndex(6, MADE_BY)
    if left:
        fresh.add(np.array(list(left), np.int32), np.stack(list(left.values())))
    for mine, its in zip(index.nearest(vectors[0], k), fresh.nearest(vectors[0], k), strict=True):
        assert mine.tolist() == its.tolist()
    assert len(index) == len(left)
