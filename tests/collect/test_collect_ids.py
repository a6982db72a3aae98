"""Event ids: the same rows have the same ids, whatever they came in; equal lines stay apart."""

import gzip
import io
import json
import random
import zipfile
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Collect = Any
HEADER = ["user_id", "event_type", "timestamp", "product_id", "price", "quantity", "note"]

rows_of_a_shop = st.lists(
    st.tuples(
        st.integers(1, 3).map(lambda n: f"u{n}"),
        st.sampled_from(["view", "cart", "purchase"]),
        st.integers(0, 3).map(lambda n: f"2024-01-0{n + 1} 10:00:00"),
        st.integers(1, 2).map(lambda n: f"用{n}"),
        st.sampled_from(["1.5", "20", ""]),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["", "早, 好", 'say "hi"', "a|b", "two\nlines"]),
    ),
    min_size=1,
    max_size=12,
)


def as_csv(rows: list[tuple[str, ...]], delimiter: str = ",") -> str:
    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"\t|\n') else value

    return "".join(delimiter.join(map(cell, row)) + "\n" for row in [tuple(HEADER), *rows])


def as_table(rows: list[tuple[str, ...]]) -> pa.Table:
    texts = {name: [row[k] or None for row in rows] for k, name in enumerate(HEADER)}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})
    typed = {"price": pa.float64(), "quantity": pa.int64(), "timestamp": pa.timestamp("us")}
    for name, kind in typed.items():
        table = table.set_column(HEADER.index(name), name, table[name].cast(kind))
    return table


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_of_a_shop, seed=st.integers(0, 99))
def test_ids_do_not_depend_on_how_rows_came(gather: Collect, rows: list[tuple[str, ...]], seed: int) -> None:
    text = as_csv(rows)
    expected = gather(text, "a.csv").ids()
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert gather(as_csv(shuffled), "b.csv").ids() == expected
    assert gather(as_csv(rows, "\t").encode("gb18030"), "c.tsv").ids() == expected
    assert gather(gzip.compress(text.encode()), "d.csv.gz").ids() == expected
    assert gather(zstandard.compress(text.encode("utf-16")), "e.csv.zst").ids() == expected
    assert gather(zipped("inside.csv", text.encode()), "f.zip").ids() == expected
    objects = [{k: v for k, v in zip(HEADER, row, strict=True) if v} for row in rows]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects)
    assert gather(lines, "g.jsonl").ids() == expected
    buffer = io.BytesIO()
    pq.write_table(as_table(rows), buffer)
    assert gather(buffer.getvalue(), "h.parquet").ids() == expected
    assert gather(as_table(rows)).ids() == expected


def test_the_same_file_twice_gives_the_same_table(gather: Collect, six_rows: str) -> None:
    many = six_rows + "".join(six_rows.splitlines(keepends=True)[1:]) * 500
    first, second = gather(many, "a.csv"), gather(many, "a.csv")
    assert first.rows() == second.rows()


def test_equal_lines_get_an_ordinal(gather: Collect, six_rows: str) -> None:
    header, line = six_rows.splitlines()[:2]
    got = gather(f"{header}\n{line}\n{line}\n{line}\n", "a.csv")
    first = got.rows()[0]["event_id"]
    assert len(first) == 20
    assert [row["event_id"] for row in got.rows()] == [first, f"{first}-1", f"{first}-2"]
    assert len({row["fingerprint"] for row in got.rows()}) == 1


def test_equal_lines_of_two_files_are_one_event(gather: Collect, six_rows: str, tmp_path: Any) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(six_rows, encoding="utf-8")
    rows = gather(tmp_path / "in").rows()
    assert len(rows) == 12
    assert len({row["event_id"] for row in rows}) == 6
    assert {row["file"] for row in rows} == {"a.csv", "b.csv"}


def test_an_id_of_the_source_is_kept_and_names_the_source_by_its_columns(gather: Collect) -> None:
    head = "event_id,user_id,action,item_id,timestamp\n"
    clicks = gather(head + "1,u,view,i,2024-01-01\n2,u,view,i,2024-01-01\n", "a.csv")
    assert [row["event_id"] for row in clicks.rows()] == ["1", "2"]
    orders = gather("id,user,event,sku,ts\n1,u,view,i,2024-01-01\n", "b.csv")
    assert clicks.report.source != orders.report.source
    assert clicks.report.source == gather(head + "9,u,cart,i,2024-01-01\n", "other.csv").report.source
    changed = gather(head + "1,u,cart,i,2024-01-01\n2,u,view,i,2024-01-01\n", "a.csv").rows()
    assert [a["fingerprint"] == b["fingerprint"] for a, b in zip(clicks.rows(), changed, strict=True)] == [False, True]


@pytest.mark.parametrize("written", ["17850", "17850.0"])
def test_a_whole_number_taken_for_a_float_is_the_same_id(gather: Collect, written: str) -> None:
    got = gather(f"user_id,action,item_id,time\n{written},view,1.0,2024-01-01\n", "a.csv")
    assert (got.rows()[0]["user_id"], got.rows()[0]["item_id"]) == ("17850", "1")


def test_numbers_of_csv_and_parquet_are_one(gather: Collect) -> None:
    text = "user_id,action,time,weight\n1,view,2024-01-01,2.50\n1,view,2024-01-01,3.0\n"
    table = pacsv.read_csv(io.BytesIO(text.encode()))
    assert gather(table).ids() == gather(text, "a.csv").ids()
    assert [row["properties"] for row in gather(table).rows()] == ['{"weight":"2.5"}', '{"weight":"3"}']
