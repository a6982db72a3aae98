"""Judged searches: sources read or refused in a sentence, measures by hand, folds kept apart, and the real thing."""

import csv
import json
import zipfile
from itertools import pairwise

import numpy as np
import pytest

from mien.core.errors import SourceError, UnknownName, UsageError
from mien.ranking.query_features import FEATURES, Judge
from mien.ranking.title_features import MATCHES, Texts, match_features, parts
from mien.studies.judged import read_judged
from mien.studies.named import run_study
from mien.studies.search_lists import Lists, discounted, folds_of, learned, tuned

GOODS = ("mug", "hose", "lamp", "drill", "faucet", "rug", "chair", "ladder")
COLOURS = ("red", "blue", "green", "white")


def write_pairs(path, rows, head=("query", "title", "description", "relevance")):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A world whose right order is plain: both words of the query 3, the good alone 2, the colour alone 1."""
    draw, rows = np.random.default_rng(0), []
    for good in GOODS:
        for colour in COLOURS:
            query = f"{colour} {good}"
            other_colour = COLOURS[(COLOURS.index(colour) + 1) % 4]
            other_good = GOODS[(GOODS.index(good) + 1) % 8]
            maker = ("Acme", "Globex", "Initech")[draw.integers(3)]
            rows += [
                (query, f"{maker} {colour} {good} {draw.integers(9)} in.", "", 3),
                (query, f"{maker} {other_colour} {good}", f"with a {other_good}", 2),
                (query, f"{maker} {colour} {other_good}", "", 1),
                (query, f"{maker} plain bucket", "", 1),
            ]
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs.csv", rows)


def list_of(features, gains, starts):
    gains = np.asarray(gains, float)
    ideal = np.array([discounted(gains[a:b]) for a, b in pairwise(starts)])
    relevant = np.array([int((gains[a:b] > 0).sum()) for a, b in pairwise(starts)])
    rows = np.arange(len(gains), dtype=np.int32)
    return Lists(np.array(starts), rows, gains, np.asarray(features, np.float32), ideal, relevant)


# -- sources ----------------------------------------------------------------------------------------------------------


def test_pairs_are_read(pairs):
    judged = read_judged(f"pairs:{pairs}")
    assert len(judged.queries) == 32
    assert judged.relevance[:4].tolist() == [3, 2, 1, 1]
    assert judged.gains[:4].tolist() == [3, 1, 0, 0]
    assert judged.relevant == pytest.approx(1 + 4 / 3)
    assert "with a hose" in judged.texts[judged.row[1]]


def test_home_depot_is_read_from_its_zip(tmp_path):
    text = 'id,product_uid,product_title,search_term,relevance\n1,7,Café table,table,3\n2,8,"Chair, red",table,1.33\n'
    with zipfile.ZipFile(tmp_path / "train.csv.zip", "w") as folder:
        folder.writestr("train.csv", text.encode("latin-1"))
    judged = read_judged(f"homedepot:{tmp_path / 'train.csv.zip'}")
    assert judged.texts == ("Café table", "Chair, red")
    assert judged.relevant == 2.33
    assert judged.gains.tolist() == pytest.approx([2**1.67 - 1, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,title\na,b\n", "no column relevance; the columns are: query, title"),
        ("query,title,relevance\na,b,high\n", "row 2: The relevance “high” is not a number"),
        ("query,title,relevance\na,b,nan\n", "“nan” is not a number"),
        ("query,title,relevance\na,,1\n", "row 2: The query or the title is empty"),
        ("query,title,relevance\n", "no judged pairs"),
        ("", "no column query; the columns are: none"),
        ("query,title,relevance\na,b,2\nc,d,2\n", "Every pair has the relevance 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, said):
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        read_judged(f"pairs:{path}")


def test_files_that_are_none(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        read_judged(f"pairs:{tmp_path / 'missing.csv'}")
    (tmp_path / "bytes.csv").write_bytes(b"query,title,relevance\n\xff\xfe,b,1\n")
    with pytest.raises(SourceError, match="not a CSV file in utf-8"):
        read_judged(f"pairs:{tmp_path / 'bytes.csv'}")
    (tmp_path / "no.zip").write_bytes(b"PK")
    with pytest.raises(SourceError, match="cannot be read"):
        read_judged(f"homedepot:{tmp_path / 'no.zip'}")
    with pytest.raises(UnknownName, match="homedepot:FILE"):
        read_judged("trec:x")


def test_few_queries_are_too_few(tmp_path):
    path = write_pairs(tmp_path / "few.csv", [("a", "b", "", 1), ("a", "c", "", 2)])
    with pytest.raises(UsageError, match="1 queries are too few"):
        run_study("search", {"source": f"pairs:{path}"})
    with pytest.raises(UnknownName, match="task"):
        run_study("search", {"source": f"pairs:{path}", "tasks": ["guess"]})


# -- measures and learning --------------------------------------------------------------------------------------------


def test_measures_by_hand():
    lists = list_of(np.zeros((5, 1)), [3, 1, 0, 0, 1], [0, 3, 5])
    scores = np.array([1.0, 2.0, 3.0, -np.inf, 0.0])
    got = (1 / np.log2(3) + 3 / np.log2(4)) / (3 + 1 / np.log2(3))
    assert lists.ndcg(scores, 0).tolist() == pytest.approx([got, 1.0])
    assert lists.recall(scores, 0, 2).tolist() == [0.5, 1.0]
    assert lists.binary().ndcg(scores, 0)[0] == pytest.approx((1 / np.log2(3) + 0.5) / (1 + 1 / np.log2(3)))
    assert lists.recall(np.array([0, 0, 0, 0, -np.inf]), 0, 5).tolist() == [1.0, 0.0]


def test_ties_fall_at_random():
    lists = list_of(np.zeros((3000, 1)), [1, 0, 0] * 1000, list(range(0, 3001, 3)))
    mean = (1 + 1 / np.log2(3) + 0.5) / 3
    assert np.mean(lists.ndcg(np.zeros(3000), 1)) == pytest.approx(mean, abs=0.02)


def test_nothing_is_learnt_from_the_lists_that_are_judged():
    """The gain of a list is told by a feature that means the opposite in each fold: what is learnt elsewhere fails."""
    pytest.importorskip("lightgbm")
    draw, n = np.random.default_rng(0), 400
    fold = folds_of(n, 2, 0)
    features = draw.random((n * 5, 1))
    sign = np.where(np.repeat(fold, 5) == 0, 1, -1)
    gains = (sign * (features[:, 0] - 0.5) > 0.2).astype(float)
    lists = list_of(features, gains, list(range(0, n * 5 + 1, 5)))
    scores = learned(lists, fold, seed=0, threads=1)
    assert np.nanmean(lists.ndcg(scores, 0)) < np.nanmean(lists.ndcg(np.zeros(n * 5), 0))
    _, weights = tuned(lists, fold, np.zeros(n * 5), features[:, 0].astype(float), 0)
    assert weights[0] == 0.0  # chosen on fold 1, where the feature misleads
    assert weights[1] > 0.0


def test_folds_are_equal_and_drawn():
    fold = folds_of(103, 5, 0)
    assert np.bincount(fold).tolist() == [21, 21, 21, 20, 20]
    assert folds_of(103, 5, 1).tolist() != fold.tolist()


# -- features ---------------------------------------------------------------------------------------------------------


def test_words_numbers_and_units():
    assert parts('10,000 BTU 1/2" 18V 3 feet') == ["10000", "btu", "1/2", "in", "18", "v", "3", "ft"]


def test_features_of_equal_words_by_hand():
    texts = Texts(["Acme red mug 12 oz with lid", "Blue mug", "Lid for mugs", ""])
    asked = texts.asked("red mugs 12 ounces", {})
    found = match_features(texts, asked, np.arange(4, dtype=np.int32))
    column = dict(zip(MATCHES, found.T.tolist(), strict=True))
    assert column["share_held"] == [1.0, 0.25, 0.25, 0.0]
    assert column["all_held"] == [1, 0, 0, 0]
    assert column["numbers_held"] == [1, 0, 0, 0]
    assert column["pairs"] == pytest.approx([1.0, 0, 0, 0])
    assert column["text_words"] == [7, 2, 3, 0]
    assert column["bm25"][0] > column["bm25"][1] > column["bm25"][3] == 0
    assert texts.bm25(asked) == pytest.approx(column["bm25"], rel=1e-5)


def test_the_head_is_what_the_good_is():
    texts = Texts(["Steel lamp shade for ceiling lamp", "Lamp", "20 in. Fan with Remote"])
    assert [texts.words[texts.terms[k, texts.heads[k]]] for k in range(3)] == ["shade", "lamp", "fan"]


def letters(texts, queries):
    """A crude vector that is real enough: how often each letter stands in the text."""
    rows = np.array([[text.lower().count(chr(97 + k)) for k in range(26)] for text in texts], dtype=np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def test_a_misspelt_word_and_one_that_is_two_are_understood():
    titles = [f"Front door lock {k}" for k in range(9)] + [f"Garden hose {k} ft" for k in range(9)]
    judge = Judge(titles, ["doorlock", "gardn hoes", "door"], letters)
    assert judge.asked[0].said == "door lock"
    assert judge.asked[1].said == "garden hose"
    rows = np.array([0, 12], dtype=np.int32)
    for query, best in ((0, 0), (1, 1), (2, 0)):
        features = judge.features(query, rows)
        assert features.shape == (2, len(FEATURES))
        assert np.isfinite(features).all()
        assert features[:, FEATURES.index("bm25")].argmax() == best


@pytest.mark.parametrize("query", ["", "!?", "😀", "zzz", "x" * 5000, "蓝色"])
def test_any_query_has_features(query):
    judge = Judge(["Red mug", "Blue hose", "蓝色杯子", ""], [query], letters)
    assert np.isfinite(judge.features(0, np.arange(4, dtype=np.int32))).all()


# -- whole ------------------------------------------------------------------------------------------------------------


def test_the_document(pairs, tmp_path):
    pytest.importorskip("lightgbm")
    options = {"source": f"pairs:{pairs}", "encoder": "lexical", "folder": str(tmp_path), "ensemble": 1}
    document = run_study("search", options)
    assert json.loads(json.dumps(document)) == document
    rows = {(row["model"], row["task"]): row for row in document["models"]}
    models = {(m, t) for m in ("random", "bm25", "dense", "hybrid", "learned") for t in ("rerank", "retrieve")}
    assert set(rows) == models | {("served", "retrieve"), ("served-learned", "retrieve")}
    assert rows["served-learned", "retrieve"]["recall@10"]["mean"] > 0.9
    against = [one["model"] for one in rows["served-learned", "retrieve"]["against"]]
    assert against == ["bm25", "dense", "hybrid", "served"]
    for row in rows.values():
        figure = row["ndcg@10"]
        assert 0 <= figure["low"] <= figure["mean"] <= figure["high"] <= 1
    assert rows["bm25", "rerank"]["ndcg@10"]["mean"] > rows["random", "rerank"]["ndcg@10"]["mean"] + 0.1
    assert rows["bm25", "retrieve"]["recall@10"]["mean"] > 0.9
    assert rows["random", "retrieve"]["recall@10"]["mean"] < 0.5
    assert [one["model"] for one in rows["learned", "rerank"]["against"]] == ["bm25", "dense", "hybrid"]
    assert run_study("search", options) == document


def beaten(row):
    """Whom a model is above, paired over the same queries, with the whole interval."""
    return {one["model"] for one in row["against"] if one["ndcg@10"]["low"] > 0}


@pytest.mark.slow
def test_home_depot_is_retrieved(shared_data):
    """The real file with a lexical encoder and few queries; with minilm and all of them it takes some ten minutes."""
    pytest.importorskip("lightgbm")
    options = {
        "source": f"homedepot:{shared_data / 'home_depot/train.csv.zip'}",
        "tasks": ["retrieve"],
        "encoder": "lexical",
        "queries": 250,
        "learn_from": 600,
        "threads": 2,
    }
    rows = {row["model"]: row for row in run_study("search", options)["models"]}
    assert rows["random"]["recall@100"]["mean"] < 0.02
    assert rows["bm25"]["recall@100"]["mean"] > 0.73
    assert rows["learned"]["recall@100"]["mean"] > 0.77
    assert beaten(rows["learned"]) >= {"dense"}
