"""Nearness in meaning: what lies near a query in the space of a content encoder, and what that adds to a score.

It moves items inside a tier of text matches and fills up where few hold every word; it lifts nothing over a tier, since
no single sum of words and vectors kept both exact hits and likeness (docs/hybrid.md).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
import numpy.typing as npt

from mien.core.errors import NotReady
from mien.core.ids import Rows
from mien.core.item import Catalogue, Item
from mien.core.vectors import unit
from mien.core.words import normalise
from mien.models.content.cache import Remembering, VectorCache
from mien.models.content.encoder import Encoder, Vectors
from mien.models.content.texts import item_text
from mien.ranking.blend import Term
from mien.ranking.centre import Centre, made_up
from mien.ranking.close import READ
from mien.ranking.lexical import Matches, Tier
from mien.ranking.shelf import Context
from mien.ranking.vectors import VectorIndex
from mien.ranking.wording import say

NEAREST = 200
"""How many of the nearest items span the scale: the last of them is worth 0, the first one 1."""
FEEDBACK = 30
"""How many of the nearest items speak for what a query means."""
SWAY = 0.25
"""How much their mean counts beside the query."""
REMEMBERED = 4096
"""Queries whose meaning is kept in memory: 19 MB of 384 numbers and 200 items each."""


@dataclass(frozen=True, eq=False)
class Meant:
    """What a query means: `vector (dim,)` of length 1, of zeros where it says nothing; `rows`, `cosines`: the 200 items
    nearest to it, best first. `read`: as the encoder gave it; `changes`: the state of the index it was found in."""

    vector: Vectors
    rows: Rows
    cosines: Vectors
    read: Vectors
    changes: int


class Nearness:
    """The vectors of the goods and the encoder that reads queries alike; safe for several threads.

    `encoder`: called at the first query, so that a shop opens without loading a model. Cost of a query: reading it
    (milliseconds, docs/hybrid.md), once; then the search of the index.
    """

    def __init__(self, index: VectorIndex, encoder: Callable[[], Encoder]) -> None:
        self.index = index
        self._open = encoder
        self._encoder: Encoder | None = None
        self._known: OrderedDict[str, Meant] = OrderedDict()
        self._lock = Lock()

    def meant(self, text: str) -> Meant:
        """What a query means, found anew where goods have changed; it is read by the encoder once.

        Its vector, without what all queries share, moves towards the mean of its nearest items, so that what is like
        several good answers counts (Rocchio's feedback, 1971, without judgements). `NotReady` where another encoder
        made the vectors of the goods.
        """
        text = normalise(text)
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
                if known.changes == self.index.changes:
                    return known
            encoder = self._opened()
        read = encoder.encode([text], kind="query")[0] if known is None else known.read
        found = self._found(read)
        with self._lock:
            self._known[text] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _found(self, read: Vectors) -> Meant:
        changes = self.index.changes
        vector = self.index.centre.of_query(read)
        if not vector.any():
            return Meant(vector, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32), read, changes)
        first, _ = self.index.nearest(vector, FEEDBACK)
        if len(first):
            vector = unit(vector + SWAY * self.index.mean(first))
        return Meant(vector, *self.index.nearest(vector, NEAREST), read, changes)

    def _opened(self) -> Encoder:
        if self._encoder is None:
            encoder = self._open()
            if encoder.version != self.index.made_by:
                raise NotReady(
                    "The vectors of the goods were made by {made_by}, queries are read by {version}. Run: mien build",
                    made_by=self.index.made_by,
                    version=encoder.version,
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
        self.index.add(changed, self.index.centre.of_goods(encoder.encode(texts)))

    def nearest(self, text: str, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Rows, Vectors]:
        """The k items nearest to a query and their cosines, best first; none for a text without content.

        Where the first k of all are allowed these are they, and nothing is searched again.
        """
        meant = self.meant(text)
        first = meant.rows[:k]
        if not meant.vector.any() or (len(first) == k and (allowed is None or allowed[first].all())):
            return first, meant.cosines[:k]
        return self.index.nearest(meant.vector, k, allowed)

    def like(self, row: int, k: int) -> tuple[Rows, Vectors]:
        """The k items nearest to an item and their cosines, best first, without itself; none where it says nothing."""
        vector = self.index.vector(row)
        if vector is None or not vector.any():
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        rows, cosines = self.index.nearest(vector, k + 1)
        others = rows != row
        return rows[others][:k], cosines[others][:k]


def centre_of(vectors: Vectors, texts: Sequence[str], encoder: Encoder, cache: VectorCache | None = None) -> Centre:
    """The centre of goods' vectors `(n, dim)`, and of queries as their texts could answer. Cost: 500 queries read."""
    asked = made_up(texts)
    if not asked:
        return Centre.of(vectors, vectors[:0])
    read = encoder if cache is None else Remembering(encoder, cache)
    return Centre.of(vectors, read.encode(asked, kind="query"))


def _said(item: Item | None) -> str:
    """What an item says of itself; a title that is its id stands in for a missing one and says nothing."""
    if item is None:
        return ""
    return item_text(replace(item, title="") if item.title == item.item_id else item)


def counts(text: str, context: Context) -> bool:
    """Whether nearness counts for a query."""
    return context.shelf.vectors is not None and context.options.meaning_for(text) > 0


def with_nearest(text: str, matches: Matches, allowed: npt.NDArray[np.bool_], context: Context) -> Matches:
    """The matches, and where fewer than `nearest` hold every word so many of the nearest by meaning below these."""
    vectors, room = context.shelf.vectors, context.options.nearest
    if context.shelf.close is not None and room:
        room = max(room, READ)
    matches = replace(matches, mixed=counts(matches.corrected or text, context))
    if vectors is None or np.count_nonzero(matches.tiers >= Tier.ALL_WORDS) >= room:
        return matches
    near, _ = vectors.nearest(matches.corrected or text, room, allowed)
    fresh = near[~np.isin(near, matches.rows)]
    return replace(
        matches,
        rows=np.concatenate([matches.rows, fresh]).astype(np.int32),
        scores=np.concatenate([matches.scores, np.zeros(len(fresh))]),
        tiers=np.concatenate([matches.tiers, np.full(len(fresh), Tier.NO_WORD, dtype=np.int8)]),
        total=matches.total + len(fresh),
    )


def meaning_terms(text: str, matches: Matches, context: Context) -> tuple[Term, ...]:
    """`meaning`: (cosine − that of the 200th nearest) / (that of the nearest − that of the 200th), 0 … 1; or nothing.

    Whatever the encoder, its cosines come to one scale so. Of very many matches the best by words are compared
    (`meaning_candidates`), and all that are among the nearest.
    """
    said = matches.corrected or text
    vectors, weight = context.shelf.vectors, context.options.meaning_for(said)
    if vectors is None or not weight or not len(matches):
        return ()
    meant = vectors.meant(said)
    near, cosine = meant.rows, meant.cosines
    if len(near) < 2 or cosine[0] <= cosine[-1]:
        return ()
    held = np.flatnonzero((np.arange(len(matches)) < context.options.meaning_candidates) | np.isin(matches.rows, near))
    found = np.full(len(matches), np.nan)
    found[held] = vectors.index.products(meant.vector, matches.rows[held])
    share = scaled(found, float(cosine[-1]), float(cosine[0]))

    def explain(k: int) -> tuple[str, tuple[str, ...]]:
        return say(context.language, "meaning", cosine=f"{found[k]:.2f}"), ()

    columns = {"meaning": share}
    if context.shelf.close is not None:
        columns["meaning.cosine"] = np.nan_to_num(found)
    return (Term("meaning", weight * share, explain, lambda: columns),)


def scaled(cosines: npt.ArrayLike, lowest: float, highest: float) -> npt.NDArray[np.float64]:
    """Cosines on the scale 0 … 1 from `lowest` to `highest`; 0 where there is none."""
    share = (np.asarray(cosines, dtype=np.float64) - lowest) / max(highest - lowest, 1e-9)
    return np.clip(np.nan_to_num(share), 0.0, 1.0)
