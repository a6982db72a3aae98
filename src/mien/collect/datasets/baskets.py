"""Data sets of several files that belong together: Instacart, Olist."""

from mien.collect.datasets.dataset import WHERE_FROM, Shelf, Tables
from mien.collect.mapping import Mapping
from mien.collect.raw import FILE, FLAW, HELD, ROW, Raw
from mien.core.errors import SourceError
from mien.core.event import Action
from mien.core.tables import EVENT, ITEM, USER

_INSTACART_START = "TIMESTAMPTZ '2017-01-01 00:00:00+00'"  # a Sunday, which order_dow counts from


def open_instacart(shelf: Shelf) -> Tables:
    """Grocery orders that know no date, only the days between them.

    Each user's first order is put into the week of 2017-01-01, on its weekday and hour; the later ones follow by
    `days_since_prior_order` (30 there means 30 or more). Times compare within a user, not between users.
    """
    orders = shelf.main("orders")
    lines = _needed(shelf, "order_products__prior", "order_products__train")
    by_user = "OVER (PARTITION BY user_id ORDER BY CAST(order_number AS INTEGER))"
    days = f"sum(coalesce(TRY_CAST(days_since_prior_order AS DOUBLE), 0)) {by_user}"
    dated = (
        f"SELECT order_id, user_id, {_INSTACART_START} + to_days(CAST(first_value(CAST(order_dow AS INTEGER))"
        f" {by_user} + {days} AS INTEGER))"
        f" + to_hours(CAST(order_hour_of_day AS INTEGER)) AS ordered_at FROM ({orders.relation}) WHERE {FLAW} IS NULL"
    )
    sql = (
        f"SELECT dated.user_id, dated.ordered_at, line.order_id, line.product_id, line.add_to_cart_order,"
        f" line.reordered, {_own('line')} FROM ({lines.relation}) line LEFT JOIN ({dated}) dated USING (order_id)"
    )
    events = Mapping(
        "events",
        source="instacart",
        action=Action.PURCHASE,
        map={
            EVENT.USER_ID: ("user_id",),
            EVENT.ITEM_ID: ("product_id",),
            EVENT.AT: ("ordered_at",),
        },
        properties=("order_id", "add_to_cart_order", "reordered"),
    )
    tables: Tables = {"events": (shelf.derive(sql, lines), events)}
    products, aisles, departments = (shelf.table(name) for name in ("products", "aisles", "departments"))
    if products and aisles and departments:
        sql = (
            f"SELECT p.product_id, p.product_name, a.aisle, d.department, {_own('p')} FROM ({products.relation}) p"
            f" LEFT JOIN ({aisles.relation}) a USING (aisle_id)"
            f" LEFT JOIN ({departments.relation}) d USING (department_id)"
        )
        items = Mapping(
            "items",
            source="instacart",
            map={ITEM.ITEM_ID: ("product_id",), ITEM.TITLE: ("product_name",), ITEM.CATEGORY: ("department", "aisle")},
            properties=(),
        )
        tables["items"] = (shelf.derive(sql, products), items)
    return tables


def open_olist(shelf: Shelf) -> Tables:
    """A Brazilian marketplace: each order line is a purchase (of cancelled orders also, marked in the properties);
    each review is a review of the order's first product."""
    orders = _needed(shelf, "olist_orders_dataset")
    lines = _needed(shelf, "olist_order_items_dataset")
    customers = _needed(shelf, "olist_customers_dataset")
    reviews = shelf.table("olist_order_reviews_dataset")
    who = (
        f"SELECT o.order_id, o.order_purchase_timestamp, o.order_status, c.customer_unique_id"
        f" FROM ({orders.relation}) o LEFT JOIN ({customers.relation}) c USING (customer_id)"
    )
    bought = (
        f"SELECT 'purchase' AS said, who.customer_unique_id AS who, line.product_id AS item,"
        f" who.order_purchase_timestamp AS happened, line.price AS price, '1' AS pieces, NULL AS stars, NULL AS words,"
        f" line.order_id AS order_id, who.order_status AS order_status, line.seller_id AS seller_id, {_own('line')}"
        f" FROM ({lines.relation}) line LEFT JOIN ({who}) who USING (order_id)"
    )
    parts = [bought]
    if reviews is not None:
        first = f"SELECT order_id, arg_min(product_id, order_item_id) AS product_id FROM ({lines.relation}) GROUP BY 1"
        text = "concat_ws(' ', r.review_comment_title, r.review_comment_message)"
        parts.append(
            f"SELECT 'review' AS said, who.customer_unique_id AS who, first.product_id AS item,"
            f" r.review_creation_date AS happened, NULL AS price, NULL AS pieces, r.review_score AS stars,"
            f" {text} AS words, r.order_id AS order_id, who.order_status AS order_status, NULL AS seller_id,"
            f" {_own('r')} FROM ({reviews.relation}) r"
            f" LEFT JOIN ({who}) who USING (order_id) LEFT JOIN ({first}) first USING (order_id)"
        )
    events = Mapping(
        "events",
        source="olist",
        map={
            EVENT.USER_ID: ("who",),
            EVENT.ACTION: ("said",),
            EVENT.ITEM_ID: ("item",),
            EVENT.AT: ("happened",),
            EVENT.VALUE: ("price",),
            EVENT.QUANTITY: ("pieces",),
            EVENT.RATING: ("stars",),
            EVENT.TEXT: ("words",),
        },
    )
    tables: Tables = {
        "events": (shelf.derive(" UNION ALL BY NAME ".join(parts), lines, *([reviews] if reviews else [])), events),
        "users": (
            shelf.derive(
                f"SELECT customer_unique_id, customer_city AS location, customer_state AS state, {WHERE_FROM}"
                f" FROM ({customers.relation})",
                customers,
            ),
            Mapping("users", source="olist", map={USER.USER_ID: ("customer_unique_id",)}),
        ),
    }
    products = shelf.table("olist_products_dataset")
    if products is not None:
        tables["items"] = (_olist_products(shelf, products, lines), _OLIST_ITEMS)
    return tables


_OLIST_ITEMS = Mapping(
    "items",
    source="olist",
    map={
        ITEM.ITEM_ID: ("product_id",),
        ITEM.TITLE: ("category",),
        ITEM.CATEGORY: ("category",),
        ITEM.PRICE: ("price",),
    },
    properties=("product_weight_g",),
)


def _olist_products(shelf: Shelf, products: Raw, lines: Raw) -> Raw:
    """Products are anonymous: their category (in English where the translation is there) is their title, too."""
    names = shelf.table("product_category_name_translation")
    translated = (
        "SELECT NULL::VARCHAR AS product_category_name, NULL::VARCHAR AS product_category_name_english WHERE FALSE"
    )
    if names is not None:
        translated = f"SELECT product_category_name, product_category_name_english FROM ({names.relation})"
    prices = f"SELECT product_id, median(TRY_CAST(price AS DOUBLE)) AS price FROM ({lines.relation}) GROUP BY 1"
    sql = (
        f"SELECT p.product_id, replace(coalesce(t.product_category_name_english, p.product_category_name), '_', ' ')"
        f" AS category, price, p.product_weight_g, {_own('p')} FROM ({products.relation}) p"
        f" LEFT JOIN ({translated}) t USING (product_category_name) LEFT JOIN ({prices}) USING (product_id)"
    )
    return shelf.derive(sql, products)


def _own(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in (FILE, ROW, FLAW, HELD))


def _needed(shelf: Shelf, *stems: str) -> Raw:
    raw = shelf.table(*stems)
    if raw is None:
        raise SourceError(
            "{stem}.csv is missing. Looked for: {about}.", stem=stems[0], about=shelf.about, path=shelf.path
        )
    return raw
