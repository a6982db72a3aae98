"""Texts as the goods of a shop, and what it answers a visitor from: the search that is served, for studies of texts."""

from collections.abc import Sequence

import numpy as np

from mien.core.item import Catalogue
from mien.models.content.encoder import Encoder
from mien.models.content.texts import item_texts
from mien.profiles.yardstick import Yardstick
from mien.ranking.lexical import TextIndex
from mien.ranking.nearness import Nearness, centre_of
from mien.ranking.shelf import Context, Shelf
from mien.ranking.vectors import VectorIndex
from mien.testing.world import items_table, world


def goods_of(texts: Sequence[str]) -> Catalogue:
    """Each text as the title of an item; its id is its place."""
    items = items_table([{"item_id": str(k), "title": text} for k, text in enumerate(texts)])
    return Catalogue.of(items, np.arange(len(texts), dtype=np.int32), len(texts), 0)


def visited(catalogue: Catalogue, words: TextIndex, encoder: Encoder) -> Context:
    """What somebody of whom nothing is known is answered from, by words and by meaning. Cost: encoding."""
    texts = item_texts(catalogue)
    vectors = encoder.encode(texts)
    rows = np.arange(len(vectors), dtype=np.int32)
    index = VectorIndex.build(rows, vectors, encoder.version, centre=centre_of(vectors, texts, encoder))
    standard = Yardstick.with_facets((), world().population())
    return Context(Shelf(catalogue, standard, words, vectors=Nearness(index, lambda: encoder)), 0)
