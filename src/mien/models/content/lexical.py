"""Texts as vectors without any pretrained model: hashed words and character n-grams, weighed, reduced by an SVD.

    x_t = (1 + log tf_t) · idf_t,  idf_t = log((1 + n) / (1 + df_t)) + 1,   v = V_kᵀ x / ‖x‖,   X ≈ U_k Σ_k V_kᵀ.

Fitted on the catalogue's texts: words that occur together come to lie together. Source: Deerwester, Dumais, Furnas,
Landauer, Harshman, Indexing by Latent Semantic Analysis, 1990; hashing: Weinberger et al., ICML 2009.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from mien.core.errors import NotReady
from mien.core.words import RUN, index_terms, is_han, normalise
from mien.models.artifact import read_artifact, write_artifact
from mien.models.content.encoder import Kind, TextEncoder, Vectors
from mien.models.content.options import ContentSettings

BUCKETS = 1 << 16
"""Hash buckets of words and n-grams."""
WIDTH = 128
"""Numbers a text, where `dim` is not set."""
FILE = "lexical.npz"
_KIND = "lexical encoder"
_GRAMS = (3, 4)
_ROUNDS = 4


class Lexical(TextEncoder):
    """Knows what the catalogue says; a text of other words alone is a row of 0. Chinese and English alike.

    Kept: the weight and the `(used buckets, dim) float32` directions of the buckets that occurred. Cost: fitting 20,000
    texts takes some seconds, a text a few tens of µs.
    """

    def __init__(
        self, settings: ContentSettings, buckets: npt.NDArray[np.int32], idf: Vectors, directions: Vectors
    ) -> None:
        self._buckets, self._idf, self._directions = buckets, idf, directions
        digest = hashlib.blake2b(digest_size=8)
        for array in (buckets, idf, directions):
            digest.update(np.ascontiguousarray(array).data)
        super().__init__("lexical", f"lexical/{digest.hexdigest()}", directions.shape[1], settings)

    @classmethod
    def fit(cls, texts: Sequence[str], settings: ContentSettings | None = None, *, seed: int = 0) -> Self:
        """Learn from texts, each distinct one once. Raises `NotReady` where none has a word."""
        settings = settings or ContentSettings(encoder="lexical")
        distinct = sorted({text for text in texts if text.strip()})
        counts = hashed_counts(distinct)
        buckets = np.flatnonzero(np.bincount(counts.indices, minlength=BUCKETS)).astype(np.int32)
        if not len(buckets):
            raise NotReady("The lexical encoder needs texts with words to be fitted on; the catalogue has none.")
        counts = counts[:, buckets]
        frequency = np.bincount(counts.indices, minlength=len(buckets))
        idf = (np.log((1 + len(distinct)) / (1 + frequency)) + 1).astype(np.float32)
        width = settings.dim or WIDTH
        found = min(width, *counts.shape)
        with threadpool_limits(1, "blas"):
            *_, right = randomized_svd(weighed(counts, idf), found, n_iter=_ROUNDS, random_state=seed)
        directions = np.zeros((len(buckets), width), dtype=np.float32)
        directions[:, :found] = right.T
        return cls(settings, buckets, idf, directions)

    @classmethod
    def fit_or_load(cls, settings: ContentSettings, folder: Path | None, texts: Sequence[str]) -> Self:
        """Fitted on `texts` and saved in `folder`, or without texts the one saved there."""
        if not texts:
            if folder is None:
                raise NotReady("The lexical encoder is fitted on the catalogue. Run mien train first.")
            return cls.load(folder, settings)
        fitted = cls.fit(texts, settings)
        if folder is not None:
            fitted.save(folder)
        return fitted

    def save(self, folder: Path) -> Path:
        """Write `<folder>/lexical.npz` in one durable step."""
        arrays = {"buckets": self._buckets, "idf": self._idf, "directions": self._directions}
        write_artifact(folder / FILE, _KIND, {}, arrays)
        return folder / FILE

    @classmethod
    def load(cls, folder: Path, settings: ContentSettings | None = None) -> Self:
        """The encoder saved in `folder`: the same version, the same vectors."""
        _, arrays = read_artifact(folder / FILE, _KIND)
        settings = settings or ContentSettings(encoder="lexical")
        return cls(settings, arrays["buckets"], arrays["idf"], arrays["directions"])

    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        terms = weighed(hashed_counts(texts)[:, self._buckets], self._idf)
        return np.asarray(terms @ self._directions, dtype=np.float32)


def hashed_counts(texts: Sequence[str], buckets: int = BUCKETS) -> sp.csr_array:
    """`(len(texts), buckets) float32`: how often each word and n-gram occurs."""
    indices: list[int] = []
    indptr = [0]
    for text in texts:
        indices += [zlib.crc32(gram.encode()) % buckets for gram in grams(text)]
        indptr.append(len(indices))
    data = np.ones(len(indices), dtype=np.float32)
    counts = sp.csr_array((data, np.array(indices, dtype=np.int32), np.array(indptr)), shape=(len(texts), buckets))
    counts.sum_duplicates()
    return counts


def grams(text: str) -> Iterator[str]:
    """The terms of the search index, and parts of words: pairs of Chinese characters, 3 and 4 letters with the edges
    marked, which carry spelling variants and words not met before."""
    yield from index_terms(text)
    for run in RUN.findall(normalise(text)):
        if is_han(run):
            yield from (f"#{run[k : k + 2]}" for k in range(len(run) - 1))
        else:
            edged = f"<{run}>"
            yield from (f"#{edged[k : k + n]}" for n in _GRAMS for k in range(len(edged) - n + 1))


def weighed(counts: sp.csr_array, idf: Vectors) -> sp.csr_array:
    """Rows of length 1 of (1 + log tf) · idf; a row without a known term stays 0."""
    data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    matrix = sp.csr_array((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(1.0 / np.where(length > 0, length, np.inf)) @ matrix, dtype=np.float32)
