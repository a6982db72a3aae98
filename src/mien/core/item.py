"""Items, and the catalogue: every item as it was known at a moment, in arrays indexed by item row."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mien.core.tables import ITEM

CATEGORY_SEPARATOR = "/"
WITHDRAWN = "\x00"
"""The title of a version that says: from then on there is no such item. No text that is taken in holds a NUL."""
TEXT_FACETS = (ITEM.CATEGORY, ITEM.BRAND, ITEM.COLOUR)


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it was at a moment. None is unknown; `price` in the shop's currency."""

    item_id: str
    title: str
    description: str | None = None
    category: str | None = None
    brand: str | None = None
    colour: str | None = None
    price: float | None = None
    image: str | None = None
    audio: str | None = None
    available: bool = True
    attributes: str | None = None


@dataclass(frozen=True, eq=False)
class Facet:
    """A dimension of items, as codes.

    `codes`: `(n_items,) int32`, index into `values`, −1 where the item has none. `level`: for a path such as the
    category the depth from 1 on, otherwise 0; the levels of one path share its `name` and are distributions apart.
    """

    name: str
    level: int
    values: tuple[str, ...]
    codes: npt.NDArray[np.int32]

    def with_rows(self, rows: list[int], texts: list[str | None], n: int) -> "Facet":
        """The facet with other texts at some rows, of `n` in all; as if coded anew. Cost: some passes of arrays."""
        codes = np.full(n, -1, dtype=np.int32)
        codes[: len(self.codes)] = self.codes
        before = np.unique(codes[rows])
        codes[rows] = -1
        values = sorted({*self.values, *(text for text in texts if text)})
        place = {value: k for k, value in enumerate(values)}
        if len(values) > len(self.values):
            moved = np.array([place[value] for value in self.values] or [0], dtype=np.int32)
            codes = np.where(codes >= 0, moved[codes], -1)
            before = np.where(before >= 0, moved[before], -1)
        codes[rows] = [place[text] if text else -1 for text in texts]
        gone = [code for code in before.tolist() if code >= 0 and not (codes == code).any()]
        if gone:
            kept = np.setdiff1d(np.arange(len(values)), gone)
            moved = np.full(len(values), -1, dtype=np.int32)
            moved[kept] = np.arange(len(kept))
            codes = np.where(codes >= 0, moved[codes], -1)
            values = [values[code] for code in kept.tolist()]
        return Facet(self.name, self.level, tuple(values), codes.astype(np.int32))


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All items known at `at_us`, index = item row; rows without a version then are `known == False`.

    `price`: `(n,) float64`, NaN where unknown; `since_us`: `(n,) int64`, from when its first version holds. Texts are
    lists with None where unknown. Cost: one pass to build.
    """

    at_us: int
    item_id: list[str | None]
    title: list[str]
    description: list[str | None]
    category: list[str | None]
    brand: list[str | None]
    colour: list[str | None]
    image: list[str | None]
    audio: list[str | None]
    attributes: list[str | None]
    price: npt.NDArray[np.float64]
    available: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    since_us: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.title)

    @classmethod
    def of(cls, items: pa.Table, rows: npt.NDArray[np.int32], n_items: int, at_us: int) -> "Catalogue":
        """The newest version not later than `at_us` of each item.

        `items`: table of the schema ITEMS; `rows`: `(len(items),)` the item row of each version; `n_items`: how
        many item rows exist (an item that only events name has no version, is not `known` and has no facets).
        """
        valid_from = items[ITEM.VALID_FROM].cast(pa.int64()).to_numpy()
        held = np.flatnonzero(valid_from <= at_us)
        order = held[np.lexsort((held, valid_from[held]))]
        version = np.full(n_items, -1, dtype=np.int64)
        version[rows[order]] = order  # the last assignment, the newest version, stays
        since_us = np.zeros(n_items, dtype=np.int64)
        since_us[rows[order[::-1]]] = valid_from[order[::-1]]  # and here the first one
        titles = items[ITEM.TITLE].combine_chunks()
        known = version >= 0
        known[known] = pc.not_equal(titles, WITHDRAWN).to_numpy(zero_copy_only=False)[version[known]]
        picked = items.take(pa.array(np.where(known, version, 0), mask=~known))

        def texts(name: str) -> list[str | None]:
            return picked[name].to_pylist()  # type: ignore[no-any-return]

        price = pc.fill_null(picked[ITEM.PRICE].cast(pa.float64()), float("nan")).to_numpy().copy()
        return cls(
            at_us=at_us,
            item_id=texts(ITEM.ITEM_ID),
            title=[title or "" for title in texts(ITEM.TITLE)],
            description=texts(ITEM.DESCRIPTION),
            category=texts(ITEM.CATEGORY),
            brand=texts(ITEM.BRAND),
            colour=texts(ITEM.COLOUR),
            image=texts(ITEM.IMAGE),
            audio=texts(ITEM.AUDIO),
            attributes=texts(ITEM.ATTRIBUTES),
            price=price,
            available=pc.fill_null(picked[ITEM.AVAILABLE], False).to_numpy(zero_copy_only=False).copy(),
            known=known,
            since_us=since_us,
        )

    def item(self, row: int) -> Item | None:
        """The item of a row, or None where nothing is known of it."""
        if not (0 <= row < len(self)) or not self.known[row]:
            return None
        price = float(self.price[row])
        return Item(
            item_id=self.item_id[row] or "",
            title=self.title[row],
            description=self.description[row],
            category=self.category[row],
            brand=self.brand[row],
            colour=self.colour[row],
            price=None if np.isnan(price) else price,
            image=self.image[row],
            audio=self.audio[row],
            available=bool(self.available[row]),
            attributes=self.attributes[row],
        )

    def with_items(self, items: dict[int, tuple[Item | None, int]], n_items: int, at_us: int) -> "Catalogue":
        """The catalogue with other items at some rows (None: not known any more; and since when), of `n_items` in all.

        As if made anew of the item table. Cost: some ms for 100,000 items: lists are copied, facets are patched.
        """
        more = n_items - len(self)
        columns: dict[str, Any] = {name: [*getattr(self, name), *[None] * more] for name in _TEXTS}
        columns["title"] = [*self.title, *[""] * more]
        numbers = {"price": np.nan, "available": False, "known": False, "since_us": 0}
        for name, nothing in numbers.items():
            held = getattr(self, name)
            columns[name] = np.concatenate([held, np.full(more, nothing, dtype=held.dtype)])
        for row, (item, since_us) in items.items():
            for name in _TEXTS:
                columns[name][row] = item and getattr(item, name)
            columns["title"][row] = item.title if item else ""
            columns["price"][row] = np.nan if item is None or item.price is None else item.price
            columns["available"][row], columns["known"][row] = bool(item and item.available), item is not None
            columns["since_us"][row] = since_us
        after = Catalogue(at_us=at_us, **columns)
        if "text_facets" in self.__dict__:
            after.__dict__["text_facets"] = _patched(self.text_facets, after, sorted(items))
        return after

    @cached_property
    def text_facets(self) -> tuple[Facet, ...]:
        """Category at each level, brand, colour: what the items say themselves (price bands are fitted elsewhere)."""
        facets = list(_path_levels(ITEM.CATEGORY, self.category))
        for name, texts in ((ITEM.BRAND, self.brand), (ITEM.COLOUR, self.colour)):
            facet = coded_facet(name, 0, texts)
            if facet.values:
                facets.append(facet)
        return tuple(facets)


_TEXTS = ("item_id", "description", "category", "brand", "colour", "image", "audio", "attributes")


def _patched(facets: tuple[Facet, ...], catalogue: Catalogue, rows: list[int]) -> tuple[Facet, ...]:
    """`text_facets` of a catalogue that differs in some rows from the one whose facets these are."""
    held = {(facet.name, facet.level): facet for facet in facets}
    n, parts = len(catalogue), [(catalogue.category[row] or "").split(CATEGORY_SEPARATOR) for row in rows]
    paths = [part if part != [""] else [] for part in parts]
    depth = max([len(part) for part in paths] + [facet.level for facet in facets])
    found = []
    for level in range(1, depth + 1):
        texts = [CATEGORY_SEPARATOR.join(part[:level]) if len(part) >= level else None for part in paths]
        found.append(_held(held, ITEM.CATEGORY, level).with_rows(rows, texts, n))
    for name, column in ((ITEM.BRAND, catalogue.brand), (ITEM.COLOUR, catalogue.colour)):
        found.append(_held(held, name, 0).with_rows(rows, [column[row] for row in rows], n))
    return tuple(facet for facet in found if facet.values)


def _held(facets: dict[tuple[str, int], Facet], name: str, level: int) -> Facet:
    return facets.get((name, level), Facet(name, level, (), np.empty(0, dtype=np.int32)))


def coded_facet(name: str, level: int, texts: list[str | None]) -> Facet:
    """A facet from one text an item; values sorted, so that equal catalogues give equal codes."""
    values = sorted({text for text in texts if text})
    code = {value: k for k, value in enumerate(values)}
    codes = np.fromiter((code[text] if text else -1 for text in texts), dtype=np.int32, count=len(texts))
    return Facet(name, level, tuple(values), codes)


def _path_levels(name: str, paths: list[str | None]) -> list[Facet]:
    parts = [path.split(CATEGORY_SEPARATOR) if path else [] for path in paths]
    depth = max((len(part) for part in parts), default=0)

    def at(level: int) -> list[str | None]:
        return [CATEGORY_SEPARATOR.join(part[:level]) if len(part) >= level else None for part in parts]

    return [coded_facet(name, level, at(level)) for level in range(1, depth + 1)]


def shelves(catalogue: Catalogue, most: int) -> list[str]:
    """The topmost categories with the most available items, the fullest first."""
    top = next((facet for facet in catalogue.text_facets if facet.name == ITEM.CATEGORY), None)
    if top is None:
        return []
    held = top.codes[catalogue.known & catalogue.available & (top.codes >= 0)]
    counts = np.bincount(held, minlength=len(top.values))
    return [top.values[code] for code in np.argsort(-counts, kind="stable")[:most] if counts[code]]
