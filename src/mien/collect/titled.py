"""Ordered histories over titled items: the atomic files of public recommendation benchmarks (RecBole's form).

`items.tsv[.gz]`: `item_id:token`, `title:token_seq`. `sequences_test.tsv[.gz]`: `user_id:token`,
`item_id_list:token_seq` (oldest first) and `item_id:token`, the item that came last.
"""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mien.collect.orders import Orders
from mien.core.errors import SourceError

ITEMS, SEQUENCES = "items.tsv", "sequences_test.tsv"


def read_titled(folder: Path) -> tuple[Orders, list[str]]:
    """The histories, the last item included, and the title of each item (empty where none is told).

    Raises `SourceError` with file and row for a file that is missing, a column that is not there or an empty history.
    Cost: one pass.
    """
    path = _path(folder, ITEMS)
    titles = {item: title for _, (item, title) in _rows(path, ("item_id", "title"))}
    path = _path(folder, SEQUENCES)
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    histories: list[list[int]] = []
    for row, (user, before, last) in _rows(path, ("user_id", "item_id_list", "item_id")):
        if not last or users.setdefault(user, len(users)) != len(histories):
            raise SourceError("A row holds one user, once, and their items; this one does not.", path=path, row=row)
        histories.append([items.setdefault(item, len(items)) for item in (*before.split(), last)])
    if not histories:
        raise SourceError("It holds no history.", path=path)
    sizes = np.array([len(history) for history in histories])
    orders = Orders(
        user_ids=tuple(users),
        item_ids=tuple(items),
        user=np.repeat(np.arange(len(users), dtype=np.int32), sizes),
        item=np.concatenate([np.asarray(history, dtype=np.int32) for history in histories]),
        place=np.concatenate([np.arange(size) for size in sizes]),
        attributes=sp.csr_array((len(items), 0)),
    )
    return orders, [titles.get(item, "") for item in items]


def _path(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise SourceError("There is no {name} (or {name}.gz) in this folder.", name=name, path=folder)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Row number and these columns of each row; a heading may bear a type behind a colon."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            heading = [name.partition(":")[0] for name in next(reader, [])]
            missing = [name for name in columns if name not in heading]
            if missing:
                raise SourceError(
                    "There is no column {missing}; there are {heading}.",
                    missing=missing[0],
                    heading=heading,
                    path=path,
                    row=1,
                )
            places = [heading.index(name) for name in columns]
            for row, cells in enumerate(reader, start=2):
                if len(cells) != len(heading):
                    raise SourceError(
                        "It has {n_cells} columns, not {n_heading}.",
                        n_cells=len(cells),
                        n_heading=len(heading),
                        path=path,
                        row=row,
                    )
                yield row, [cells[place] for place in places]
    except (OSError, EOFError, UnicodeDecodeError) as wrong:
        raise SourceError("It cannot be read as text: {wrong}", wrong=wrong, path=path) from None
