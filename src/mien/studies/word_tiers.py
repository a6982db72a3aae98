"""Words, then meaning: texts near a query in the space of an encoder, below what holds its words.

A way that the study of Chinese search compares. The search that is served orders by nearness inside a tier instead
(`ranking.nearness`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.ranking.lexical import Matches, Tier

FEEDBACK = 30
"""How many of the nearest texts speak for what the query means."""
SHOWN = 1_000
"""How many nearest texts follow what holds every word."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Space:
    """Vectors of texts, `(n, dim) float32` of length 1 once their mean is taken off.

    An encoder's vectors crowd into one corner; without what all of them share, likeness tells more.
    """

    vectors: Floats
    mean: Floats

    @classmethod
    def of(cls, vectors: Floats) -> "Space":
        mean = vectors.mean(axis=0)
        return cls(_unit(vectors - mean), mean)

    def likeness(self, asked: Floats, query_mean: Floats | None = None) -> Floats:
        """`(n,)` how near each text is to a query vector `(dim,)`, −1 … 1.

        The query moves halfway to the mean of its nearest texts (Rocchio's feedback, 1971, without judgements), so that
        what is like several good answers counts. `query_mean`: of queries' vectors, where known; else that of the
        texts. Cost: two products with all vectors.
        """
        query = _unit(asked - (self.mean if query_mean is None else query_mean))
        first = self.vectors @ query
        nearest = np.argpartition(-first, min(FEEDBACK, len(first)) - 1)[:FEEDBACK]
        return np.asarray(self.vectors @ _unit(query + self.vectors[nearest].mean(axis=0)), dtype=np.float32)


def tiered(matches: Matches, likeness: Floats, limit: int = SHOWN) -> Matches:
    """What holds every word, nearest in meaning first, then the `limit` nearest of all others.

    Exact words stay above likeness: a vector alone often has the very word that was typed on no first page. `likeness`:
    `(n_items,)`.
    """
    full = matches.tiers >= Tier.ALL_WORDS
    rows, tiers = matches.rows[full], matches.tiers[full]
    order = np.lexsort((-likeness[rows], -tiers))
    near = np.argpartition(-likeness, min(limit + len(rows), len(likeness)) - 1)[: limit + len(rows)]
    others = near[~np.isin(near, rows)]
    others = others[np.argsort(-likeness[others], kind="stable")][:limit].astype(np.int32)
    held = dict(zip(matches.rows[~full].tolist(), matches.tiers[~full].tolist(), strict=True))
    below = np.array([held.get(row, Tier.NO_WORD) for row in others.tolist()], dtype=np.int8)
    found = np.concatenate([rows[order], others])
    return Matches(
        found,
        likeness[found].astype(np.float64),
        np.concatenate([tiers[order], below]),
        max(matches.total, len(found)),
        matches.corrected,
    )


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)
