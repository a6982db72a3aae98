"""What a draft takes by itself, what it asks, and what each key of a mapping does."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mien.collect.mapping import Mapping, parse_mapping
from mien.collect.times import guess_times, time_shape
from mien.collect.vocabulary import load_vocabulary
from mien.core.errors import MappingNeeded, UnknownName, UsageError
from mien.core.event import ACTIONS

Collect = Any
AT = datetime(2011, 1, 2, 8, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("2011-01-02", "iso"),
        ("2011-01-02T08:05:00.5Z", "iso"),
        ("2011-01-02 08:05:00+08:00", "iso"),
        ("2019-10-01 00:00:00 UTC", "iso"),
        ("2011/1/2 8:05", "iso"),
        ("874965758", "unix_s"),
        ("1293955500.25", "unix_s"),
        ("1293955500000", "unix_ms"),
        ("1293955500000000", "unix_us"),
        ("1293955500000000000", "unix_ns"),
        ("20110102", "%Y%m%d"),
        ("20110102080500", "%Y%m%d%H%M%S"),
        ("1/2/2011 8:05", "<a>/<b>/%Y %H:%M"),
        ("1.2.11", "<a>.<b>.%y"),
        ("1/2/2011 8:05:00 PM", "<a>/<b>/%Y %I:%M:%S %p"),
        ("02-Jan-2011", "%d-%b-%Y"),
        ("2011年1月2日 8:05", "%Y年%m月%d日 %H:%M"),
        ("someday", None),
        ("12", None),
        ("2011-01", None),
    ],
)
def test_the_shape_of_a_time(value: str, shape: str | None) -> None:
    assert time_shape(value) == shape


@pytest.mark.parametrize(
    "written",
    [
        *("2011-01-02 08:05:00", "2011-01-02T08:05:00Z", "2011-01-02T16:05:00+08:00", "2011/1/2 8:05"),
        *("1293955500", "1293955500000", "1293955500000000", "20110102080500", "2011年1月2日 8:05", "02-Jan-2011 8:05"),
    ],
)
def test_every_way_to_write_a_time_is_read(gather: Collect, written: str) -> None:
    got = gather(f"user_id,action,time\nu,view,{written}\nu,cart,{written}\n", "a.csv")
    assert [row["at"] for row in got.rows()] == [AT, AT]


def test_day_and_month_are_told_by_content(gather: Collect) -> None:
    head = "user_id,action,time\n"
    american = gather(head + "u,view,1/2/2011 8:05\nu,view,12/25/2011 8:05\n", "a.csv")
    assert american.rows()[0]["at"] == AT
    european = gather(head + "u,view,2/1/2011 8:05\nu,view,25/12/2011 8:05\n", "a.csv")
    assert european.rows()[0]["at"] == AT
    with pytest.raises(MappingNeeded, match="month first or day first"):
        gather(head + "u,view,1/2/2011 8:05\n", "a.csv")


def test_the_proof_may_stand_far_down(gather: Collect) -> None:
    rows = "u,view,1/2/2011 8:05\n" * 5_000 + "u,view,1/13/2011 8:05\n"
    assert gather("user_id,action,time\n" + rows, "a.csv").rows()[0]["at"] == AT


def test_unix_times_no_calendar_holds_are_out_of_range(gather: Collect) -> None:
    good = "u,view,1293955500\n" * 20
    got = gather("user_id,action,time\n" + good + "u,view,99999999999999999999\nu,view,soon\n", "a.csv")
    assert got.reasons() == {22: "time_out_of_range", 23: "bad_time"}


def test_guess_needs_nine_in_ten() -> None:
    assert guess_times(["2011-01-02"] * 9 + ["?"]) is not None
    assert guess_times(["2011-01-02"] * 8 + ["?"] * 2) is None


def test_date_and_clock_in_two_columns(gather: Collect) -> None:
    got = gather("用户,动作,日期,时间\n1,收藏,2011-01-02,08:05\n1,分享,2011-01-02,08:06\n", "a.csv")
    assert [(row["action"], row["at"].minute) for row in got.rows()] == [("favourite", 5), ("share", 6)]


def test_numbered_actions_are_those_of_taobao(gather: Collect) -> None:
    got = gather("uid,behavior_type,item,ts\n" + "".join(f"1,{n},9,1293955500\n" for n in (1, 2, 3, 4)), "a.csv")
    assert [row["action"] for row in got.rows()] == ["view", "favourite", "cart", "purchase"]
    assert any("Taobao" in str(message) for message in got.report.messages)


def test_orders_without_actions_are_purchases_and_ratings_are_rates(gather: Collect) -> None:
    orders = gather("order_id,customer_id,sku,qty,unit_price,order_date\n1,c,s,2,2.5,2011-01-02\n", "a.csv")
    assert [(row["action"], row["value"], row["quantity"]) for row in orders.rows()] == [("purchase", 5.0, 2.0)]
    ratings = gather("userId,movieId,rating,timestamp\n1,2,4.5,1293955500\n", "a.csv")
    assert [(row["action"], row["rating"]) for row in ratings.rows()] == [("rate", 4.5)]
    with pytest.raises(MappingNeeded, match="What is each row"):
        gather("user,item,time\n1,2,1293955500\n", "a.csv")


def test_a_file_without_a_header_asks_and_its_draft_can_be_completed(gather: Collect, tmp_path: Path) -> None:
    text = "u1,i9,view,2011-01-02\nu2,i9,buy,2011-01-03\nu1,i9,view,2011-01-04\n"
    draft = tmp_path / "draft.toml"
    with pytest.raises(MappingNeeded, match="user_id"):
        gather(text, "a.csv", draft=draft)
    done = draft.read_text(encoding="utf-8").replace("[map]\n", '[map]\nuser_id = "column1"\nitem_id = "column2"\n')
    got = gather(text, "a.csv", mapping=done)
    assert [(row["user_id"], row["action"], row["row"]) for row in got.rows()] == [
        ("u1", "view", 1),
        ("u2", "purchase", 2),
        ("u1", "view", 3),
    ]


def test_two_ids_of_equal_right_are_asked(gather: Collect) -> None:
    text = "customer_no,buyer,action,time\n1,2,view,2011-01-02\n"
    with pytest.raises(MappingNeeded, match="customer_no, buyer"):
        gather(text, "a.csv")


def test_order_of_rows_as_time(gather: Collect) -> None:
    mapping = 'time = "order"\naction = "view"\nstart = "2020-01-01"\n[map]\nuser_id = "u"\nitem_id = "i"\n'
    rows = gather("u,i\na,1\na,2\na,1\n", "a.csv", mapping=mapping).rows()
    assert [row["at"].second - rows[0]["at"].second for row in rows] == [0, 1, 2]
    assert rows[0]["at"].year == 2020
    again = gather("u,i\na,2\na,1\na,1\n", "a.csv", mapping=mapping).rows()
    assert {row["event_id"] for row in again} == {row["event_id"] for row in rows}


def test_money_is_read_with_its_signs(gather: Collect) -> None:
    head = "user_id,action,time,amount\n"
    got = gather(head + 'u,buy,2011-01-02,"¥1,299.00"\nu,buy,2011-01-02,$5\n', "a.csv")
    assert [row["value"] for row in got.rows()] == [1299.0, 5.0]
    rows = "u;buy;2011-01-02;1.299,50 €\nu;buy;2011-01-02;5,0\n"
    comma = gather(head.replace(",", ";") + rows, "a.csv")
    assert [row["value"] for row in comma.rows()] == [1299.5, 5.0]


def test_items_of_their_own(gather: Collect) -> None:
    text = (
        "sku,name,类别,price,in_stock,material\n1,Cup,Home/Mugs,2.5,1,clay\n2,,Home,x,1,\n,Plate,Home,1,1,\n"
        "3,Old,Home,1,yes,\n3,New,Home,2,no,\n4,,Home,,,\n"
    )
    mapping = '[map]\nitem_id = "sku"\ntitle = "name"\ncategory = "类别"\nprice = "price"\navailable = "in_stock"\n'
    got = gather(text, "a.csv", kind="items", mapping=mapping)
    assert got.reasons() == {3: "bad_number", 4: "missing_item_id", 5: "superseded"}
    items = {item["item_id"]: item for item in got.rows("items")}
    assert (items["3"]["title"], items["3"]["available"]) == ("New", False)
    assert (items["4"]["title"], items["4"]["price"], items["4"]["available"]) == ("4", None, True)
    assert json.loads(items["1"]["attributes"]) == {"material": "clay"}
    assert items["1"]["valid_from"] == datetime(1970, 1, 1, tzinfo=UTC)


def test_item_versions_by_time(gather: Collect) -> None:
    text = "id,title,price,updated_at\n1,A,1,2024-01-01\n1,A,2,2024-02-01\n1,A,3,never\n" + "2,B,1,2024-01-01\n" * 1
    mapping = '[map]\nitem_id = "id"\ntitle = "title"\nprice = "price"\nvalid_from = "updated_at"\n'
    got = gather(text, "a.csv", kind="items", mapping=mapping)
    assert [(item["item_id"], item["valid_from"].month, item["price"]) for item in got.rows("items")] == [
        ("1", 1, 1.0),
        ("1", 2, 2.0),
        ("2", 1, 1.0),
    ]
    assert got.reasons() == {4: "bad_time"}


def test_users_of_their_own(gather: Collect) -> None:
    text = "会员ID,性别,年龄,zip,mail\n1,女,30,01234,yes\n2,男,41,90210,\n,男,1,1,\n"
    mapping = '[map]\nuser_id = "会员ID"\n[traits]\ngender = "性别"\nage = "年龄"\n[consents]\nemail = "mail"\n'
    got = gather(text, "a.csv", kind="users", mapping=mapping)
    users = {user["user_id"]: user for user in got.rows("users")}
    assert json.loads(users["1"]["traits"]) == {"gender": "女", "age": 30, "zip": "01234"}
    assert (users["1"]["consents"], users["2"]["consents"]) == ('{"email":true}', None)
    assert got.reasons() == {4: "missing_user"}
    drafted = gather(text, "a.csv", kind="users")
    assert json.loads(drafted.rows("users")[0]["traits"])["gender"] == "女"


def test_carried_items_take_the_commonest_text_and_the_median_price(gather: Collect) -> None:
    rows = [("A", 1), ("A", 2), ("B", 10), ("A", 3)]
    text = "user_id,action,time,item_id,title,price,age\n"
    text += "".join(f"u,view,2011-01-02,9,{title},{price},30\n" for title, price in rows)
    got = gather(text, "a.csv")
    item = got.rows("items")[0]
    assert (item["title"], item["price"]) == ("A", 2.5)
    assert [json.loads(user["traits"]) for user in got.rows("users")] == [{"age": "30"}]


def test_a_category_of_several_columns_keeps_its_levels(gather: Collect) -> None:
    mapping = '[map]\nuser_id = "u"\naction = "a"\nat = "t"\nitem_id = "i"\ncategory = ["c1", "c2"]\n'
    got = gather("u,a,t,i,c1,c2\n1,view,2011-01-02,5,Home,Cups/Mugs\n", "a.csv", mapping=mapping)
    assert got.rows("items")[0]["category"] == "Home/Cups∕Mugs"


def frame_rows() -> dict[str, list[Any]]:
    return {
        "user_id": [1.0, 2.0, None],
        "action": ["view", "buy", "view"],
        "time": [AT, AT, AT],
        "item": ["a", "b", "c"],
        "price": [1, 2, 3],
    }


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow", "reader"])
def test_tables_in_memory(gather: Collect, library: str) -> None:
    arrow = pa.table(frame_rows())
    source = {
        "pandas": lambda: pd.DataFrame(frame_rows()),
        "polars": lambda: pl.DataFrame(frame_rows()),
        "arrow": lambda: arrow,
        "reader": lambda: arrow.to_reader(),
    }[library]()
    got = gather(source)
    assert [(row["user_id"], row["action"], row["at"], row["value"]) for row in got.rows()] == [
        ("1", "view", AT, None),
        ("2", "purchase", AT, 2.0),
    ]
    assert got.reasons() == {3: "missing_user"}
    assert got.ids() == gather(arrow).ids()


def test_a_mapping_survives_its_file() -> None:
    mapping = parse_mapping(
        {
            "source": "shop",
            "zone": "Asia/Shanghai",
            "action": "purchase",
            "time_format": "%d/%m/%Y",
            "decimal": ",",
            "columns": ["a", "b"],
            "properties": [],
            "map": {"user_id": "a", "category": ["b", "c"]},
            "traits": {"age": "d"},
        },
        "events",
    )

    assert parse_mapping(tomllib.loads(mapping.to_toml(("a comment",))), "events") == mapping
    assert Mapping("items").to_toml() == 'kind = "items"\n'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"kind": "items"}, UsageError),
        ({"zone": "Mars"}, UsageError),
        ({"decimal": ";"}, UsageError),
        ({"time": "never"}, UsageError),
        ({"time_format": "yesterday"}, UsageError),
        ({"map": {"user": "a"}}, UnknownName),
        ({"action": "teleport"}, UnknownName),
        ({"map": {"user_id": 5}}, UsageError),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named(data: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_mapping(data, "events")


def test_the_vocabulary_knows_every_action_and_no_word_twice() -> None:
    vocabulary = load_vocabulary()
    assert set(vocabulary.actions.values()) == set(ACTIONS)
    assert set(vocabulary.weights) == set(ACTIONS)
    assert vocabulary.action(" 加入购物车 ") == "cart"
    assert vocabulary.targets("events", "User-ID") == ("user_id",)
    with pytest.raises(UnknownName, match="commerce"):
        load_vocabulary("comerce")
