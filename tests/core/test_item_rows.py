"""A catalogue with some rows changed is the catalogue made anew: columns and facets alike, whatever the changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mien.core.clock import from_us
from mien.core.item import Catalogue, Item
from mien.core.tables import ITEM, ITEMS

paths = st.sampled_from([None, "A", "A/B", "A/C", "B/B/D", "茶/绿茶", "Z"])
names = st.sampled_from([None, "x", "y", "西湖", "a"])
items = st.builds(
    Item, st.just(""), st.sampled_from(["one", "two"]), category=paths, brand=names, colour=names,
    price=st.sampled_from([None, 1.0, 9.5]), available=st.booleans(),
)  # fmt: skip
some = st.one_of(st.none(), items)


def made(rows: list[Item | None], n: int, at_us: int) -> Catalogue:
    known = [(row, replace(item, item_id=f"i{row}")) for row, item in enumerate(rows) if item is not None]
    columns: dict[str, Any] = {
        name: [getattr(item, name) for _, item in known] for name in ITEMS.names if name != ITEM.VALID_FROM
    }
    columns[ITEM.VALID_FROM] = [from_us(7)] * len(known)
    table = pa.table({name: pa.array(columns[name], ITEMS.field(name).type) for name in ITEMS.names}, schema=ITEMS)
    return Catalogue.of(table, np.array([row for row, _ in known], dtype=np.int32), n, at_us)


@given(st.lists(some, min_size=1, max_size=8), st.dictionaries(st.integers(0, 10), some, min_size=1, max_size=5))
def test_changed_rows_are_a_catalogue_made_anew(before: list[Item | None], changes: dict[int, Item | None]) -> None:
    n = max(len(before), *(row + 1 for row in changes))
    old = made(before, len(before), 10)
    assert old.text_facets is not None
    changed = {row: (item and replace(item, item_id=f"i{row}"), 7 if item else 0) for row, item in changes.items()}
    after = old.with_items(changed, n, 20)
    rows = [*before, *[None] * (n - len(before))]
    for row, item in changes.items():
        rows[row] = item
    anew = made(rows, n, 20)
    for row in range(n):
        assert after.item(row) == anew.item(row)
    assert np.array_equal(after.known, anew.known)
    assert [(one.name, one.level, one.values) for one in after.text_facets] == [
        (one.name, one.level, one.values) for one in anew.text_facets
    ]
    for one, other in zip(after.text_facets, anew.text_facets, strict=True):
        assert np.array_equal(one.codes, other.codes)
    assert len(old) == len(before), "the catalogue before answers as it did"
