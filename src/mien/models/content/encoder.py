"""The contract of every encoder: content in, unit vectors out; the template owns cutting, order, threads and shape.

An encoder holds only its algebra: `_vectors` turns a few texts of similar length into rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from mien.core.errors import UsageError
from mien.core.ports import Progress, Silent
from mien.core.vectors import unit
from mien.models.content.options import ContentSettings

Kind = Literal["passage", "query"]
Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into vectors that lie near each other where the texts mean alike.

    `version` names everything the vectors depend on: it changes when they would, and vectors of two versions are not
    comparable.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str], *, kind: Kind = "passage", progress: Progress | None = None) -> Vectors:
        """`(len(texts), dim) float32`, rows of length 1 (unless set otherwise); a text without content is a row of 0.

        `kind`: a text that is searched for is a query, all else a passage; some models were trained to tell them
        apart.
        """
        ...


class TextEncoder(ABC):
    """An `Encoder` of texts. Derive, call `super().__init__`, and write `_vectors`.

    Safe for use by several threads where `_vectors` is.
    """

    def __init__(self, name: str, version: str, width: int, settings: ContentSettings, *, workers: int = 1) -> None:
        """`width`: length of what `_vectors` gives; `workers`: threads that may call it at once."""
        if settings.dim > width:
            raise UsageError(
                "The encoder {name} gives {width} numbers a text; dim = {dim} is more.",
                name=name,
                width=width,
                dim=settings.dim,
            )
        self.settings = settings
        self._name, self._width, self._workers = name, width, workers
        shape = "" if settings.normalise else "/raw"
        self._version = f"{version}/{settings.dim or width}{shape}"

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return self._version

    @property
    def dim(self) -> int:
        return self.settings.dim or self._width

    @abstractmethod
    def _vectors(self, texts: list[str], kind: Kind) -> Vectors:
        """`(len(texts), width)` of at most `batch` texts, none of them empty."""

    def encode(self, texts: Sequence[str], *, kind: Kind = "passage", progress: Progress | None = None) -> Vectors:
        """As the contract says. Longest texts first, in batches of equal length as far as may be, so that little is
        computed on padding and the largest batch comes at once."""
        said = [printable(text) for text in texts]
        rows: Vectors = np.zeros((len(said), self.dim), dtype=np.float32)
        size = np.array([len(text.encode()) for text in said], dtype=np.int64)
        order = np.lexsort((np.arange(len(said)), -size))[: int((size > 0).sum())]
        done = (progress or Silent()).step("encode texts", len(order))
        batches = [order[start : start + self.settings.batch] for start in range(0, len(order), self.settings.batch)]
        for batch, vectors in zip(batches, self._all(said, batches, kind), strict=True):
            rows[batch] = shaped(vectors, self.dim, self.settings.normalise)
            done(len(batch))
        return rows

    def _all(self, said: list[str], batches: list[npt.NDArray[np.int64]], kind: Kind) -> Iterator[Vectors]:
        parts = [[said[row] for row in batch] for batch in batches]
        if self._workers == 1 or len(parts) < 2:
            yield from (self._part(part, kind) for part in parts)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(lambda part: self._part(part, kind), parts)

    def _part(self, texts: list[str], kind: Kind) -> Vectors:
        """`_vectors`, and what to lower where memory does not hold it (torch says so by a RuntimeError)."""
        try:
            return self._vectors(texts, kind)
        except (MemoryError, RuntimeError) as full:
            if isinstance(full, RuntimeError) and "memory" not in str(full).lower():
                raise
            raise UsageError(
                "Memory does not hold {n_texts} texts at once in the encoder {name}. Lower its batch "
                "({batch}), its threads or max_tokens.",
                n_texts=len(texts),
                name=self.name,
                batch=self.settings.batch,
            ) from full


def printable(text: str) -> str:
    """The text as every engine can take it: no NUL, no half of a surrogate pair, no white space around it."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ").strip()


def shaped(vectors: Vectors, dim: int, normalise: bool) -> Vectors:
    """The first `dim` columns, rows brought to length 1 where asked for; rows of 0 stay."""
    cut = np.asarray(vectors[:, :dim], dtype=np.float32)
    return unit(cut) if normalise else cut
