"""What an item says of itself, as one text, and the vectors of a whole catalogue."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core.item import CATEGORY_SEPARATOR, Catalogue, Item
from mien.core.ports import Progress, Silent
from mien.core.words import RUN, normalise
from mien.models.content.cache import VectorCache
from mien.models.content.encoder import Encoder, Vectors

CODE_SEPARATOR = " / "
"""Between the parts of a brand that is composed; a part of digits alone is a code, and says nothing in words."""


def item_text(item: Item) -> str:
    """Title, category path, brand, colour, description and attributes, in this order, parted by full stops.

    What the text says already is not said again, so that a title which repeats its category costs no second reading.
    Empty where nothing is known. Equal items have equal texts.
    """
    said, parts = " ", []
    for part in _parts(item):
        words = _words(part)
        if words and f" {words} " not in said:
            parts.append(part.strip())
            said += f"{words} "
    return ". ".join(parts)


def item_texts(catalogue: Catalogue) -> list[str]:
    """`item_text` of every row; rows that are not known, or of which nothing is said, have an empty one.

    A title that is the item's id stands in for one that was not given, and says nothing.

    Cost: some tens of µs for each different item, a µs for one that equals an earlier.
    """
    named = zip(catalogue.title, catalogue.item_id, strict=True)
    titles = ["" if title == item_id else title for title, item_id in named]
    columns = (titles, catalogue.category, catalogue.brand, catalogue.colour, catalogue.description)
    found: dict[tuple[Any, ...], str] = {}
    texts = []
    for row, key in enumerate(zip(*columns, catalogue.attributes, strict=True)):
        if not catalogue.known[row]:
            texts.append("")
            continue
        if key not in found:
            title, category, brand, colour, description, attributes = key
            item = Item("", title or "", description, category, brand, colour, attributes=attributes)
            found[key] = item_text(item)
        texts.append(found[key])
    return texts


def catalogue_vectors(
    catalogue: Catalogue, encoder: Encoder, cache: VectorCache | None = None, progress: Progress | None = None
) -> Vectors:
    """`(n_items, dim) float32` by item row; an item without any text has a row of 0 and is counted in the step's name.

    `cache`: where vectors are kept; equal texts are encoded once, with one, for good. Cost: what encoding the texts
    costs that are new; 92,331 items of 20,770 known texts take about a second.
    """
    progress = progress or Silent()
    return text_vectors(item_texts(catalogue), encoder, cache, progress)


def text_vectors(
    texts: list[str], encoder: Encoder, cache: VectorCache | None = None, progress: Progress | None = None
) -> Vectors:
    """The same for texts at hand, one a row."""
    progress = progress or Silent()
    distinct, place = distinct_texts(texts)
    silent = sum(not text for text in texts)
    progress.step(f"texts of {len(texts)} items: {len(distinct)} different, {silent} items without any", len(texts))(
        len(texts)
    )
    known = (
        encoder.encode(distinct, progress=progress)
        if cache is None
        else cache.vectors(encoder, distinct, progress=progress)
    )
    rows: Vectors = np.zeros((len(texts), encoder.dim), dtype=np.float32)
    rows[place >= 0] = known[place[place >= 0]]
    return rows


def distinct_texts(texts: list[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The different texts in order of appearance, and per row its place among them, −1 for an empty one."""
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) if text else -1 for text in texts]
    return list(number), np.array(place, dtype=np.int64)


def _parts(item: Item) -> Iterator[str]:
    yield item.title
    yield from (item.category or "").split(CATEGORY_SEPARATOR)
    names = [part for part in (item.brand or "").split(CODE_SEPARATOR) if part]
    yield from (name for name in names if len(names) == 1 or not name.isdigit())
    yield item.colour or ""
    yield item.description or ""
    yield from _attributes(item.attributes)


def _attributes(text: str | None) -> Iterator[str]:
    """`name: value` of each attribute, by name; only the value where the words of the name add nothing."""
    try:
        held = json.loads(text) if text else {}
    except ValueError:
        held = {"": text}
    if not isinstance(held, dict):
        held = {"": held}
    for name in sorted(held):
        for value in held[name] if isinstance(held[name], list) else [held[name]]:
            if isinstance(value, str) and value.strip():
                yield value
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{str(name).replace('_', ' ')} {value:g}".strip()


@lru_cache(maxsize=1 << 16)
def _words(part: str) -> str:
    return " ".join(RUN.findall(normalise(part)))
