"""Small sources, and what they become."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mien.collect.source import CollectOptions, Delivery, collect

SIX_ROWS = """用户ID,行为,时间,商品ID,类别,价格
1,浏览,2024-01-01 10:00:00,101,服装,199
1,浏览,2024-01-01 10:05:00,102,鞋类,299
1,购买,2024-01-01 10:10:00,101,服装,199
2,浏览,2024-01-02 10:00:00,201,图书,59
2,浏览,2024-01-02 10:05:00,202,电子,119
2,购买,2024-01-02 10:10:00,202,电子,119
"""


class Collected:
    """A delivery, and its tables as lists of rows (in the order of the source)."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.report = delivery.report

    def rows(self, kind: str = "events") -> list[dict[str, Any]]:
        path = getattr(self.delivery, kind)
        rows = [] if path is None else pq.read_table(path).to_pylist()
        return sorted(rows, key=lambda row: (row["file"], row["row"])) if kind in ("events", "verdicts") else rows

    def ids(self) -> set[str]:
        ids = [row["event_id"] for row in self.rows()]
        assert len(set(ids)) == len(ids)
        return set(ids)

    def reasons(self) -> dict[int, str]:
        """Row → reason."""
        return {row["row"]: row["reason"] for row in self.rows("verdicts")}


Collect = Callable[..., Collected]


@pytest.fixture
def six_rows() -> str:
    """Two users of a Chinese shop: the case with a known answer."""
    return SIX_ROWS


@pytest.fixture
def gather(tmp_path: Path) -> Collect:
    """Write content to a file (or hand an object through), collect it, and check what must hold of any delivery."""
    count = 0

    def run(
        source: object, name: str | None = None, *, kind: str = "events", mapping: object = None, **options: Any
    ) -> Collected:
        nonlocal count
        count += 1
        if isinstance(source, bytes) or (isinstance(source, str) and name):
            path = tmp_path / f"source-{count}" / (name or "events.csv")
            path.parent.mkdir()
            path.write_bytes(source if isinstance(source, bytes) else source.encode())
            source = path
        if isinstance(mapping, str):
            mapping_file = tmp_path / f"mapping-{count}.toml"
            mapping_file.write_text(mapping, encoding="utf-8")
            mapping = mapping_file
        out = tmp_path / f"out-{count}"
        collected = Collected(
            collect(kind, source, folder=out, options=CollectOptions(**options), mapping=mapping)  # type: ignore[arg-type]
        )
        report = collected.report
        assert report.rows == report.accepted + sum(report.rejected.values())
        assert pq.read_metadata(getattr(collected.delivery, kind)).num_rows == report.accepted
        rejected = [sum(one.rejected.values()) for one in (report, *report.also)]
        assert pq.read_metadata(collected.delivery.verdicts).num_rows == sum(rejected)
        return collected

    return run
