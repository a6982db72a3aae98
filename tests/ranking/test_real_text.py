"""The text index on real Chinese reviews and queries, and on the Home Depot relevance judgements."""

import csv
import io
import zipfile
from collections import defaultdict

import numpy as np
import pytest

from mien.core.item import Catalogue
from mien.core.words import is_han
from mien.ranking.lexical import TextIndex, Tier
from mien.testing.world import items_table


def rows_of(archive, encoding):
    with zipfile.ZipFile(archive) as folder, folder.open(folder.namelist()[0]) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, encoding=encoding, newline=""))


def catalogue_of(column, texts):
    items = items_table([{"item_id": str(k), "title": "", column: text} for k, text in enumerate(texts)])
    return Catalogue.of(items, np.arange(len(texts), dtype=np.int32), len(texts), 0)


@pytest.fixture(scope="module")
def reviews(shared_data):
    texts = [row["review"] for row in rows_of(shared_data / "chinese_reviews/online_shopping_10_cats.zip", "utf-8-sig")]
    return texts[::20]


@pytest.fixture(scope="module")
def index(reviews, tmp_path_factory):
    return TextIndex.build(tmp_path_factory.mktemp("reviews"), catalogue_of("description", reviews))


@pytest.mark.parametrize("letter", list("茶奶鞋裙书店屏硬泵苹"))
def test_every_single_character_is_found(index, reviews, letter):
    assert set(index.search(letter).rows) == {row for row, text in enumerate(reviews) if letter in text}


@pytest.fixture(scope="module")
def wishes(shared_data):
    """5,000 real Chinese shopping queries, used as titles: they read like them."""
    lines = (shared_data / "taobao_queries/queries.tsv").read_text(encoding="utf-8").splitlines()[:5000]
    return [line.split("\t")[1].strip() for line in lines]


def test_any_part_of_a_title_finds_it(wishes, tmp_path):
    """Wherever a run of Chinese is cut, the title it was cut from is among the items that hold all of it."""
    index, draw = TextIndex.build(tmp_path, catalogue_of("title", wishes)), np.random.default_rng(0)
    chinese = [row for row, text in enumerate(wishes) if len(text) >= 4 and all(map(is_han, text))]
    assert len(chinese) > 500
    for row in draw.choice(chinese, 300, replace=False).tolist():
        start = int(draw.integers(0, len(wishes[row]) - 3))
        part = wishes[row][start : start + int(draw.integers(1, 5))]
        matches = index.search(part)
        assert row in matches.rows[matches.tiers > Tier.SOME_WORDS], (part, wishes[row])
        assert row in index.search(wishes[row]).rows[:10]  # and by its whole text, first or among its equals


@pytest.mark.slow
def test_retrieval_of_judged_products(shared_data, tmp_path):
    """Recall@10 of products judged 2.33 or better, over all 54,667 titles, 1,500 queries of a fixed draw.

    The floor is plain stemmed BM25 (.448 by an independent measurement); correction and coverage must add to it.
    """
    titles, relevant = {}, defaultdict(set)
    for row in rows_of(shared_data / "home_depot/train.csv.zip", "latin-1"):
        product = titles.setdefault(row["product_uid"], (len(titles), row["product_title"]))[0]
        if float(row["relevance"]) >= 2.33:
            relevant[row["search_term"]].add(product)
    index = TextIndex.build(tmp_path, catalogue_of("title", [title for _, title in titles.values()]))
    queries = np.random.default_rng(0).choice(sorted(relevant), 1500, replace=False)
    found = [index.search(query, 10).rows for query in queries]
    recall = [
        len(relevant[query] & set(rows.tolist())) / len(relevant[query])
        for query, rows in zip(queries, found, strict=True)
    ]
    assert np.mean(recall) > 0.46
    assert sum(len(rows) == 0 for rows in found) < 15
