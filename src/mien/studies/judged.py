"""Judged searches: queries, texts, and how well people found each text to answer the query."""

import csv
import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

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
    for place, row in _rows(path, encoding, wanted):
        query, product, text, relevance = read(row)
        if not query.strip() or not text.strip(" -"):
            raise SourceError("The query or the title is empty.", path=path.name, row=place)
        if product not in products:
            products[product] = len(products)
            texts.append(text)
        at = (queries.setdefault(query, len(queries)), products[product], _number(relevance, path, place))
        found.append(at)
    if not found:
        raise SourceError("There are no judged pairs in this file.", path=path.name)
    query_at, row_at, values = zip(*found, strict=True)
    grades = np.array(values, dtype=np.float64)
    if grades.min() == grades.max():
        raise SourceError(
            "Every pair has the relevance {grades:g}; there is nothing to rank.", grades=grades[0], path=path.name
        )
    if relevant is None:
        share = float(grades.min() + RELEVANT_SHARE * (grades.max() - grades.min()))
        relevant = HOME_DEPOT_RELEVANT if kind == "homedepot" else share - 1e-9
    return Judged(tuple(queries), tuple(texts), np.array(query_at), np.array(row_at, dtype=np.int32), grades, relevant)


def _home_depot(row: Mapping[str, str]) -> tuple[str, tuple[str, ...], str, str]:
    return row["search_term"], (row["product_uid"],), row["product_title"], row["relevance"]


def _pair(row: Mapping[str, str]) -> tuple[str, tuple[str, ...], str, str]:
    title, more = row["title"], (row.get("description") or "").strip()
    return row["query"], (title, more), f"{title} - {more}" if more else title, row["relevance"]


def _rows(path: Path, encoding: str, wanted: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line of the file and cells."""
    with _opened(path) as raw:
        reader = csv.DictReader(io.TextIOWrapper(raw, encoding=encoding, newline=""))
        try:
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                there = ", ".join(reader.fieldnames or ()) or "none"
                raise SourceError(
                    "There is no column {missing}; the columns are: {there}.",
                    missing=missing[0],
                    there=there,
                    path=path.name,
                )
            for row in reader:
                yield reader.line_num, {name: value or "" for name, value in row.items() if isinstance(name, str)}
        except (UnicodeDecodeError, csv.Error) as wrong:
            raise SourceError(
                "This is not a CSV file in {encoding}: {wrong}.", encoding=encoding, wrong=wrong, path=path.name
            ) from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if path.suffix.lower() != ".zip":
            with path.open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(path) as folder:
            names = [name for name in folder.namelist() if name.lower().endswith(".csv")]
            if len(names) != 1:
                raise SourceError("A .zip must hold one CSV file, not {n_names}.", n_names=len(names), path=path.name)
            with folder.open(names[0]) as inside:
                yield inside
    except (OSError, zipfile.BadZipFile) as wrong:
        why = getattr(wrong, "strerror", None) or str(wrong)
        raise SourceError("The file of judged pairs cannot be read: {why}.", why=why, path=str(path)) from wrong


def _number(text: str, path: Path, place: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError("The relevance “{text}” is not a number.", text=text, path=path.name, row=place)
    return value
