"""Cleaning of real logs: the dirt that is known to be in them is found, and the rest is left alone."""

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest

from mien.prepare.clean import CleanPolicy, fit_judgement, judge
from mien.prepare.refunds import count_refunds
from mien.prepare.repeats import exact_repeats
from mien.prepare.report import QualityReport, count_judged

EMPTY = "NULL::DOUBLE AS rating, NULL::VARCHAR AS query, NULL::VARCHAR AS text, NULL::VARCHAR AS impression_id"


@pytest.fixture(scope="module")
def online_retail(con: Any, shared_data: Path) -> ir.Table:
    """Every invoice line, without a customer too (user −1); equal lines bear the ids that collecting gives them."""
    con.raw_sql(f"""
        CREATE OR REPLACE TABLE online_retail AS
        WITH lines AS (
            SELECT *, md5(concat_ws('|', InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
                                    CustomerID, Country)) AS digest
            FROM '{shared_data / "online_retail" / "transactions.parquet"}'
        ), numbered AS (SELECT *, row_number() OVER (PARTITION BY digest) - 1 AS k FROM lines)
        SELECT coalesce(CustomerID, -1)::INT AS "user",
            left(digest, 20) || CASE WHEN k > 0 THEN '-' || k ELSE '' END AS event_id,
            'online_retail' AS source, 0::BIGINT AS fingerprint, 'purchase' AS action,
            dense_rank() OVER (ORDER BY StockCode)::INT AS item, InvoiceDate AT TIME ZONE 'UTC' AS "at",
            Quantity * UnitPrice AS "value", Quantity::DOUBLE AS quantity,
            {EMPTY}, concat_ws('|', InvoiceNo, Description, Country) AS properties
        FROM numbered""")
    log: ir.Table = con.table("online_retail")
    return log


def test_online_retail_shows_its_dirt(online_retail: ir.Table) -> None:
    """541,909 lines, 5,268 exact duplicates, 10,624 of negative quantity, 2 of negative price, down to −80,995."""
    judgement = fit_judgement(online_retail)
    judged = judge(online_retail, judgement)
    counts = count_judged(judged)
    report = QualityReport(
        counts, refunds=count_refunds(judged), repeats=exact_repeats(online_retail).count().execute()
    )
    report.check()
    assert counts.events == 541_909
    assert report.repeats == 5_268
    assert counts.repairs["negative_to_refund"] == 10_624
    assert counts.actions["refund"] == 10_624
    assert counts.dropped == {"negative_value": 2}
    assert report.refunds is not None
    assert report.refunds.paired + report.refunds.unpaired == 10_624
    assert report.refunds.paired > 3_000


def test_online_retail_repeats_are_dropped_when_asked(online_retail: ir.Table) -> None:
    judgement = fit_judgement(online_retail, CleanPolicy(repeats="drop"))
    assert count_judged(judge(online_retail, judgement)).dropped["repeated_row"] == 5_268


def test_online_retail_bounds_touch_few_lines(online_retail: ir.Table) -> None:
    """The 80,995 pieces ordered and cancelled within minutes are bounded; wholesale orders of hundreds are not."""
    judgement = fit_judgement(online_retail)
    judged = judge(online_retail, judgement)
    high = judgement.range_of["quantity", "purchase"].high
    assert high is not None
    assert 200 < high < 20_000
    assert judged.quantity.max().execute() == high
    bounded = count_judged(judged).repairs
    assert 0 < bounded["quantity_bounded"] < 0.002 * 541_909


def test_ta_feng_price_outliers_are_bounded(con: Any, shared_data: Path) -> None:
    """Lines of up to 444,000 dollars (800 pieces of one article) among lines of 76."""
    source = f"read_csv('{shared_data / 'ta_feng' / 'transactions.csv.gz'}', all_varchar = true)"
    con.raw_sql(f"""
        CREATE OR REPLACE TABLE ta_feng AS
        SELECT CUSTOMER_ID::INT AS "user", row_number() OVER ()::VARCHAR AS event_id, 'ta_feng' AS source,
            0::BIGINT AS fingerprint, 'purchase' AS action, dense_rank() OVER (ORDER BY PRODUCT_ID)::INT AS item,
            strptime(TRANSACTION_DT, '%m/%d/%Y') AT TIME ZONE 'UTC' AS "at", SALES_PRICE::DOUBLE AS "value",
            AMOUNT::DOUBLE AS quantity, {EMPTY}, NULL::VARCHAR AS properties
        FROM {source}""")
    log = con.table("ta_feng")
    judgement = fit_judgement(log)
    counts = count_judged(judge(log, judgement))
    assert counts.events == counts.kept == 653_556
    high = judgement.range_of["value", "purchase"].high
    assert high is not None
    assert 5_000 < high < 44_000
    assert 0 < counts.repairs["value_bounded"] < 0.001 * counts.events
    assert counts.dropped == {}


def test_retailrocket_has_busy_people_but_no_programs(con: Any, shared_data: Path) -> None:
    """Its users all bought something; the busiest has 4,961 events, among them carts and purchases."""
    con.raw_sql(f"""
        CREATE OR REPLACE TABLE retailrocket AS
        SELECT user_id::INT AS "user", row_number() OVER ()::VARCHAR AS event_id, 'retailrocket' AS source,
            0::BIGINT AS fingerprint, event_type AS action, item_id::INT AS item, event_time AT TIME ZONE 'UTC' AS "at",
            NULL::DOUBLE AS "value", NULL::DOUBLE AS quantity, {EMPTY},
            NULL::VARCHAR AS properties
        FROM '{shared_data / "retailrocket" / "events.csv.gz"}'""")
    judgement = fit_judgement(con.table("retailrocket"))
    counts = count_judged(judge(con.table("retailrocket"), judgement))
    assert judgement.bot_users == ()
    assert counts.actions == {"view": 75_374, "cart": 12_456, "purchase": 9_551}
    assert counts.untouched == counts.events
