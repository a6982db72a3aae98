"""Data sets of one events file: UCI Online Retail, RetailRocket, REES46, Taobao UserBehavior, Ta-Feng."""

from dataclasses import replace

from mien.collect.datasets.dataset import WHERE_FROM, Shelf, Tables
from mien.collect.engine import ident, literal
from mien.collect.mapping import Mapping
from mien.collect.raw import FLAW, HELD, Raw
from mien.core.errors import SourceError
from mien.core.event import Action
from mien.core.tables import EVENT, ITEM

NOT_A_PRODUCT = "not_a_product"
_RETAIL_SERVICES = ("POST", "D", "M", "S", "B", "DOT", "C2", "CRUK", "BANK CHARGES", "AMAZONFEE", "ADJUST", "ADJUST2")
"""Postage, discounts, manual entries, samples, bad debts, carriage, charity, fees."""


def open_online_retail(shelf: Shelf) -> Tables:
    """Invoice lines: C… invoices are refunds, service codes are verdicts (`not_a_product`).

    The shop has no categories: the first four characters of the stock code stand for one.
    """
    lines = shelf.main("transactions", "online retail", "online_retail", "online_retail_ii", "data")
    invoice = _column(lines, "InvoiceNo", "Invoice")
    price = _column(lines, "UnitPrice", "Price")
    customer = _column(lines, "CustomerID", "Customer ID")
    codes = ", ".join(map(literal, _RETAIL_SERVICES))
    code = "upper(trim(CAST(StockCode AS VARCHAR)))"
    service = f"{code} IN ({codes}) OR starts_with({code}, 'GIFT')"
    sql = (
        f"SELECT {ident(customer)} AS customer, StockCode AS item, Description AS title, InvoiceDate AS at_text,"
        f" Quantity AS quantity, {ident(price)} AS price, {ident(invoice)} AS invoice, Country AS country,"
        f" CASE WHEN starts_with(upper(CAST({ident(invoice)} AS VARCHAR)), 'C') THEN 'refund' ELSE 'purchase' END"
        f" AS said, left({code}, 4) AS category, mien_file, mien_row, {HELD},"
        f" coalesce({FLAW}, CASE WHEN {service} THEN '{NOT_A_PRODUCT}' END) AS {FLAW} FROM ({lines.relation})"
    )
    mapping = Mapping(
        "events",
        source="online_retail",
        time_format=("iso", "%m/%d/%Y %H:%M"),
        map={
            EVENT.USER_ID: ("customer",),
            EVENT.ACTION: ("said",),
            EVENT.ITEM_ID: ("item",),
            EVENT.AT: ("at_text",),
            EVENT.QUANTITY: ("quantity",),
            ITEM.TITLE: ("title",),
            ITEM.CATEGORY: ("category",),
            ITEM.PRICE: ("price",),
        },
        properties=("invoice",),
        traits={"location": "country"},
    )
    return {"events": (shelf.derive(sql, lines), mapping)}


def _column(raw: Raw, *names: str) -> str:
    """The first of these columns that is there."""
    known = {column.name.casefold(): column.name for column in raw.columns}
    found = [known[name.casefold()] for name in names if name.casefold() in known]
    if not found:
        have = ", ".join(column.name for column in raw.columns)
        raise SourceError(
            "There is no column {names: or }; there are {have}.", names=names, have=have, path=raw.files[0].name
        )
    return found[0]


def open_retailrocket(shelf: Shelf) -> Tables:
    """Views, carts and transactions; Kaggle's item properties, where they are there, give categories and stock."""
    events = shelf.main("events")
    kaggle = any(column.name == "visitorid" for column in events.columns)
    names = ("visitorid", "event", "itemid") if kaggle else ("user_id", "event_type", "item_id")
    mapping = Mapping(
        "events",
        source="retailrocket",
        time_format=("unix_ms",) if kaggle else ("unix_s",),
        map={
            EVENT.USER_ID: (names[0],),
            EVENT.ACTION: (names[1],),
            EVENT.ITEM_ID: (names[2],),
            EVENT.AT: ("timestamp",),
        },
        properties=("transactionid",) if kaggle else (),
    )
    tables: Tables = {"events": (events, mapping)}
    properties = shelf.table("item_properties_part1", "item_properties_part2", "item_properties")
    if properties is not None:
        tables["items"] = (_retailrocket_items(shelf, properties), _RETAILROCKET_ITEMS)
    return tables


_RETAILROCKET_ITEMS = Mapping(
    "items",
    source="retailrocket",
    time_format=("unix_ms",),
    map={name: (name,) for name in (ITEM.ITEM_ID, ITEM.VALID_FROM, ITEM.CATEGORY, ITEM.AVAILABLE)},
    properties=(),
)


def _retailrocket_items(shelf: Shelf, properties: Raw) -> Raw:
    """One version of an item for each change of category or stock; the first one holds from the beginning."""
    tree = shelf.table("category_tree")
    paths = "SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS path WHERE FALSE"
    if tree is not None:
        step = f"SELECT categoryid AS id, parentid AS parent FROM ({tree.relation}) WHERE {FLAW} IS NULL"
        paths = (
            f"WITH RECURSIVE tree AS ({step}), walk AS (SELECT id, id AS path FROM tree WHERE parent IS NULL UNION ALL"
            f" SELECT tree.id, walk.path || '/' || tree.id FROM tree JOIN walk ON tree.parent = walk.id)"
            f" SELECT id, path FROM walk"
        )
    kept = f"SELECT * FROM ({properties.relation}) WHERE property IN ('categoryid', 'available') AND {FLAW} IS NULL"
    window = "PARTITION BY itemid ORDER BY CAST(timestamp AS BIGINT), mien_row"
    first = f"row_number() OVER ({window}) = 1"
    known = {
        name: f"last_value(CASE WHEN property = '{word}' THEN value END IGNORE NULLS) OVER ({window})"
        for name, word in (("category_id", "categoryid"), ("stock", "available"))
    }
    versions = (
        f"SELECT itemid AS item_id, CASE WHEN {first} THEN NULL ELSE timestamp END AS valid_from,"
        f" {known['category_id']} AS category_id, {known['stock']} AS available, {WHERE_FROM} FROM ({kept})"
    )
    sql = (
        f"SELECT item_id, valid_from, coalesce(path, category_id) AS category, available, {WHERE_FROM}"
        f" FROM ({versions}) LEFT JOIN ({paths}) ON category_id = id"
    )
    return shelf.derive(sql, properties)


def open_rees46(shelf: Shelf) -> Tables:
    """Views, carts, removals and purchases of a multi-category store, one file a month; `a.b.c` is a category path."""
    events = shelf.main()
    sql = (
        "SELECT * EXCLUDE (category_code), replace(CAST(category_code AS VARCHAR), '.', '/') AS category"
        f" FROM ({events.relation})"
    )
    mapping = Mapping(
        "events",
        source="rees46",
        map={
            EVENT.USER_ID: ("user_id",),
            EVENT.ACTION: ("event_type",),
            EVENT.ITEM_ID: ("product_id",),
            EVENT.AT: ("event_time",),
            ITEM.CATEGORY: ("category",),
            ITEM.BRAND: ("brand",),
            ITEM.PRICE: ("price",),
        },
        properties=("category_id", "user_session"),
    )
    return {"events": (shelf.derive(sql, events), mapping)}


def open_taobao(shelf: Shelf) -> Tables:
    """UserBehavior.csv: a headerless log of page views, carts, favourites and purchases (times are unix seconds)."""
    events = shelf.main("userbehavior", columns=("user_id", "item_id", "category_id", "behavior", "timestamp"))
    mapping = Mapping(
        "events",
        source="taobao",
        time_format=("unix_s",),
        map={
            EVENT.USER_ID: ("user_id",),
            EVENT.ACTION: ("behavior",),
            EVENT.ITEM_ID: ("item_id",),
            EVENT.AT: ("timestamp",),
            ITEM.CATEGORY: ("category_id",),
        },
    )
    return {"events": (events, mapping)}


def open_ta_feng(shelf: Shelf) -> Tables:
    """Grocery lines of a Taiwanese store by day; SALES_PRICE is the total of the line, AMOUNT its pieces."""
    lines = shelf.main("transactions", "ta_feng_all_months_merged")
    price = "TRY_CAST(SALES_PRICE AS DOUBLE) / nullif(TRY_CAST(AMOUNT AS DOUBLE), 0)"
    priced = shelf.derive(f"SELECT *, {price} AS piece FROM ({lines.relation})", lines)
    mapping = Mapping(
        "events",
        source="ta_feng",
        action=Action.PURCHASE,
        time_format=("%m/%d/%Y",),
        map={
            EVENT.USER_ID: ("CUSTOMER_ID",),
            EVENT.ITEM_ID: ("PRODUCT_ID",),
            EVENT.AT: ("TRANSACTION_DT",),
            EVENT.VALUE: ("SALES_PRICE",),
            EVENT.QUANTITY: ("AMOUNT",),
            ITEM.CATEGORY: ("PRODUCT_SUBCLASS",),
            ITEM.PRICE: ("piece",),
        },
        properties=("ASSET",),
        traits={"age": "AGE_GROUP", "location": "PIN_CODE"},
    )
    return {"events": (replace(priced, files=lines.files), mapping)}
