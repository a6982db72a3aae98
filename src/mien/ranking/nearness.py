"""Nearness in meaning: what lies near a query in the space of a content encoder, and what that adds to a score.

It moves items inside a tier of text matches and fills up where the words find few; it lifts nothing over a tier, since
no single sum of words and vectors kept both exact hits and likeness (docs/hybrid.md).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Lock

import numpy as np
import numpy.typing as npt

from mien.core.errors import NotReady
from mien.core.ids import Rows
from mien.core.item import Catalogue, Item
from mien.models.content.encoder import Encoder, Vectors
from mien.models.content.texts import item_text
from mien.ranking.blend import Term
from mien.ranking.lexical import ENOUGH, Matches, Tier
from mien.ranking.shelf import Context
from mien.ranking.vectors import VectorIndex
from mien.ranking.wording import say

NEAREST = 200
"""How many of the nearest items span the scale: the last of them is worth 0, the first one 1."""
REMEMBERED = 4096
"""Queries whose vectors are kept in memory: 6 MB of 384 numbers each."""


class Nearness:
    """The vectors of the goods and the encoder that reads queries alike; safe for several threads.

    `encoder`: called at the first query, so that a shop opens without loading a model. Cost of a query: reading it
    (milliseconds, docs/hybrid.md), once; then the search of the index.
    """

    def __init__(self, index: VectorIndex, encoder: Callable[[], Encoder]) -> None:
        self.index = index
        self._open = encoder
        self._encoder: Encoder | None = None
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    def vector(self, text: str) -> Vectors:
        """`(dim,) float32` of a query. `NotReady` where another encoder made the vectors of the goods."""
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
            encoder = self._opened()
        vector: Vectors = encoder.encode([text], kind="query")[0]
        with self._lock:
            self._known[text] = vector
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return vector

    def _opened(self) -> Encoder:
        if self._encoder is None:
            encoder = self._open()
            if encoder.version != self.index.made_by:
                raise NotReady(
                    f"The vectors of the goods were made by {self.index.made_by}, queries are read by "
                    f"{encoder.version}. Run: mien build"
                )
            self._encoder = encoder
        return self._encoder

    def upsert(self, catalogue: Catalogue, rows: Iterable[int]) -> None:
        """Bring these item rows up to date: new, changed, or withdrawn (no longer known in the catalogue).

        The next search sees it; `index.save` makes it last. Cost: reading the texts (docs/content.md).
        """
        changed = np.unique(np.fromiter(rows, dtype=np.int32))
        texts = [_said(catalogue.item(row)) for row in changed.tolist()]
        with self._lock:
            encoder = self._opened()
        self.index.add(changed, encoder.encode(texts))

    def nearest(self, text: str, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Rows, Vectors]:
        """The k items nearest to a query and their cosines, best first; none for a text without content."""
        vector = self.vector(text)
        if not vector.any():
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        return self.index.nearest(vector, k, allowed)

    def like(self, row: int, k: int) -> tuple[Rows, Vectors]:
        """The k items nearest to an item and their cosines, best first, without itself; none where it says nothing."""
        vector = self.index.vector(row)
        if vector is None or not vector.any():
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        rows, cosines = self.index.nearest(vector, k + 1)
        others = rows != row
        return rows[others][:k], cosines[others][:k]


def _said(item: Item | None) -> str:
    """What an item says of itself; a title that is its id stands in for a missing one and says nothing."""
    if item is None:
        return ""
    return item_text(replace(item, title="") if item.title == item.item_id else item)


def with_nearest(text: str, matches: Matches, allowed: npt.NDArray[np.bool_], context: Context) -> Matches:
    """The matches, and where these are fewer than ten the nearest by meaning, in a tier below all of them."""
    vectors, room = context.shelf.vectors, context.options.nearest
    if vectors is None or not room or len(matches) >= ENOUGH:
        return matches
    near, _ = vectors.nearest(matches.corrected or text, room, allowed)
    fresh = near[~np.isin(near, matches.rows)]
    return Matches(
        np.concatenate([matches.rows, fresh]).astype(np.int32),
        np.concatenate([matches.scores, np.zeros(len(fresh))]),
        np.concatenate([matches.tiers, np.full(len(fresh), Tier.NO_WORD, dtype=np.int8)]),
        matches.total + len(fresh),
        matches.corrected,
    )


def meaning_terms(text: str, matches: Matches, context: Context) -> tuple[Term, ...]:
    """`meaning`: (cosine − that of the 200th nearest) / (that of the nearest − that of the 200th), 0 … 1; or nothing.

    Whatever the encoder, its cosines come to one scale so. Of very many matches the best by words are compared
    (`meaning_candidates`), and all that are among the nearest.
    """
    vectors, weight = context.shelf.vectors, context.options.meaning
    if vectors is None or not weight or not len(matches):
        return ()
    said = matches.corrected or text
    near, cosine = vectors.nearest(said, NEAREST)
    if len(near) < 2 or cosine[0] <= cosine[-1]:
        return ()
    held = np.flatnonzero((np.arange(len(matches)) < context.options.meaning_candidates) | np.isin(matches.rows, near))
    found = np.full(len(matches), np.nan)
    found[held] = vectors.index.products(vectors.vector(said), matches.rows[held])
    share = scaled(found, float(cosine[-1]), float(cosine[0]))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "meaning", cosine=f"{found[k]:.2f}"), ()

    return (Term("meaning", weight * share, explain, columns={"meaning": share}),)


def scaled(cosines: npt.ArrayLike, lowest: float, highest: float) -> npt.NDArray[np.float64]:
    """Cosines on the scale 0 … 1 from `lowest` to `highest`; 0 where there is none."""
    share = (np.asarray(cosines, dtype=np.float64) - lowest) / max(highest - lowest, 1e-9)
    return np.clip(np.nan_to_num(share), 0.0, 1.0)
