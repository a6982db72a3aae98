"""A shop's judgements: its file of judged pairs, matched to its items, as what a ranker learns from."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.collect.judged import JudgedPair, read_pairs
from mien.core.errors import SourceError
from mien.core.item import Catalogue
from mien.core.words import normalise
from mien.ranking.judged import LEAST, JudgedQuery, grades_of


@dataclass(frozen=True, eq=False)
class Judgements:
    """`asked`: the queries with what was judged for each. `pairs`: how many the file has, `unknown` of other items."""

    asked: list[JudgedQuery]
    pairs: int
    unknown: int

    @property
    def note(self) -> str:
        """What of the file is not learnt from."""
        return f"{self.unknown:,} of {self.pairs:,} judged pairs are of items that this shop does not have"


def read_judgements(path: Path, catalogue: Catalogue) -> Judgements:
    """The pairs of a file whose items are known, by id or else by title (all that are called so), grades from 0 to 1.

    Raises what `collect.judged.read_pairs` raises, and `SourceError` where too few queries have a good answer among
    the shop's items.
    """
    pairs = read_pairs(path)
    rows_of = _Named(catalogue)
    lowest, highest = (which(pair.relevance for pair in pairs) for which in (min, max))
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    unknown = 0
    for pair in pairs:
        rows = rows_of(pair)
        unknown += not rows
        found[normalise(pair.query)] += [(row, (pair.relevance - lowest) / (highest - lowest)) for row in rows]
    asked = [_asked(text, judged) for text, judged in found.items() if judged]
    good = sum(bool(one.labels.any()) for one in asked)
    if good < LEAST:
        raise SourceError(
            "{good} queries of this file have a good answer among the shop's items; {least} are needed to learn from "
            "({unknown:,} of {pairs:,} pairs name items that are not known).",
            good=good,
            least=LEAST,
            unknown=unknown,
            pairs=len(pairs),
            path=path.name,
        )
    return Judgements(asked, len(pairs), unknown)


def _asked(text: str, judged: list[tuple[int, float]]) -> JudgedQuery:
    rows, grades = zip(*judged, strict=True)
    return JudgedQuery(text, *grades_of(np.array(rows, dtype=np.int32), np.array(grades)))


class _Named:
    """Rows of the items that a pair names."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._ids: dict[str, int] = {}
        self._titles: dict[str, list[int]] = defaultdict(list)
        for row in np.flatnonzero(catalogue.known).tolist():
            self._ids[catalogue.item_id[row] or ""] = row
            self._titles[normalise(catalogue.title[row])].append(row)

    def __call__(self, pair: JudgedPair) -> list[int]:
        if pair.item_id:
            return [self._ids[pair.item_id]] if pair.item_id in self._ids else []
        return self._titles.get(normalise(pair.title), [])
