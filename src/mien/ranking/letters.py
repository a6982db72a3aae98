"""Letters: how near words are by their spelling, as the cosine of the pieces of two to four letters they consist of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

PIECES = (2, 3, 4)


@dataclass(frozen=True, eq=False)
class Letters:
    """Which pieces words have. `place`: piece → column; `rarity (pieces,)`: log((1 + n) / (1 + held)) + 1 of n
    words."""

    place: dict[str, int]
    rarity: npt.NDArray[np.float32]

    @classmethod
    def of(cls, words: Sequence[str]) -> "Letters":
        """Of all words that are to be compared. Cost: some 10 µs a word."""
        held = Counter(chain.from_iterable(set(_pieces(word)) for word in words))
        counts = np.array(list(held.values()), dtype=np.float64)
        rarity = np.log((1 + len(words)) / (1 + counts)) + 1.0
        return cls({piece: k for k, piece in enumerate(held)}, rarity.astype(np.float32))

    def rows(self, words: Sequence[str]) -> sp.csr_array:
        """`(n, pieces) float32`, rows of length 1; of a word without a known piece 0. A piece that is there f times
        counts (1 + log f) · its rarity."""
        found = [Counter(piece for piece in _pieces(word) if piece in self.place) for word in words]
        starts = np.cumsum([0, *map(len, found)])
        columns = np.array([self.place[piece] for one in found for piece in one], dtype=np.int32)
        counts = np.array([n for one in found for n in one.values()], dtype=np.float32)
        values = (1.0 + np.log(counts)) * self.rarity[columns]
        sizes = np.diff(starts)
        length = np.sqrt(np.bincount(np.repeat(np.arange(len(found)), sizes), values**2, minlength=len(found)))
        values = values / np.repeat(length, sizes)
        return sp.csr_array((values.astype(np.float32), columns, starts), shape=(len(found), len(self.place)))


def _pieces(word: str) -> list[str]:
    """Of a word between two spaces, so that first and last letters are told apart from others."""
    padded = f" {word} "
    return [padded[k : k + n] for n in PIECES for k in range(max(len(padded) - n + 1, 1))]
