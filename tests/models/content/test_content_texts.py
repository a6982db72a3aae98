"""What an item says of itself, by hand; and the vectors of a catalogue."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mien.core.item import Catalogue, Item
from mien.core.tables import ITEMS
from mien.models.content.cache import VectorCache
from mien.models.content.texts import catalogue_vectors, item_text, item_texts
from mien.testing.encoder_checks import Letters

TASTES = '{"weight_g": 250, "taste": ["mild", "sweet"], "new": true, "x": null}'
JOURNEY = '{"package_size": "22 lb"}'


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Item("1", "Mug"), "Mug"),
        (Item("1", "Mug", category="Home/Mugs", brand="Ann", colour="blue"), "Mug. Home. Mugs. Ann. blue"),
        (Item("1", "Blue mug", category="Home/Mug", colour="Blue"), "Blue mug. Home"),
        (Item("1", "Rice", category="Ice"), "Rice. Ice"),
        (Item("1", "Ice 22 lb", category="Food/Ice", brand="2 / Our", attributes=JOURNEY), "Ice 22 lb. Food. Our"),
        (Item("1", "手机壳", brand="361", description="硅胶，防摔"), "手机壳. 361. 硅胶，防摔"),
        (Item("1", "", category="Home"), "Home"),
        (Item("1", " "), ""),
        (Item("1", "Tea", attributes=TASTES), "Tea. mild. sweet. weight g 250"),
        (Item("1", "Tea", attributes="not JSON"), "Tea. not JSON"),
        (Item("1", "Tea", attributes='["a", 3]'), "Tea. a. 3"),
    ],
)
def test_the_text_of_an_item(item: Item, text: str) -> None:
    assert item_text(item) == text


def catalogue(*rows: dict[str, object], n_items: int = 0) -> Catalogue:
    filled = [{"item_id": str(k), "valid_from": 0, "available": True, "title": "", **row} for k, row in enumerate(rows)]
    table = pa.Table.from_pylist(filled, schema=ITEMS)
    return Catalogue.of(table, np.arange(len(rows), dtype=np.int32), n_items or len(rows), 1)


def test_items_without_text_are_counted_and_are_rows_of_zero(tmp_path: Path) -> None:
    said = []

    class Told:
        def step(self, name: str, total: int | None) -> object:
            said.append(name)
            return lambda amount: None

    shop = catalogue({"title": "aab"}, {}, {"title": "c"}, {"title": "aab"}, n_items=5)
    encoder = Letters()
    rows = catalogue_vectors(shop, encoder, VectorCache(tmp_path), Told())  # type: ignore[arg-type]
    assert rows == pytest.approx(np.array([[2, 1, 0], [0, 0, 0], [0, 0, 5**0.5], [2, 1, 0], [0, 0, 0]]) / 5**0.5)
    assert said[0] == "texts of 5 items: 2 different, 2 items without any"
    assert encoder.asked == [["aab", "c"]]
    assert (catalogue_vectors(shop, Letters()) == rows).all()


def test_texts_are_the_same_every_time_and_for_equal_items() -> None:
    shop = catalogue({"title": "Tea", "brand": "Ann"}, {"title": "Tea", "brand": "Ann"}, {"title": "Tea"})
    assert item_texts(shop) == ["Tea. Ann", "Tea. Ann", "Tea"]


def test_an_empty_catalogue() -> None:
    empty = Catalogue.of(ITEMS.empty_table(), np.empty(0, dtype=np.int32), 0, 1)
    assert catalogue_vectors(empty, Letters()).shape == (0, 3)
