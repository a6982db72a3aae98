"""Messages, files and dead letters are kept without direct identifiers; ids, codes and declared traits stay."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mien.collect import presidio
from mien.collect.cleaned import MAYBE, clean_events, clean_verdicts
from mien.collect.cleaning import Cleaner
from mien.collect.identifiers import Found
from mien.collect.refused import RECEIVED
from mien.collect.tracking import read_message
from mien.core.clock import from_us
from mien.core.errors import UnknownName
from mien.core.tables import EVENTS, VERDICTS
from mien.core.tracked import Refusal, Tracked

CLEANER = Cleaner()
TYPED = (
    "ann@b.example", "ann＠b.example", "138 0013 8000", "+86-13754900130", "010-51236699", "(212) 555-0143",
    "212.555.0143", "+44 20 7946 0958", "my phone: 7946 0958", "电话是7946 0958", "11010519491231002X", "A123456(3)",
    "4111 1111 1111 1111", "6222021234567890128", "DE89 3704 0044 0532 0130 00", "护照E12345678",
    "passport no. AB1234567", "192.168.1.77", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fe80:0:0:1::8a2e",
    "１３７５４９００１３０",
)  # fmt: skip
NOW_US = 1_790_000_000_000_000


def read(**message: Any) -> Tracked:
    raw = json.dumps({"type": "track", "messageId": "m1", "userId": "ann@shop.example", **message}).encode()
    found = read_message(raw, source="http", received_us=NOW_US, cleaner=CLEANER)
    assert isinstance(found, Tracked)
    return found


def test_texts_and_properties_of_an_event() -> None:
    found = read(
        event="Product Reviewed",
        properties={
            "product_id": "13800138000", "sku": "4111111111111111", "rating": 5, "review_body": "call 13800138000",
            "phone": "555 12", "contact": 13800138000, "customer": {"first_name": "Ann", "note": "ann@b.example"},
            "url": "https://shop.example/13800138000?to=ann@b.example", "tags": ["13800138000", "red"], "gift": True,
        },
    )  # fmt: skip
    (event,) = found.events
    assert (event.user_id, event.item_id, event.text) == ("ann@shop.example", "13800138000", "call <PHONE>")
    said = json.loads(event.properties or "")
    assert said == {
        "product_id": "13800138000", "sku": "4111111111111111", "rating": 5, "review_body": "call <PHONE>",
        "phone": "<PHONE>", "contact": "<PHONE>", "customer": {"first_name": "<NAME>", "note": "<EMAIL>"},
        "url": "https://shop.example/13800138000?to=<EMAIL>", "tags": ["<PHONE>", "red"], "gift": True,
    }  # fmt: skip


def test_what_is_not_an_event_of_ours() -> None:
    other = read(event="Newsletter Asked", properties={"to": "ann@b.example", "list": "weekly"}).other
    assert other is not None
    assert json.loads(other.properties) == {"to": "<EMAIL>", "list": "weekly"}
    page = read(type="page", name="Home", properties={"search": "?q=13800138000"}).other
    assert page is not None
    assert "13800138000" not in page.properties


def test_declared_identifiers_stay_and_others_go() -> None:
    traits = {
        "email": "ann@b.example",
        "name": "Ann",
        "address": {"city": "Köln"},
        "bio": "mail ann@b.example",
        "age": 4,
    }
    assert read(type="identify", traits=traits).traits == {
        "email": "ann@b.example", "name": "Ann", "address.city": "Köln", "bio": "mail <EMAIL>", "age": 4,
    }  # fmt: skip


def test_the_digest_is_of_what_was_sent() -> None:
    one = read(event="Products Searched", properties={"query": "13800138000"})
    other = read(event="Products Searched", properties={"query": "13900139000"})
    assert one.events[0].query == other.events[0].query == "<PHONE>"
    assert one.digest != other.digest


def test_dead_letters_name_nobody_but_by_their_ids() -> None:
    raw = {
        "type": "track",
        "userId": "ann@shop.example",
        "event": "X",
        "timestamp": "soon",
        "properties": {"to": 13800138000},
    }
    found = read_message(json.dumps(raw).encode(), source="http", received_us=NOW_US, cleaner=CLEANER)
    assert isinstance(found, Refusal)
    told = {"properties": {"to": "<PHONE>"}, RECEIVED: from_us(NOW_US).isoformat()}
    assert json.loads(found.raw) == raw | told
    broken = read_message(b'{"to": "ann@b.example", ', source="http", received_us=NOW_US, cleaner=CLEANER)
    assert isinstance(broken, Refusal)
    assert broken.raw == '{"to": "<EMAIL>", '


def test_without_a_cleaner_all_is_left() -> None:
    raw = json.dumps(
        {"type": "track", "userId": "u", "event": "Products Searched", "properties": {"query": "13800138000"}}
    )
    found = read_message(raw.encode(), source="http", received_us=NOW_US)
    assert isinstance(found, Tracked)
    assert found.events[0].query == "13800138000"


def events_file(path: Path, *rows: dict[str, Any]) -> Path:
    fixed = {"source": "s", "user_id": "u", "action": "view", "at": from_us(0)}
    told = [dict.fromkeys(EVENTS.names) | fixed | {"event_id": str(k)} | row for k, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(told, schema=EVENTS), path, row_group_size=2)
    return path


def test_a_file_of_events(tmp_path: Path) -> None:
    path = events_file(
        tmp_path / "events.parquet",
        {"query": "red mug"}, {"query": "13800138000", "properties": '{"ean": "6901234567892"}'},
        {"text": "我的电话是 5552368 谢谢"}, {"properties": '{"First Name": "Ann", "size": "M"}'},
        {"text": "卡6222021234567890128"}, {"properties": '{"order_id": "13800138000"}'},
    )  # fmt: skip
    assert clean_events(path, CLEANER) == 4
    table = pq.read_table(path)
    assert table.schema.equals(EVENTS)
    assert table["query"].to_pylist()[:2] == ["red mug", "<PHONE>"]
    assert [text for text in table["text"].to_pylist() if text] == ["我的电话是 <PHONE> 谢谢", "卡<CARD>"]
    assert [text for text in table["properties"].to_pylist() if text] == [
        '{"ean": "6901234567892"}', '{"First Name":"<NAME>","size":"M"}', '{"order_id": "13800138000"}',
    ]  # fmt: skip
    assert clean_events(path, CLEANER) == 0


def test_a_file_without_any_is_not_written_again(tmp_path: Path) -> None:
    path = events_file(tmp_path / "events.parquet", {"query": "red mug"}, {"text": "ok"})
    before = path.stat().st_mtime_ns
    assert clean_events(path, CLEANER) == 0
    assert path.stat().st_mtime_ns == before


def test_what_a_file_search_lets_pass_has_no_identifier() -> None:
    """The engine's search is a coarse one: whatever the fine one finds, it finds, too."""
    taken = [text for text in TYPED if CLEANER.text(text) is not text]
    assert len(taken) == len(TYPED)
    assert pc.all(pc.match_substring_regex(pa.array(TYPED), MAYBE)).as_py()


def test_rows_that_could_not_be_used(tmp_path: Path) -> None:
    raw = json.dumps({"mail": "ann@b.example", "kunde": "ann@b.example", "when": "soon"})
    rows = [
        {"source": "s", "file": "f", "row": 1, "reason": "bad_time", "detail": "“13800138000” is no time", "raw": raw}
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS), tmp_path / "verdicts.parquet")
    assert clean_verdicts(tmp_path / "verdicts.parquet", CLEANER, frozenset(("kunde",))) == 2
    (found,) = pq.read_table(tmp_path / "verdicts.parquet").to_pylist()
    assert found["detail"] == "“<PHONE>” is no time"
    assert json.loads(found["raw"]) == {"mail": "<EMAIL>", "kunde": "ann@b.example", "when": "soon"}


def test_further_kinds_are_taken_out_where_they_are_not_ours() -> None:
    cleaner = Cleaner(more=lambda text: [Found(0, 3, "CODE"), Found(8, 11, "CODE")] if len(text) > 11 else [])
    assert cleaner.text("ABC and 13800138000") == "<CODE> and <PHONE>"


@pytest.mark.slow
def test_presidio_adds_national_numbers() -> None:
    pytest.importorskip("presidio_analyzer")
    cleaner = Cleaner(more=presidio.finder(("US_SSN", "ES_NIF", "IT_FISCAL_CODE")))
    assert cleaner.text("ssn 536-90-4399") == "ssn <US_SSN>"
    assert cleaner.text("mi NIF 12345678Z, gracias") == "mi NIF <ES_NIF>, gracias"
    assert cleaner.text("RSSMRA85T10A562S") == "<IT_FISCAL_CODE>"
    assert cleaner.text("EAN 6901234567892, 12345678A") == "EAN 6901234567892, 12345678A"
    with pytest.raises(UnknownName, match="US_SSN"):
        presidio.finder(("US_SSM",))
