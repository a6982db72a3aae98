"""The catalogue: the newest version not later than the moment, facets as codes."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from mien.core.clock import to_us
from mien.core.item import Catalogue
from mien.core.tables import ITEMS

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def catalogue(at: datetime) -> Catalogue:
    always = datetime(1970, 1, 1, tzinfo=UTC)
    rows = [
        {"item_id": "m", "valid_from": always, "title": "Mug", "category": "Home/Kitchen", "brand": "A", "price": 5.0},
        {"item_id": "m", "valid_from": MAY, "title": "Big mug", "category": "Home/Kitchen/Mugs", "brand": "A"},
        {"item_id": "t", "valid_from": MAY, "title": "Tea", "category": "Food"},
    ]
    table = pa.Table.from_pylist([{"available": True, **row} for row in rows], schema=ITEMS)
    return Catalogue.of(table, np.array([0, 0, 2], np.int32), 4, to_us(at))


def test_versions_hold_from_their_time_on() -> None:
    before, after = catalogue(datetime(2026, 4, 30, tzinfo=UTC)), catalogue(MAY)
    assert (before.title[0], after.title[0]) == ("Mug", "Big mug")
    assert before.known.tolist() == [True, False, False, False]
    assert after.known.tolist() == [True, False, True, False]
    assert before.price[0] == 5.0
    assert np.isnan(after.price[0])
    assert before.item(2) is None
    assert after.item(2).title == "Tea"  # type: ignore[union-attr]


def test_levels_of_a_path_are_facets_of_one_name() -> None:
    levels = [facet for facet in catalogue(MAY).text_facets if facet.name == "category"]
    assert [facet.level for facet in levels] == [1, 2, 3]
    assert levels[0].values == ("Food", "Home")
    assert levels[0].codes.tolist() == [1, -1, 0, -1]
    assert levels[2].values == ("Home/Kitchen/Mugs",)
