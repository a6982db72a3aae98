"""Ordered histories: a line a user, `user item item …`, oldest first; the form of public next-item benchmarks.

Beside `Beauty.txt` may lie `Beauty_item2attributes.json`: item → numbers of its attributes (category, brand, …).
Source of the form: Zhou et al., S³-Rec, CIKM 2020.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mien.core.errors import SourceError

ATTRIBUTES = "_item2attributes.json"


@dataclass(frozen=True, eq=False)
class Orders:
    """`user`, `item`, `place`: one entry an act, users and items as rows by first appearance, place 0 … of the user.

    `attributes (n_items, n_attributes)`: 0/1; without columns where the file is not there.
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    place: npt.NDArray[np.int64]
    attributes: sp.csr_array

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """`(n_users,)`: acts of each user."""
        return np.bincount(self.user, minlength=len(self.user_ids)).astype(np.int64)


def read_orders(path: Path) -> Orders:
    """Read a file of ordered histories, and its attributes where they lie beside it.

    Raises `SourceError` with file and row for a file that is missing or empty, a line without an item, or a user told
    twice. Cost: one pass.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise SourceError("There is no such file.", path=path) from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise SourceError("It cannot be read as text: {wrong}", wrong=wrong, path=path) from None
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    histories: list[list[int]] = []
    for row, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if len(words) == 1:
            raise SourceError(
                "A line holds a user and their items, oldest first; this one has no item.", path=path, row=row
            )
        if users.setdefault(words[0], len(users)) != len(histories):
            raise SourceError(
                "The user {user} has a line already. Put a user's items on one line.",
                user=words[0],
                path=path,
                row=row,
            )
        histories.append([items.setdefault(word, len(items)) for word in words[1:]])
    if not histories:
        raise SourceError("It holds no history. Each line is a user and their items: user item item …", path=path)
    sizes = np.array([len(history) for history in histories])
    return Orders(
        user_ids=tuple(users),
        item_ids=tuple(items),
        user=np.repeat(np.arange(len(users), dtype=np.int32), sizes),
        item=np.concatenate([np.asarray(history, dtype=np.int32) for history in histories]),
        place=np.concatenate([np.arange(size) for size in sizes]),
        attributes=_attributes(path.with_name(path.stem + ATTRIBUTES), items),
    )


def _attributes(path: Path, items: dict[str, int]) -> sp.csr_array:
    if not path.exists():
        return sp.csr_array((len(items), 0))
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        pairs = [(items[item], str(name)) for item, names in told.items() if item in items for name in names]
    except (OSError, UnicodeDecodeError, ValueError, AttributeError, TypeError) as wrong:
        raise SourceError(
            "It is no JSON object of item → list of attributes: {wrong}", wrong=wrong, path=path
        ) from None
    columns: dict[str, int] = {}
    column = [columns.setdefault(name, len(columns)) for _, name in pairs]
    cells = (np.ones(len(pairs)), ([row for row, _ in pairs], column))
    matrix = sp.csr_array(sp.coo_array(cells, shape=(len(items), len(columns))))
    matrix.data[:] = 1.0  # an attribute told twice is one attribute
    return matrix
