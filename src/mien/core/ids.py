"""External ids and internal row numbers are different types, converted in one place: the IdMap."""

from collections.abc import Iterable, Sequence
from typing import NewType, Protocol

import numpy as np
import numpy.typing as npt

UserId = NewType("UserId", str)
"""What the shop calls a person. Kept in one place only, the IdMap."""
ItemId = NewType("ItemId", str)
"""What the shop calls an item."""
UserRow = NewType("UserRow", int)
"""What Mien calls a person inside: a number from 0 on, never reused."""
ItemRow = NewType("ItemRow", int)
"""What Mien calls an item inside: a number from 0 on, never reused."""

NO_ITEM = ItemRow(-1)
"""The item of an event that names none (a search without a click, say), where a number is needed."""

Rows = npt.NDArray[np.int32]


def places(known: Rows, rows: Rows) -> npt.NDArray[np.int64]:
    """Where each of `rows` stands in `known`, −1 where it does not."""
    if not len(known):
        return np.full(len(rows), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known[order], rows), len(known) - 1)
    return np.where(known[order][place] == rows, order[place], -1)


class IdMap(Protocol):
    """One side (users or items) of the map between external ids and row numbers."""

    def __len__(self) -> int:
        """How many row numbers were ever given: valid rows are `0 … len - 1`."""
        ...

    def row(self, key: str) -> int | None:
        """The row of an external id, or None where it was never seen (or was erased)."""
        ...

    def key(self, row: int) -> str | None:
        """The external id of a row, or None where the row was erased."""
        ...

    def keys(self, rows: Iterable[int]) -> list[str | None]:
        """External ids of many rows, in their order."""
        ...

    def add(self, keys: Sequence[str]) -> Rows:
        """Rows of many ids, in their order, giving new rows to those unseen. Idempotent."""
        ...


def id_text(said: object) -> str | None:
    """An id of a message as text: numbers as they are written, blanks around it taken off; None for no id at all."""
    if isinstance(said, str):
        return said.strip() or None
    if said is None or isinstance(said, bool | dict | list):
        return None
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    return str(said).strip() or None
