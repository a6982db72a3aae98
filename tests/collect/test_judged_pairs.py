"""Judged pairs of a shop: read as they stand, refused in a sentence."""

import pytest

from mien.collect.judged import JudgedPair, read_pairs
from mien.core.errors import SourceError


def written(tmp_path, text):
    path = tmp_path / "judgements.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_name_items_by_id_or_by_title(tmp_path):
    path = written(tmp_path, "query,item_id,title,relevance\n红茶,tea-1,,3\ngreen tea,,Green tea leaves,1.5\n")
    assert read_pairs(path) == [
        JudgedPair("红茶", "tea-1", "", 3.0),
        JudgedPair("green tea", "", "Green tea leaves", 1.5),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,item_id\na,b\n", "no column relevance"),
        ("query,relevance\na,1\n", "no column item_id or title"),
        ("query,item_id,relevance\n", "no judged pairs"),
        ("query,item_id,relevance\na,b,2\na,c,2\n", "Every pair has the relevance 2"),
        ("query,item_id,relevance\na,b,good\n", "“good” is not a number"),
        ("query,item_id,relevance\n,b,2\n", "The query"),
        ("query,item_id,relevance\na, ,2\n", "item_id and title, are empty"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, text, said):
    with pytest.raises(SourceError, match=said):
        read_pairs(written(tmp_path, text))
