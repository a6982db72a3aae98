"""The tables and their columns: the one place where a column name is spelled.

Three public tables (`events`, `items`, `users`) are what strangers' data is mapped onto. The log keeps events
with row numbers in place of ids. Money is in the shop's currency, times are UTC with µs.
"""

from types import SimpleNamespace

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("item_id", pa.string()),
        pa.field("at", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("quantity", pa.float64()),
        pa.field("rating", pa.float64()),
        pa.field("query", pa.string()),
        pa.field("text", pa.string()),
        pa.field("impression_id", pa.string()),
        pa.field("properties", pa.string()),
    ]
)
"""One row an event, in the shop's ids. `event_id` is unique within `source`; `properties` is JSON."""

ITEMS = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("valid_from", TIME, nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("category", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("colour", pa.string()),
        pa.field("price", pa.float64()),
        pa.field("image", pa.string()),
        pa.field("audio", pa.string()),
        pa.field("available", pa.bool_(), nullable=False),
        pa.field("attributes", pa.string()),
    ]
)
"""One row a version of an item, which holds from `valid_from` on (1970-01-01: always did).

`category` is a path, "Home/Kitchen/Mugs"; `attributes` is JSON.
"""

USERS = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("traits", pa.string()),
        pa.field("consents", pa.string()),
    ]
)
"""One row a user. `traits` (age, gender, location, occupation, …: declared) and `consents` are JSON objects."""

LOG = pa.schema(
    [
        pa.field("user", pa.int32(), nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("fingerprint", pa.int64(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("item", pa.int32()),
        pa.field("at", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("quantity", pa.float64()),
        pa.field("rating", pa.float64()),
        pa.field("query", pa.string()),
        pa.field("text", pa.string()),
        pa.field("impression_id", pa.string()),
        pa.field("properties", pa.string()),
    ]
)
"""An event inside: `user` and `item` are row numbers.

`fingerprint` hashes the content, so that a second event of the same id tells whether it is the same event.
"""

JUDGED_LOG = pa.schema(
    [
        *LOG,
        pa.field("verdict", pa.string()),
        pa.field("repair", pa.string()),
        pa.field("flag", pa.string()),
    ]
)
"""The log after `prepare`: why an event is left out (null: kept), what was mended, what is suspect; words by comma."""

VERDICTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string()),
        pa.field("raw", pa.string()),
    ]
)
"""A row that could not be used: where it stood (1-based line of `file`), why, and what it held (JSON)."""


def _names(schema: pa.Schema) -> SimpleNamespace:
    return SimpleNamespace(**{name.upper(): name for name in schema.names})


EVENT = _names(EVENTS)
ITEM = _names(ITEMS)
USER = _names(USERS)
LOGGED = _names(LOG)
JUDGED = _names(JUDGED_LOG)
VERDICT = _names(VERDICTS)
