"""What is known of items beside their ids: tags (values of facets, or any attributes) and content vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.errors import UsageError
from mien.core.item import Facet

RARE = 3
"""A tag of fewer items than this says hardly more than the ids of those items."""


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """`tags`: `(n_items, n_tags)` 0/1; `content`: `(n_items, dim) float32` unit rows, zeros where nothing is known.

    Either may have no columns. `names`: what each tag is called, so that those of a later catalogue find their column.
    """

    tags: sp.csr_array
    content: npt.NDArray[np.float32]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.tags.shape[0] != len(self.content):
            raise UsageError(
                "Tags of {shape} items, but content of {n_content}.",
                shape=self.tags.shape[0],
                n_content=len(self.content),
            )
        if not self.names:
            object.__setattr__(self, "names", tuple(str(k) for k in range(self.tags.shape[1])))
        if len(self.names) != self.tags.shape[1]:
            raise UsageError(
                "There are {shape} tags, but {n_names} names of tags.",
                shape=self.tags.shape[1],
                n_names=len(self.names),
            )

    def __len__(self) -> int:
        return len(self.content)

    @classmethod
    def nothing(cls, n_items: int) -> "ItemFacts":
        """No facts about `n_items` items."""
        return cls(sp.csr_array((n_items, 0)), np.zeros((n_items, 0), dtype=np.float32))

    @classmethod
    def of(
        cls, n_items: int, *, facets: Sequence[Facet] = (), content: npt.NDArray[np.float32] | None = None
    ) -> "ItemFacts":
        """From facets (a tag for each value) and content vectors; items beyond those given have neither."""
        blocks = [_one_hot(facet, n_items) for facet in facets]
        tags = sp.hstack(blocks, format="csr") if blocks else sp.csr_array((n_items, 0))
        names = tuple(f"{facet.name}.{facet.level}={value}" for facet in facets for value in facet.values)
        vectors = np.zeros((n_items, 0 if content is None else content.shape[1]), dtype=np.float32)
        if content is not None:
            vectors[: len(content)] = content[:n_items]
        return cls(sp.csr_array(tags), vectors, names)

    def without_rare(self, least: int = RARE) -> "ItemFacts":
        """Only tags of at least `least` items."""
        counts = np.bincount(self.tags.indices, minlength=self.tags.shape[1])
        kept = np.flatnonzero(counts >= least)
        return replace(self, tags=sp.csr_array(self.tags[:, kept]), names=tuple(self.names[k] for k in kept.tolist()))

    def weighed_tags(self) -> sp.csr_array:
        """`(n_items, n_tags)`: tags by how telling they are, log(1 + items / items with it), rows of length 1 or 0."""
        counts = np.maximum(np.bincount(self.tags.indices, minlength=self.tags.shape[1]), 1)
        tags = sp.csr_array(self.tags @ sp.diags_array(np.log(1 + len(self) / counts)))
        length = np.sqrt(np.asarray(tags.multiply(tags).sum(axis=1)).ravel())
        return sp.csr_array(sp.diags_array(1 / np.where(length > 0, length, np.inf)) @ tags)

    def named(self, names: Sequence[str]) -> "ItemFacts":
        """With these tags as columns, in this order: those nobody has are empty, all others go."""
        place = {name: k for k, name in enumerate(names)}
        column = np.array([place.get(name, -1) for name in self.names], dtype=np.int64)
        cells = self.tags.tocoo()
        row, tag = cells.coords
        held = column[tag] >= 0 if len(column) else np.zeros(len(tag), dtype=np.bool_)
        moved = (cells.data[held], (row[held], column[tag[held]]))
        tags = sp.csr_array(sp.coo_array(moved, shape=(len(self), len(names))))
        return replace(self, tags=tags, names=tuple(names))


def _one_hot(facet: Facet, n_items: int) -> sp.csr_array:
    codes = facet.codes[:n_items]
    rows = np.flatnonzero(codes >= 0)
    cells = (np.ones(len(rows)), (rows, codes[rows]))
    return sp.csr_array(sp.coo_array(cells, shape=(n_items, len(facet.values))))
