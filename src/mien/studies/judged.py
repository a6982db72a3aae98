"""Judged searches: queries, texts, and how well people found each text to answer the query."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.collect.judged import check_grades, relevance_of, rows_of
from mien.core.errors import SourceError, UnknownName

HOME_DEPOT = ("product_uid", "product_title", "search_term", "relevance")
PAIRS = ("query", "title", "relevance")
HOME_DEPOT_RELEVANT = 2.33
"""Two of three judges said “perfect match” or as good as that."""
RELEVANT_SHARE = 2 / 3
"""Where, between the lowest and the highest relevance of a file of pairs, a text counts as relevant."""


@dataclass(frozen=True, eq=False)
class Judged:
    """`query`, `row`, `relevance (n,)`: the judged pairs, into `queries` and `texts`; texts are the whole catalogue.

    `relevant`: the relevance from which on a text counts as found.
    """

    queries: tuple[str, ...]
    texts: tuple[str, ...]
    query: npt.NDArray[np.int64]
    row: npt.NDArray[np.int32]
    relevance: npt.NDArray[np.float64]
    relevant: float

    @property
    def gains(self) -> npt.NDArray[np.float64]:
        """2^(relevance − the lowest) − 1."""
        return np.asarray(2.0 ** (self.relevance - self.relevance.min()) - 1.0)


def read_judged(source: str, relevant: float | None = None) -> Judged:
    """What `homedepot:FILE` or `pairs:FILE` holds; a CSV file may be the only one in a .zip.

    homedepot: the training file of the Home Depot product search relevance competition (latin-1). pairs: columns
    query, title, relevance and, if there is one, description, in UTF-8. Raises `SourceError` for a column that is
    missing, a relevance that is no number, a file without pairs or without two different relevances.
    """
    kind, sign, name = source.partition(":")
    if not sign or kind not in ("homedepot", "pairs"):
        raise UnknownName("source of the study search", source, ["homedepot:FILE", "pairs:FILE"])
    path = Path(name)
    wanted, encoding = (HOME_DEPOT, "latin-1") if kind == "homedepot" else (PAIRS, "utf-8-sig")
    read = _home_depot if kind == "homedepot" else _pair
    queries: dict[str, int] = {}
    products: dict[tuple[str, ...], int] = {}
    texts, found = [], []
    for place, row in rows_of(path, encoding, wanted):
        query, product, text, relevance = read(row)
        if not query.strip() or not text.strip(" -"):
            raise SourceError("The query or the title is empty.", path=path.name, row=place)
        if product not in products:
            products[product] = len(products)
            texts.append(text)
        at = (queries.setdefault(query, len(queries)), products[product], relevance_of(relevance, path, place))
        found.append(at)
    check_grades([value for _, _, value in found], path)
    query_at, row_at, values = zip(*found, strict=True)
    grades = np.array(values, dtype=np.float64)
    if relevant is None:
        share = float(grades.min() + RELEVANT_SHARE * (grades.max() - grades.min()))
        relevant = HOME_DEPOT_RELEVANT if kind == "homedepot" else share - 1e-9
    return Judged(tuple(queries), tuple(texts), np.array(query_at), np.array(row_at, dtype=np.int32), grades, relevant)


def _home_depot(row: Mapping[str, str]) -> tuple[str, tuple[str, ...], str, str]:
    return row["search_term"], (row["product_uid"],), row["product_title"], row["relevance"]


def _pair(row: Mapping[str, str]) -> tuple[str, tuple[str, ...], str, str]:
    title, more = row["title"], (row.get("description") or "").strip()
    return row["query"], (title, more), f"{title} - {more}" if more else title, row["relevance"]
