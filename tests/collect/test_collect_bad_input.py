"""Strangers' files at their worst: never a traceback, never a silent drop."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mien.core.errors import MappingNeeded, SourceError, UnknownName, UsageError

Collect = Any
HEAD = "user_id,action,item_id,timestamp,quantity\n"
GOOD = "u1,view,i1,2024-01-01 10:00:00,1\n"


@pytest.mark.parametrize("name", ["empty.csv", "empty.jsonl", "empty.csv.gz"])
@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_named(gather: Collect, name: str, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"empty.*The file is empty"):
        gather(content, name)


def test_a_header_without_rows_gives_no_rows(gather: Collect) -> None:
    got = gather(HEAD, "a.csv")
    assert got.report.rows == 0
    assert got.rows() == []


def test_a_missing_column_asks_and_leaves_a_draft(gather: Collect, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    with pytest.raises(MappingNeeded, match=r"Which column is user_id\?.*colour") as caught:
        gather(
            "action,item_id,timestamp,shade\nview,i,2024-01-01,colour\n".replace("shade", "colour9"),
            "a.csv",
            draft=draft,
        )
    assert caught.value.draft == draft
    assert 'item_id = "item_id"' in draft.read_text(encoding="utf-8")


def test_a_column_of_the_wrong_type_gives_a_verdict_for_each_row(gather: Collect) -> None:
    mapping = '[map]\nuser_id = "user_id"\naction = "action"\nat = "timestamp"\nquantity = "quantity"\n'
    got = gather(HEAD + GOOD + GOOD.replace(",1\n", ",many\n"), "a.csv", mapping=mapping)
    assert got.reasons() == {3: "bad_number"}
    assert got.rows("verdicts")[0]["detail"] == "quantity: many"
    assert json.loads(got.rows("verdicts")[0]["raw"])["quantity"] == "many"


def test_each_reason_with_its_row(gather: Collect) -> None:
    lines = [
        "u1,view,i1,2024-01-01 10:00:00,1",
        ",view,i1,2024-01-01 10:00:00,1",
        "u1,view,i1,,1",
        "u1,view,i1,someday,1",
        "u1,view,i1,1900-01-01,1",
        "u1,view,i1,2999-01-01,1",
        "u1,teleport,i1,2024-01-01,1",
        "u1,,i1,2024-01-01,1",
        "u1,view,i1,2024-01-01,inf",
        "u1,view,i1",
        "u1,view,i1,2024-01-01,1,surplus",
        "null,view,i1,2024-01-01,1",
        "u1,purchase,i1,2024-01-01,-99999999",
    ] + ["u1,view,i1,2024-01-01,1"] * 20
    got = gather(HEAD + "\n".join(lines) + "\n", "a.csv")
    assert got.reasons() == {
        3: "missing_user",
        4: "missing_time",
        5: "bad_time",
        6: "time_out_of_range",
        7: "time_out_of_range",
        8: "unknown_action",
        9: "missing_action",
        10: "bad_number",
        11: "malformed_row",
        12: "malformed_row",
        13: "missing_user",
    }
    assert [row["quantity"] for row in got.rows()][1] == -99999999.0


def test_a_line_of_100_mb_is_one_verdict(gather: Collect, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write((HEAD + GOOD).encode())
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + GOOD.encode())
    got = gather(path)
    assert got.reasons() == {3: "line_too_long"}
    assert [row["row"] for row in got.rows()] == [2, 4]
    assert len(got.rows("verdicts")[0]["raw"]) < 3000


def test_a_long_last_line_and_a_long_json_line(gather: Collect) -> None:
    assert gather(HEAD + GOOD + "y" * (3 << 20), "a.csv").reasons() == {3: "line_too_long"}
    line = '{"user_id":"u","action":"view","timestamp":"2024-01-01"}\n'
    got = gather(line + '{"user_id":"' + "z" * (9 << 20) + '"}\n' + line, "a.jsonl")
    assert got.reasons() == {2: "line_too_long"}
    assert got.report.accepted == 2


@pytest.mark.parametrize("size", [1, 40_000])
def test_mixed_encodings_lose_only_the_lines_of_the_other_one(gather: Collect, size: int) -> None:
    line = "用户1,浏览,商品,2024-01-01,1\n"
    content = HEAD.encode() + line.encode() * size + line.encode("gb18030") + line.encode() * size
    got = gather(content, "a.csv")
    assert got.report.files[0].encoding == "utf-8"
    assert got.reasons() == {2 + size: "bad_encoding"}
    assert got.report.accepted == 2 * size


def test_a_nul_byte_is_a_verdict(gather: Collect) -> None:
    got = gather(HEAD + GOOD + GOOD.replace("i1", "i\0") + GOOD, "a.csv")
    assert got.reasons() == {3: "malformed_row"}


def test_a_quote_that_is_never_closed_costs_one_row(gather: Collect) -> None:
    bad = GOOD.replace("i1", '"i1')
    got = gather(HEAD + GOOD * 3 + bad + GOOD * 300, "a.csv")
    assert got.reasons() == {5: "malformed_row"}
    assert got.report.accepted == 303


def test_quoted_line_breaks_and_inches(gather: Collect) -> None:
    text = (
        HEAD.replace("quantity", "note")
        + 'u1,view,i1,2024-01-01,"two\nlines"\nu1,view,i1,2024-01-01,19" screen\n'
        + GOOD
    )
    got = gather(text, "a.csv")
    assert got.report.accepted == 3
    assert [json.loads(row["properties"])["note"] for row in got.rows()] == ["two\nlines", '19" screen', "1"]
    assert [row["row"] for row in got.rows()] == [2, 3, 4]


def test_blank_lines_are_skipped_counted_and_keep_row_numbers(gather: Collect) -> None:
    got = gather(HEAD + "\n" + GOOD + "\n\nu1,view\n" + GOOD, "a.csv")
    assert [row["row"] for row in got.rows()] == [3, 7]
    assert got.reasons() == {6: "malformed_row"}
    assert got.report.files[0].blank == 3


def test_json_lines_that_are_none(gather: Collect) -> None:
    good = '{"user_id":"u","action":"view","timestamp":1704067200,"where":{"page":2}}'
    got = gather(f"{good}\nnot json\n[1,2]\n\n{good}\n", "a.jsonl")
    assert got.reasons() == {2: "malformed_row", 3: "malformed_row"}
    assert [row["row"] for row in got.rows()] == [1, 5]
    assert json.loads(got.rows()[0]["properties"]) == {"where": '{"page":2}'}


def test_a_zip_with_nothing_usable_says_what_it_holds(gather: Collect) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8")
    with pytest.raises(SourceError, match=r"holds no CSV.*photo\.jpg"):
        gather(buffer.getvalue(), "a.zip")


def test_every_usable_member_of_a_zip_is_read(gather: Collect) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("one.csv", HEAD + GOOD)
        archive.writestr("deep/two.csv", HEAD + GOOD.replace("u1", "u2"))
    got = gather(buffer.getvalue(), "a.zip")
    assert {row["file"] for row in got.rows()} == {"a.zip/one.csv", "a.zip/deep/two.csv"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", b"PK\x03\x04broken", "damaged"),
        ("a.csv.gz", b"\x1f\x8bbroken", "cannot be read"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfdbroken", "cannot be read"),
        ("a.parquet", b"PAR1broken", "cannot be read"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "Office"),
        ("a.json", b"[{}]", "jq"),
    ],
)
def test_damaged_and_foreign_files_are_named(gather: Collect, name: str, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        gather(content, name)
    assert name in str(caught.value)


def test_what_is_not_there_is_named(gather: Collect, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        gather(tmp_path / "nothing.csv")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"a\.jpg"):
        gather(tmp_path / "photos")
    with pytest.raises(UnknownName, match="online_retail"):
        gather("dataset:online_retial:x")
    with pytest.raises(SourceError, match="Bring its files"):
        gather("dataset:olist")
    with pytest.raises(UsageError, match="int is no source"):
        gather(5)


def test_a_mapping_with_unknown_columns_or_keys_names_the_nearest(gather: Collect) -> None:
    with pytest.raises(UnknownName, match="user_id"):
        gather(HEAD + GOOD, "a.csv", mapping='[map]\nuser_id = "user_idd"\n')
    with pytest.raises(UnknownName, match="time_format"):
        gather(HEAD + GOOD, "a.csv", mapping='time_fromat = "iso"\n')
    with pytest.raises(SourceError, match="not valid TOML"):
        gather(HEAD + GOOD, "a.csv", mapping="= 1")


def test_a_file_of_ragged_rows_only_is_all_verdicts(gather: Collect) -> None:
    got = gather(HEAD + GOOD + "lonely\n" * 25_000, "a.csv")
    assert got.report.rejected == {"malformed_row": 25_000}


def test_columns_named_like_ours_or_like_each_other(gather: Collect) -> None:
    text = "user_id,at,action,row,file,At,mien_row,,reason\nu,2024-01-01,view,1,2,3,4,5,6\n"
    properties = json.loads(gather(text, "a.csv").rows()[0]["properties"])
    assert properties == {"row": "1", "file": "2", "At_2": "3", "mien_row_2": "4", "column8": "5", "reason": "6"}


def test_a_table_of_no_columns(gather: Collect) -> None:
    with pytest.raises(SourceError, match="no columns"):
        gather(pa.table({}))
