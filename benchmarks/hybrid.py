"""What meaning adds to the search that is served: tiers of words, BM25, nearness, as a shop has them, on Home Depot.

python benchmarks/hybrid.py FILE [--folder KEPT] [--queries 1500] [--seed 0] [--encoder minilm]

FILE: the training file of the competition (a .zip will do). The learned ranker is measured by `mien study search`.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from mien.core.item import Catalogue
from mien.models.content.cache import VectorCache
from mien.models.content.encoder import Encoder, Vectors
from mien.models.content.named import encoder_named
from mien.models.content.options import ContentSettings
from mien.models.content.texts import text_vectors
from mien.ranking.blend import Blend
from mien.ranking.lexical import TextIndex
from mien.ranking.nearness import Nearness, centre_of, meaning_terms, with_nearest
from mien.ranking.options import RankingOptions
from mien.ranking.shelf import Context, Shelf
from mien.ranking.terms import text_terms
from mien.ranking.vectors import VectorIndex
from mien.studies.judged import Judged, read_judged
from mien.studies.metrics import bootstrap_mean, hit_matrix, ndcg_at, recall_at
from mien.testing.world import items_table

WEIGHTS = (0.0, 0.2, 0.35, 0.5, 0.7, 1.0)
SHOWN = 100


def catalogue_of(texts: tuple[str, ...]) -> Catalogue:
    items = items_table([{"item_id": str(k), "title": text} for k, text in enumerate(texts)])
    return Catalogue.of(items, np.arange(len(texts), dtype=np.int32), len(texts), 0)


def sample(judged: Judged, n: int, seed: int) -> dict[str, list[int]]:
    """Query → rows that count as found, for a random sample: that of the study, for the same seed."""
    relevant: dict[str, list[int]] = {}
    for query, row, grade in zip(judged.query, judged.row, judged.relevance, strict=True):
        if grade >= judged.relevant:
            relevant.setdefault(judged.queries[query], []).append(int(row))
    drawn = np.random.default_rng(seed).permutation(np.array(sorted(relevant), dtype=object))[:n]
    return {query: relevant[query] for query in drawn}


def served(text: str, context: Context, weight: float, *, tiers: bool) -> list[int]:
    """The first 100 rows for a query; without weight nothing follows by meaning."""
    index = context.shelf.index
    assert index is not None
    options = RankingOptions(meaning=weight) if weight else RankingOptions(meaning=0.0, nearest=0)
    context = replace(context, options=options)
    everything = np.ones(len(context.shelf.catalogue), dtype=np.bool_)
    matches = with_nearest(text, index.search(text, context.options.candidates), everything, context)
    terms = [term for term in text_terms(matches, context) if tiers or term.kind != "tier"]
    blend = Blend(matches.rows, (*terms, *meaning_terms(text, matches, context)))
    order = np.argsort(-blend.scores, kind="stable")[:SHOWN]
    return cast(list[int], matches.rows[order].tolist())


def _index(vectors: Vectors, texts: tuple[str, ...], encoder: Encoder) -> VectorIndex:
    centre = centre_of(vectors, texts, encoder)
    return VectorIndex.build(np.arange(len(vectors), dtype=np.int32), vectors, encoder.version, centre=centre)


def figures(lists: list[list[int]], truth: list[list[int]], seed: int) -> str:
    """NDCG@10, recall@10, recall@100 with their intervals."""
    items = np.full((len(lists), SHOWN), -1)
    for k, rows in enumerate(lists):
        items[k, : len(rows)] = rows
    users = np.repeat(np.arange(len(truth)), [len(rows) for rows in truth])
    hits = hit_matrix(items, users, np.concatenate([np.array(rows) for rows in truth]))
    relevant = np.array([len(rows) for rows in truth])
    measured: list[Any] = [ndcg_at(hits, relevant), recall_at(hits, relevant), recall_at(hits, relevant, 100)]
    told = [bootstrap_mean(values, seed=seed) for values in measured]
    return " | ".join(f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in told)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file")
    arguments.add_argument("--folder", type=Path, help="where vectors and exported encoders are kept")
    arguments.add_argument("--queries", type=int, default=1500)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--encoder", default="minilm")
    asked = arguments.parse_args()
    judged = read_judged(f"homedepot:{asked.file}")
    catalogue = catalogue_of(judged.texts)
    with tempfile.TemporaryDirectory() as passing:
        folder = asked.folder or Path(passing)
        encoder = encoder_named(ContentSettings(encoder=asked.encoder, threads=1), folder=folder)
        vectors = text_vectors(list(judged.texts), encoder, VectorCache(folder / "cache"))
        meaning = Nearness(_index(vectors, judged.texts, encoder), lambda: encoder)
        index = TextIndex.build(Path(passing) / "text", catalogue)
        shelf = Shelf(catalogue, cast(Any, None), index, vectors=meaning)
        queries = sample(judged, asked.queries, asked.seed)
        print(f"{len(queries)} queries, {len(catalogue)} texts, {encoder.version}\n")
        print("| tiers | weight of meaning | NDCG@10 | recall@10 | recall@100 | p50, ms |\n|---|---|---|---|---|---|")
        for tiers in (True, False):
            for weight in WEIGHTS:
                lists, times = [], []
                for query in queries:
                    begin = time.process_time()
                    lists.append(served(query, Context(shelf, 0), weight, tiers=tiers))
                    times.append(1000 * (time.process_time() - begin))
                told = figures(lists, list(queries.values()), asked.seed)
                print(f"| {'yes' if tiers else 'no'} | {weight:g} | {told} | {np.median(times):.1f} |", flush=True)


if __name__ == "__main__":
    main()
