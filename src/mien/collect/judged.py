"""Judged pairs: a query, an item, and how well people found it to answer; files of them, as they come."""

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mien.core.errors import SourceError

QUERY, ITEM_ID, TITLE, RELEVANCE = "query", "item_id", "title", "relevance"


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """One line of a shop's file. `item_id`, `title`: empty where not told; one of them is."""

    query: str
    item_id: str
    title: str
    relevance: float


def read_pairs(path: Path) -> list[JudgedPair]:
    """A CSV file (the only one of a .zip will do) with the columns query, relevance, and item_id or title; UTF-8.

    Raises `SourceError` for a column that is missing, a relevance that is no number, an empty query, a line that names
    no item, a file without pairs or without two different relevances.
    """
    found = []
    for place, row in rows_of(path, "utf-8-sig", (QUERY, RELEVANCE), (ITEM_ID, TITLE)):
        query, item_id, title = (row.get(name, "").strip() for name in (QUERY, ITEM_ID, TITLE))
        if not query or not (item_id or title):
            raise SourceError("The query, or both item_id and title, are empty.", path=path.name, row=place)
        found.append(JudgedPair(query, item_id, title, relevance_of(row[RELEVANCE], path, place)))
    check_grades([pair.relevance for pair in found], path)
    return found


def check_grades(relevance: list[float], path: Path) -> None:
    """`SourceError` where there is nothing, or nothing but equals, to learn from or to judge by."""
    if not relevance:
        raise SourceError("There are no judged pairs in this file.", path=path.name)
    if min(relevance) == max(relevance):
        raise SourceError(
            "Every pair has the relevance {grades:g}; there is nothing to rank.", grades=relevance[0], path=path.name
        )


def rows_of(
    path: Path, encoding: str, wanted: tuple[str, ...], either: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line of the file and cells; `SourceError` without all of the columns `wanted` and one of `either`."""
    with _opened(path) as raw:
        reader = csv.DictReader(io.TextIOWrapper(raw, encoding=encoding, newline=""))
        try:
            held = reader.fieldnames or ()
            missing = [name for name in wanted if name not in held]
            if not missing and either and not set(either) & set(held):
                missing = [" or ".join(either)]
            if missing:
                there = ", ".join(held) or "none"
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


def relevance_of(text: str, path: Path, place: int) -> float:
    """The number of a cell; `SourceError` for what is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError("The relevance “{text}” is not a number.", text=text, path=path.name, row=place)
    return value
