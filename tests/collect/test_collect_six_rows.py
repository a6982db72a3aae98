"""The case with a known answer, read without a mapping file."""

from datetime import UTC, datetime
from typing import Any

import pytest

Collect = Any


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_headers_map_by_themselves(gather: Collect, six_rows: str, encoding: str) -> None:
    got = gather(six_rows.encode(encoding), "log.csv")
    assert got.report.accepted == 6
    assert [(row["user_id"], row["action"], row["item_id"], row["value"]) for row in got.rows()] == [
        ("1", "view", "101", None),
        ("1", "view", "102", None),
        ("1", "purchase", "101", 199.0),
        ("2", "view", "201", None),
        ("2", "view", "202", None),
        ("2", "purchase", "202", 119.0),
    ]
    assert got.rows()[0]["at"] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert [row["row"] for row in got.rows()] == [2, 3, 4, 5, 6, 7]
    assert {row["item_id"]: (row["category"], row["price"]) for row in got.rows("items")} == {
        "101": ("服装", 199.0),
        "102": ("鞋类", 299.0),
        "201": ("图书", 59.0),
        "202": ("电子", 119.0),
    }
    shown = {"utf-16": "utf-16-le"}.get(encoding, encoding)
    assert got.report.files[0].encoding == shown


def test_the_mapping_used_is_in_the_report_and_can_be_handed_back(gather: Collect, six_rows: str) -> None:
    first = gather(six_rows, "log.csv")
    assert 'user_id = "用户ID"' in first.report.mapping
    assert '"浏览" = "view"' in first.report.mapping
    again = gather(six_rows, "log.csv", mapping=first.report.mapping)
    assert again.rows() == first.rows()


def test_naive_times_are_read_in_the_zone_given(gather: Collect, six_rows: str) -> None:
    got = gather(six_rows, "log.csv", zone="Asia/Shanghai")
    assert got.rows()[0]["at"] == datetime(2024, 1, 1, 2, tzinfo=UTC)


def test_shift_moves_by_whole_weeks_and_leaves_ids(gather: Collect, six_rows: str) -> None:
    still = gather(six_rows, "log.csv")
    moved = gather(six_rows, "log.csv", shift_to=datetime(2024, 1, 17, tzinfo=UTC))
    assert moved.report.shifted_weeks == 2
    assert moved.rows()[-1]["at"] == datetime(2024, 1, 16, 10, 10, tzinfo=UTC)
    assert moved.ids() == still.ids()
    back = gather(six_rows, "log.csv", shift_to=datetime(2023, 1, 1, tzinfo=UTC))
    assert back.rows() == still.rows()
