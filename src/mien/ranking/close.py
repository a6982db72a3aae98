"""Close reading: how the texts of the best candidates answer a query, word by word. What judgements teach to weigh.

It is done where a ranker was learnt that looks at it, for the `READ` candidates that are best before it; the others
keep what words and meaning say of them, and are measured as if nothing more were known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.ids import Rows
from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.ranking.blend import Blend, Term
from mien.ranking.letters import Letters
from mien.ranking.shelf import Context
from mien.ranking.title_features import LATE, MATCHES, Asked, Held, Texts, late, match_features
from mien.ranking.wording import say

Floats = npt.NDArray[np.float64]
READ = 200
"""Candidates that are read; and so many are gathered, by fewer words and by meaning, where fewer hold every word."""
WORDS = {
    "bm25": "words.rare",
    "share_held": "words.share",
    "pairs": "words.pairs",
    "in_order": "words.order",
    "numbers_held": "words.numbers",
}
"""Feature of equal words → measure."""
SPELLING = {"nearest": "spelling.nearest", "weakest": "spelling.weakest", "back": "spelling.back"}
"""Feature of nearly equal words → measure."""
KINDS = ("words", "spelling")


@dataclass(frozen=True, eq=False)
class CloseReading:
    """The goods' texts, cut into words once. `spelt (words, pieces)`: the letters of each word."""

    texts: Texts
    letters: Letters
    spelt: sp.csr_array

    @classmethod
    def of(cls, catalogue: Catalogue) -> "CloseReading":
        """Cost: some 100 µs an item; 4 bytes a word and item of the longest text (40 words are read)."""
        texts = Texts([said_of(catalogue, row) for row in range(len(catalogue))])
        letters = Letters.of(texts.surface)
        return cls(texts, letters, letters.rows(texts.surface))

    def with_rows(self, catalogue: Catalogue, rows: Sequence[int]) -> "CloseReading":
        """The same for a catalogue that differs in some rows; this one stays as it is."""
        texts = self.texts.with_rows(rows, [said_of(catalogue, row) for row in rows], len(catalogue))
        new = self.letters.rows(texts.surface[len(self.texts.surface) :])
        return CloseReading(texts, self.letters, sp.csr_array(sp.vstack([self.spelt, new])))

    def asked(self, said: str) -> Asked:
        """A query in the words of these texts."""
        return self.texts.asked(said, {})

    def columns(self, asked: Asked, rows: Rows) -> dict[str, Floats]:
        """Measure → `(n,)` of each row. Cost: some ms for 200 rows of titles."""
        words = match_features(self.texts, asked, rows).astype(np.float64)
        found = {measure: words[:, MATCHES.index(name)] for name, measure in WORDS.items()}
        near = self._spelling(asked, rows).astype(np.float64)
        return found | {measure: near[:, LATE.index(name)] for name, measure in SPELLING.items()}

    def _spelling(self, asked: Asked, rows: Rows) -> npt.NDArray[np.float32]:
        if not len(asked.terms) or not len(rows):
            return np.zeros((len(rows), len(LATE)), dtype=np.float32)
        held = Held.of(self.texts, rows)
        near = self.letters.rows(asked.words) @ self.spelt[held.words].T
        return late(near.toarray(), self.texts.idf[asked.terms], held, asked)


def said_of(catalogue: Catalogue, row: int) -> str:
    """What is read of an item: its title, and behind a dash brand, colour, category and description."""
    path = (catalogue.category[row] or "").replace(CATEGORY_SEPARATOR, ", ")
    more = (catalogue.brand[row], catalogue.colour[row], path, catalogue.description[row])
    return " - ".join([catalogue.title[row], *([", ".join(filter(None, more))] if any(more) else [])])


def close_terms(blend: Blend, said: str, context: Context) -> Iterator[Term]:
    """`words` and `spelling` of the best candidates of a blend. Add something once it was learnt what."""
    reading = context.shelf.close
    if reading is None or not said or not len(blend.rows):
        return
    asked = reading.asked(said)
    read = np.sort(np.argsort(-blend.scores, kind="stable")[:READ])
    columns = {}
    for name, values in reading.columns(asked, blend.rows[read]).items():
        columns[name] = np.zeros(len(blend.rows))
        columns[name][read] = values
    shown = {
        "words": np.rint(columns["words.share"] * len(asked.terms)).astype(int),
        "spelling": np.rint(columns["spelling.nearest"] * 100).astype(int),
    }
    for kind in KINDS:

        def explain(k: int, kind: str = kind) -> tuple[str, tuple[str, ...]]:
            return say(context.language, kind, n=shown[kind][k], of=len(asked.terms)), ()

        own = {name: column for name, column in columns.items() if name.startswith(f"{kind}.")}
        yield Term(kind, np.zeros(len(blend.rows)), explain, own.copy)
