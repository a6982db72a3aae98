"""The item table: every version of every item, in one Parquet file that is replaced as a whole."""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.core.clock import from_us, to_us
from mien.core.item import WITHDRAWN
from mien.core.tables import ITEM, ITEMS
from mien.stores.changes import ItemChange
from mien.stores.durable import whole

DERIVED = "derived"
CONTENT = [name for name in ITEMS.names if name != ITEM.VALID_FROM]
STORED = ITEMS.append(pa.field(DERIVED, pa.bool_(), nullable=False))


_BARE: dict[str, Any] = {ITEM.VALID_FROM: from_us(0), ITEM.AVAILABLE: True, DERIVED: True}


class ItemTable:
    """Versions of items, declared by the shop or derived from its events.

    A declared version replaces derived ones; a derived one never changes a known item. A version equal to the
    newest one changes nothing, so the same file twice is one version. Where a shop declares nothing, items that its
    events name are called by their id (`call_by_id`), until something is said of them or a file of items comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: tuple[tuple[int, int, int], pa.Table] | None = None

    def read(self) -> pa.Table:
        """All versions, of the schema ITEMS; empty where there are none."""
        return self._stored().select(ITEMS.names)

    def _stored(self) -> pa.Table:
        """The file, read once for as long as it stays the same."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            return STORED.empty_table()
        mark = (about.st_ino, about.st_mtime_ns, about.st_size)
        held = self._held
        if held is None or held[0] != mark:
            held = self._held = mark, pq.read_table(self.path, schema=STORED)
        return held[1]

    def add(self, versions: pa.Table, *, derived: bool, undated_us: int) -> int:
        """Add versions (schema ITEMS); returns how many were new.

        A changed item without a date (`valid_from` = 1970-01-01) holds from `undated_us` on.
        """
        stored = self._stored()
        bare = _bare(stored)
        old = stored.filter(pc.invert(bare))
        new = _changed(old, versions, derived=derived, undated_us=undated_us)
        if not new.num_rows:
            return 0
        again = pc.is_in(stored[ITEM.ITEM_ID], new[ITEM.ITEM_ID].combine_chunks())
        gone = pc.and_(bare, again) if derived else pc.or_(bare, pc.and_(stored[DERIVED], again))
        self._write(pa.concat_tables([stored.filter(pc.invert(gone)), new]))
        return int(new.num_rows)

    def call_by_id(self, item_ids: Sequence[str]) -> int:
        """Make items of which nothing is said known by their id; returns how many items are known so now.

        None are, once the shop has declared what it sells.
        """
        stored = self._stored()
        bare, declared = int(pc.sum(_bare(stored)).as_py() or 0), pc.any(pc.invert(stored[DERIVED])).as_py()
        if declared and not bare:
            return 0
        named = pa.array(item_ids, pa.string())
        fresh = named.filter(pc.invert(pc.is_in(named, stored[ITEM.ITEM_ID].combine_chunks())))
        rows = [{ITEM.ITEM_ID: one, ITEM.TITLE: one, **_BARE} for one in fresh.to_pylist()]
        if rows:
            self._write(pa.concat_tables([stored, pa.Table.from_pylist(rows, schema=STORED)]))
        return bare + len(rows)

    def append(self, versions: pa.Table) -> None:
        """Add declared versions (schema ITEMS) as they are; one of the same item and moment is replaced."""
        new = versions.append_column(STORED.field(DERIVED), pa.array([False] * len(versions), pa.bool_()))
        old = self._stored()
        named = pc.is_in(old[ITEM.ITEM_ID], new[ITEM.ITEM_ID].combine_chunks())
        moments = set(zip(*_keys(new), strict=True))
        again = pa.array([key in moments for key in zip(*_keys(old), strict=True)], pa.bool_())
        gone = pc.and_(named, pc.or_(old[DERIVED], again))
        self._write(pa.concat_tables([old.filter(pc.invert(gone)), new.cast(STORED)]))

    def _write(self, table: pa.Table) -> None:
        with whole(self.path) as file:
            pq.write_table(table, file, compression="zstd")


def _bare(stored: pa.Table) -> pa.ChunkedArray:
    """Which versions say no more than that there is such an item."""
    said = [name for name in CONTENT if name not in (ITEM.ITEM_ID, ITEM.TITLE, ITEM.AVAILABLE)]
    bare = pc.and_(stored[DERIVED], pc.equal(stored[ITEM.TITLE], stored[ITEM.ITEM_ID]))
    for name in said:
        bare = pc.and_(bare, pc.is_null(stored[name]))
    return bare


def _keys(versions: pa.Table) -> tuple[list[str], list[int]]:
    """Item and moment of each version."""
    return versions[ITEM.ITEM_ID].to_pylist(), versions[ITEM.VALID_FROM].cast(pa.int64()).to_pylist()


def folded(versions: pa.Table, changes: Sequence[ItemChange]) -> pa.Table:
    """The versions that changes make of these (both of the schema ITEMS): one a change, in the order of their moments.

    What a change does not name stays as it was then; a new item is available, and called by its id where nobody said a
    title. Applied to what it has made already it makes the same again.
    """
    wanted = pa.array(sorted({one.item_id for one in changes}), pa.string())
    found: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for row in versions.filter(pc.is_in(versions[ITEM.ITEM_ID], wanted)).sort_by(ITEM.VALID_FROM).to_pylist():
        found[row[ITEM.ITEM_ID]].append((to_us(row[ITEM.VALID_FROM]), row))
    made = []
    for change in sorted(changes, key=lambda one: (one.valid_from_us, one.number)):
        held = found[change.item_id]
        before = next((row for at_us, row in reversed(held) if at_us <= change.valid_from_us), None)
        row = {**_unsaid(change.item_id, before), **change.fields, ITEM.VALID_FROM: from_us(change.valid_from_us)}
        insort(held, (change.valid_from_us, row), key=lambda pair: pair[0])
        made.append(row)
    return pa.Table.from_pylist(made, schema=ITEMS)


def _unsaid(item_id: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """What an item is before a change; one that was withdrawn begins anew."""
    if before is None or before[ITEM.TITLE] == WITHDRAWN:
        return {**dict.fromkeys(ITEMS.names), ITEM.ITEM_ID: item_id, ITEM.TITLE: item_id, ITEM.AVAILABLE: True}
    return before


def _changed(old: pa.Table, versions: pa.Table, *, derived: bool, undated_us: int) -> pa.Table:
    """Those of `versions` that say something new, in the stored schema."""
    same = " AND ".join(f"v.{name} IS NOT DISTINCT FROM l.{name}" for name in CONTENT)
    undated = f"epoch_us(v.{ITEM.VALID_FROM}) = 0"
    known = "l.derived IS NOT NULL AND NOT l.derived"
    valid_from = (
        f"CASE WHEN {undated} AND {known} THEN make_timestamptz({int(undated_us)}) ELSE v.{ITEM.VALID_FROM} END"
    )
    unwanted = "l.derived IS NOT NULL" if derived else f"coalesce({same} AND NOT l.derived, false)"
    columns = ", ".join(f"{valid_from} AS {n}" if n == ITEM.VALID_FROM else f"v.{n}" for n in ITEMS.names)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("old", old)
        con.register("versions", versions.select(ITEMS.names))
        found = con.sql(
            f"WITH latest AS (SELECT * FROM old QUALIFY row_number() OVER "
            f"(PARTITION BY {ITEM.ITEM_ID} ORDER BY {ITEM.VALID_FROM} DESC) = 1) "
            f"SELECT {columns}, {str(derived).lower()} AS {DERIVED} "
            f"FROM versions v LEFT JOIN latest l USING ({ITEM.ITEM_ID}) WHERE NOT ({unwanted}) "
            f"QUALIFY row_number() OVER (PARTITION BY v.{ITEM.ITEM_ID}, v.{ITEM.VALID_FROM}) = 1 "
            f"ORDER BY v.{ITEM.ITEM_ID}, v.{ITEM.VALID_FROM}"
        )
        return found.to_arrow_table().cast(STORED)
