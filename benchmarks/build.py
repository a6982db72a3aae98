"""The table engine on synthetic events: our expressions beside hand-written SQL and pandas, in one run.

    python benchmarks/build.py [--events 20000000] [--users 500000] [--pandas 2000000] [--growth 1000000]

Every measurement runs in a process of its own (peak memory is of that process). All get the same Parquet files, one a
bucket of users, and make the same tables: tallies, days, hours, orders, newest 100 events, transitions before them.
`states` is what a build does: those tables, and every user's encoded state.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from mien.core.event import ACTION_CODE, ACTIONS, Action
from mien.features.assemble import states
from mien.features.decay import LANDMARK_US
from mien.features.engine import connect, read_parquet
from mien.features.state import FoldSettings
from mien.features.tables import fold_tables

SETTINGS = FoldSettings(zone="Asia/Shanghai")
MEMORY = "2500MB"
THREADS = os.cpu_count() or 1
START_US, YEAR_US = 1_672_531_200_000_000, 365 * 86_400_000_000
SPAN = (START_US, START_US + YEAR_US)
OFFSET_US = 8 * 3_600_000_000  # Shanghai


def generate(folder: Path, events: int, users: int, items: int, buckets: int) -> None:
    """Zipf-like users (exponent ½) and items (⅔) over a year; three quarters views, some searches, carts, purchases."""
    con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": str(folder / "spill")})
    con.execute("SELECT setseed(0.5)")
    for bucket in range(buckets):
        n = events // buckets
        con.execute(f"""
            COPY (
                SELECT (floor({users // buckets} * pow(random(), 2)) * {buckets} + {bucket})::INTEGER AS "user",
                    substr(md5((k * {buckets} + {bucket})::VARCHAR), 1, 20) AS event_id, 'synthetic' AS source,
                    k::BIGINT AS fingerprint, action,
                    CASE WHEN action <> 'search' THEN floor({items} * pow(random(), 3))::INTEGER END AS item,
                    make_timestamp({START_US} + (random() * {YEAR_US // 1000})::BIGINT * 1000)::TIMESTAMPTZ AS "at",
                    CASE WHEN action = 'purchase' THEN round(exp(random() * 5), 2) END AS value,
                    NULL::DOUBLE AS quantity, NULL::DOUBLE AS rating,
                    CASE WHEN action = 'search' THEN 'query ' || (k % 5000) END AS query,
                    NULL::VARCHAR AS "text", NULL::VARCHAR AS impression_id, NULL::VARCHAR AS properties
                FROM (
                    SELECT k, CASE WHEN r < 0.75 THEN 'view' WHEN r < 0.85 THEN 'search'
                        WHEN r < 0.92 THEN 'cart' ELSE 'purchase' END AS action
                    FROM (SELECT k, random() AS r FROM range({n}) t(k))
                )
            ) TO '{folder}/bucket-{bucket:03}.parquet' (FORMAT parquet)""")
    con.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("bucket-*.parquet"))


def ours(folder: Path) -> int:
    """Rows of all feature tables, by the expressions of `mien.features.tables`."""
    con = connect(threads=THREADS, memory=MEMORY, temporary=folder / "spill")
    rows = 0
    for path in files(folder):
        kept = []

        def keep(table, kept=kept):
            kept.append(table.cache())
            return kept[-1]

        tables = fold_tables(read_parquet(con, [path]), SETTINGS, span=SPAN, keep=keep)
        rows += sum(getattr(tables, name).to_pyarrow().num_rows for name in tables.__slots__)
        for table in reversed(kept):
            table.release()
    return rows


def build(folder: Path) -> int:
    """Users whose state was encoded."""
    con = connect(threads=THREADS, memory=MEMORY, temporary=folder / "spill")
    parts = (read_parquet(con, [path]) for path in files(folder))
    return sum(1 for _ in states(parts, SETTINGS, span=SPAN))


def bare_queries() -> Iterator[str]:
    """The same counts as one would write them for DuckDB by hand."""
    codes = " ".join(f"WHEN '{action}' THEN {ACTION_CODE[action]}" for action in ACTIONS)
    weight = "exp(ln(2) * (at_us - {0}) / ({1} * 86400000000.0))"
    fast, slow = (weight.format(LANDMARK_US, days) for days in (SETTINGS.fast_days, SETTINGS.slow_days))
    keep, gap = SETTINGS.recent, SETTINGS.session_gap_us
    impression, purchase = ACTION_CODE[Action.IMPRESSION], ACTION_CODE[Action.PURCHASE]
    yield f"""
        CREATE OR REPLACE TEMP TABLE p AS
        SELECT *, row_number() OVER w - 1 AS pos, lead(action) OVER w AS before, lead(at_us) OVER w AS before_us
        FROM (
            SELECT "user", event_id, (CASE action {codes} ELSE -1 END)::SMALLINT AS action, coalesce(item, -1) AS item,
                epoch_us("at") AS at_us, coalesce(value, 0) AS value, coalesce(quantity, 1) AS quantity
            FROM read_parquet('$PATH')
        )
        WINDOW w AS (PARTITION BY "user", action = {impression}
            ORDER BY at_us DESC, event_id DESC, action DESC, item DESC)"""
    yield f"""
        SELECT "user", item, action, count(*) AS n, sum({fast}) AS fast, sum({slow}) AS slow, sum(quantity) AS quantity,
            sum(value) AS value, min(at_us) AS first_us, max(at_us) AS last_us, arg_min(event_id, pos) AS newest
        FROM p GROUP BY "user", item, action"""
    yield f"""
        SELECT "user", ((at_us + {OFFSET_US}) // 86400000000)::INTEGER AS day, action, count(*) AS n,
            sum(quantity) AS quantity, sum(value) AS value
        FROM p GROUP BY "user", day, action"""
    yield f"""
        SELECT "user", ((at_us + {OFFSET_US}) // 3600000000 % 24)::SMALLINT AS hour, count(*) AS n
        FROM p WHERE action <> {impression} GROUP BY "user", hour"""
    yield f"""
        SELECT "user", at_us, count(*) AS n, sum(value) AS value FROM p
        WHERE action = {purchase} GROUP BY "user", at_us"""
    yield f"""
        SELECT "user", at_us, action, item, event_id, pos FROM p WHERE action <> {impression} AND pos < {keep}"""
    yield f"""
        SELECT "user", before, action AS after, count(*) AS n FROM p
        WHERE action <> {impression} AND pos >= {keep} AND before IS NOT NULL GROUP BY "user", before, action"""
    yield f"""
        SELECT "user", count(*) FILTER (before_us IS NULL OR at_us - before_us >= {gap}) AS sessions FROM p
        WHERE action <> {impression} AND pos >= {keep} GROUP BY "user" """
    yield f"""
        SELECT "user", at_us, event_id, action, item FROM p WHERE action <> {impression} AND pos = {keep}"""
    for column, limit in (("query", SETTINGS.queries), ("text", SETTINGS.texts)):
        yield f"""
            SELECT "user", epoch_us("at") AS at_us, event_id, left("{column}", {SETTINGS.text_length}) AS written
            FROM read_parquet('$PATH') WHERE "{column}" IS NOT NULL AND "{column}" <> ''
            QUALIFY row_number() OVER (PARTITION BY "user" ORDER BY "at" DESC, event_id DESC) <= {limit}"""


def bare(folder: Path) -> int:
    """Rows of all feature tables, by hand-written SQL."""
    con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": str(folder / "spill")})
    con.execute("SET preserve_insertion_order = false")
    rows = 0
    for path in files(folder):
        make, *reads = (query.replace("$PATH", str(path)) for query in bare_queries())
        con.execute(make)
        rows += sum(con.execute(query).to_arrow_table().num_rows for query in reads)
    return rows


def pandas(folder: Path) -> int:
    """Rows of the same tables (without queries and texts), by pandas."""
    import numpy as np
    import pandas as pd

    names = ["user", "event_id", "action", "item", "at", "value", "quantity"]
    df = pd.concat([pd.read_parquet(path, columns=names) for path in files(folder)])
    df["at_us"] = df["at"].astype("int64") // (1 if df["at"].dt.unit == "us" else 1000)
    df["action"] = df["action"].map(ACTION_CODE).astype("int8")
    df["item"], df["value"] = df["item"].fillna(-1).astype("int32"), df["value"].fillna(0.0)
    df["quantity"] = df["quantity"].fillna(1.0)
    df = df.sort_values(["user", "at_us", "event_id"])
    for name, days in (("fast", SETTINGS.fast_days), ("slow", SETTINGS.slow_days)):
        df[name] = np.exp2((df["at_us"] - LANDMARK_US) / (days * 86_400_000_000))
    df["n"] = 1
    tallies = df.groupby(["user", "item", "action"]).agg(
        n=("n", "sum"), fast=("fast", "sum"), slow=("slow", "sum"), quantity=("quantity", "sum"),
        value=("value", "sum"), first_us=("at_us", "first"), last_us=("at_us", "last"), newest=("event_id", "last"),
    )  # fmt: skip
    df["day"], df["hour"] = (df["at_us"] + OFFSET_US) // 86_400_000_000, (df["at_us"] + OFFSET_US) // 3_600_000_000 % 24
    sums = {"n": "sum", "quantity": "sum", "value": "sum"}
    days = df.groupby(["user", "day", "action"]).agg(sums)
    hours = df.groupby(["user", "hour"])["n"].sum()
    bought = df[df["action"] == ACTION_CODE[Action.PURCHASE]]
    orders = bought.groupby(["user", "at_us"]).agg({"n": "sum", "value": "sum"})
    by_user = df.groupby("user")
    pos = by_user.cumcount(ascending=False)
    before, before_us = by_user["action"].shift(), by_user["at_us"].shift()
    recent, early = df[pos < SETTINGS.recent], df[pos >= SETTINGS.recent].assign(before=before, before_us=before_us)
    pairs = early.dropna(subset="before").groupby(["user", "before", "action"])["n"].sum()
    begins = early["before_us"].isna() | (early["at_us"] - early["before_us"] >= SETTINGS.session_gap_us)
    prefix = begins.groupby(early["user"]).sum()
    return sum(map(len, (tallies, days, hours, orders, recent, pairs, prefix)))


WAYS: dict[str, Callable[[Path], int]] = {"ours": ours, "bare": bare, "pandas": pandas, "states": build}


def measured(way: str, folder: Path) -> dict[str, float]:
    """Seconds, peak MB and rows of one way, in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--folder", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{way} failed ({answer.returncode}):\n{answer.stderr[-2000:]}")
    return json.loads(answer.stdout)


def run_one(way: str, folder: Path) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[way](folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"s": time.perf_counter() - start, "cpu_s": time.process_time() - cpu, "peak_mb": peak, "rows": rows}
        )
    )


def compare(events: int, users: int, ways: tuple[str, ...], work: Path) -> dict[str, dict[str, float]]:
    """Generate a log of this size and measure each way on it."""
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        generate(folder, events, users, max(1000, users // 5), buckets=max(1, events // 1_250_000))
        result = {}
        for way in ways:
            result[way] = one = measured(way, folder)
            print(
                f"{events:>11,} events  {way:7s} {one['s']:8.1f} s  (CPU {one['cpu_s']:.1f} s)  "
                f"peak {one['peak_mb']:6,.0f} MB  {one['rows']:,.0f} rows",
                flush=True,
            )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=500_000)
    parser.add_argument("--pandas", type=int, default=2_000_000, help="events of the comparison with pandas")
    parser.add_argument("--growth", type=int, default=1_000_000, help="events of the small end of the growth")
    parser.add_argument("--work", type=Path, default=None, help="where the synthetic files lie while it runs")
    parser.add_argument("--way", choices=sorted(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        run_one(arguments.way, arguments.folder)
        return
    print(f"{THREADS} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}, memory_limit {MEMORY}")
    per_user = arguments.events / arguments.users
    small = compare(arguments.growth, int(arguments.growth / per_user), ("ours", "states"), arguments.work)
    middle = compare(arguments.pandas, int(arguments.pandas / per_user), ("ours", "bare", "pandas"), arguments.work)
    large = compare(arguments.events, arguments.users, ("bare", "ours", "states"), arguments.work)
    larger = arguments.events / arguments.growth
    print(f"ours / bare SQL at {arguments.events:,}: {large['ours']['s'] / large['bare']['s']:.2f} × (target ≤ 1.5)")
    by_clock, by_cpu = (middle["pandas"][unit] / middle["ours"][unit] for unit in ("s", "cpu_s"))
    print(f"pandas / ours at {arguments.pandas:,}: {by_clock:.1f} × by the clock, {by_cpu:.1f} × in CPU (target ≥ 5)")
    print(f"peak memory of a build of {arguments.events:,}: {large['states']['peak_mb']:,.0f} MB (target ≤ 4,096)")
    for way in ("ours", "states"):
        print(f"growth of {way} over {larger:g} × the events: {large[way]['s'] / small[way]['s']:.1f} ×")


if __name__ == "__main__":
    main()
