"""The item table: every version of every item, in one Parquet file that is replaced as a whole."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.core.tables import ITEM, ITEMS
from mien.stores.durable import whole

DERIVED = "derived"
CONTENT = [name for name in ITEMS.names if name != ITEM.VALID_FROM]
STORED = ITEMS.append(pa.field(DERIVED, pa.bool_(), nullable=False))


class ItemTable:
    """Versions of items, declared by the shop or derived from its events.

    A declared version replaces derived ones; a derived one never changes a known item. A version equal to the
    newest one changes nothing, so the same file twice is one version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> pa.Table:
        """All versions, of the schema ITEMS; empty where there are none."""
        return self._stored().select(ITEMS.names)

    def _stored(self) -> pa.Table:
        return pq.read_table(self.path, schema=STORED) if self.path.exists() else STORED.empty_table()

    def add(self, versions: pa.Table, *, derived: bool, undated_us: int) -> int:
        """Add versions (schema ITEMS); returns how many were new.

        A changed item without a date (`valid_from` = 1970-01-01) holds from `undated_us` on.
        """
        old = self._stored()
        new = _changed(old, versions, derived=derived, undated_us=undated_us)
        if not new.num_rows:
            return 0
        if not derived:
            superseded = pc.and_(old[DERIVED], pc.is_in(old[ITEM.ITEM_ID], new[ITEM.ITEM_ID].combine_chunks()))
            old = old.filter(pc.invert(superseded))
        self._write(pa.concat_tables([old, new]))
        return int(new.num_rows)

    def _write(self, table: pa.Table) -> None:
        with whole(self.path) as file:
            pq.write_table(table, file, compression="zstd")


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
