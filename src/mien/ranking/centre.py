"""The centre: what all vectors of an encoder share. Without it likeness tells more, since vectors crowd into a corner.

Goods and queries have a centre each, because an encoder may read the two differently.
Source: Mu and Viswanath, All-but-the-Top, ICLR 2018 (the mean alone).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core.vectors import unit
from mien.core.words import content_words, is_han

Vectors = npt.NDArray[np.float32]

HELD_BACK = 30
"""A mean of n vectors counts n / (n + 30): that of a few goods is mostly what they are, and of one all of it."""
MOVED = 0.05
QUERIES = 500
"""How many queries are made up for their mean."""


@dataclass(frozen=True, eq=False)
class Centre:
    """The means that are taken off, `(dim,) float32` each."""

    goods: Vectors
    queries: Vectors

    @classmethod
    def nowhere(cls, dim: int) -> "Centre":
        """Nothing is taken off."""
        return cls(np.zeros(dim, dtype=np.float32), np.zeros(dim, dtype=np.float32))

    @classmethod
    def of(cls, goods: Vectors, queries: Vectors) -> "Centre":
        """Of vectors `(n, dim)` as the encoder gives them; rows of zeros say nothing and do not count."""
        return cls(_mean(goods), _mean(queries))

    def of_goods(self, vectors: Vectors) -> Vectors:
        """Vectors `(n, dim)` of goods without what they share, of length 1; rows of zeros stay."""
        return _without(vectors, self.goods)

    def of_query(self, vector: Vectors) -> Vectors:
        """The same of a query's `(dim,)`."""
        found: Vectors = _without(vector[None], self.queries)[0]
        return found

    def holds(self, goods: Vectors) -> bool:
        """Whether it is still that of these goods: their mean moved by less than a twentieth of a vector's length."""
        return float(np.linalg.norm(_mean(goods) - self.goods)) < MOVED


def _mean(vectors: Vectors) -> Vectors:
    said = vectors[np.any(vectors != 0, axis=1)]
    return np.asarray(said.sum(axis=0) / (len(said) + HELD_BACK), dtype=np.float32)


def _without(vectors: Vectors, mean: Vectors) -> Vectors:
    said = np.any(vectors != 0, axis=1)
    return np.where(said[:, None], unit(vectors - mean), np.float32(0.0))


def made_up(texts: Sequence[str], n: int = QUERIES, seed: int = 1) -> list[str]:
    """At most n short queries as the goods' texts could answer: two words that stand side by side, of a text each."""
    draw = np.random.default_rng(seed)
    found = []
    for row in draw.permutation(len(texts))[:n].tolist():
        words = [surface for _, surface in content_words(texts[row])]
        start = int(draw.integers(max(len(words) - 1, 1)))
        pair = words[start : start + 2]
        found.append(("" if all(map(is_han, pair)) else " ").join(pair))
    return [query for query in found if query]
