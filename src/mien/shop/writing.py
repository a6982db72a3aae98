"""All profiles as one Parquet file, for analysts and other programs."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mien.core.ports import Progress
from mien.core.profile import Profile
from mien.shop.stock import Stock
from mien.stores.durable import whole

AT_ONCE = 500
"""Profiles of one row group; memory goes with it."""

_TAG = pa.struct(
    [
        pa.field("facet", pa.string()),
        pa.field("value", pa.string()),
        pa.field("weight", pa.float64()),
        pa.field("lift", pa.float64()),
        pa.field("confidence", pa.float64()),
        pa.field("n", pa.int64()),
    ]
)
PROFILES = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("as_of", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("lifecycle", pa.string()),
        pa.field("last_seen", pa.timestamp("us", tz="UTC")),
        pa.field("orders", pa.int64()),
        pa.field("spend", pa.float64()),
        pa.field("rfm", pa.string()),
        pa.field("tags", pa.list_(_TAG)),
        pa.field("profile", pa.string(), nullable=False),
    ]
)
"""One row a user: what one filters and sorts by, and the whole profile as JSON."""


def write_profiles(stock: Stock, read: Callable[[str], Profile], out: Path, progress: Progress) -> int:
    """Write what is read of every user with a state; returns how many. The file is there whole or not at all."""
    users = iter(stock.states.users())
    advance = progress.step("write profiles", len(stock.states))
    written = 0
    with whole(out) as place, pq.ParquetWriter(place, PROFILES, compression="zstd") as file:
        while part := list(islice(users, AT_ONCE)):
            ids = [user_id for user_id in stock.catalog.users.keys(part) if user_id is not None]
            rows = [_row(read(user_id)) for user_id in ids]
            file.write_table(pa.Table.from_pylist(rows, schema=PROFILES))
            written += len(rows)
            advance(len(part))
    return written


def _row(profile: Profile) -> dict[str, object]:
    activity, value = profile.activity, profile.value
    return {
        "user_id": profile.user_id,
        "version": profile.version,
        "as_of": profile.as_of,
        "events": profile.events,
        "lifecycle": activity and activity.lifecycle,
        "last_seen": activity and activity.last_seen,
        "orders": value and value.orders,
        "spend": value and value.spend,
        "rfm": value and value.rfm,
        "tags": [{field.name: getattr(tag, field.name) for field in _TAG} for tag in profile.tags],
        "profile": json.dumps(profile.to_dict(), ensure_ascii=False),
    }
