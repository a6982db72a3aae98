"""A whole shop, from a file to profiles, by the command line: time and peak memory of `mien ingest` and `mien build`.

python benchmarks/shop.py [--users 1000000] [--events 10000000] [--items 50000]
"""

import argparse
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb


def generate(path: Path, events: int, users: int, items: int) -> None:
    """A year of events; every user has at least one, items are Zipf-like."""
    with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(path.parent)}) as con:
        con.execute("SET enable_progress_bar = false")
        con.execute("SELECT setseed(0.5)")
        con.execute(
            f"""
            COPY (
                SELECT 'u' || if(k < {users}, k, floor({users} * pow(random(), 2))::BIGINT) AS user_id,
                    'i' || floor({items} * pow(random(), 3))::INTEGER AS item_id,
                    CASE WHEN random() < 0.8 THEN 'view' WHEN random() < 0.5 THEN 'cart' ELSE 'purchase' END AS action,
                    to_timestamp(1735689600 + (random() * 31536000)::INTEGER) AS at,
                    round(exp(random() * 5), 2) AS value
                FROM range({events}) t(k)
            ) TO '{path}' (FORMAT parquet)
            """
        )


def measured(*command: str) -> tuple[float, float]:
    """Seconds by the clock and peak resident MB of a command of ours."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--items", type=int, default=50_000)
    arguments = parser.parse_args()
    mien = str(Path(sys.executable).with_name("mien"))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        source, shop = Path(folder) / "events.parquet", Path(folder) / "shop"
        sizes = (source, arguments.events, arguments.users, arguments.items)
        apart = multiprocessing.get_context("spawn").Process(target=generate, args=sizes)
        apart.start()  # a child's peak memory covers that of the process it was started from
        apart.join()
        measured(mien, "init", str(shop))
        for name, command in (("ingest", ["--events", str(source)]), ("build", []), ("build again", [])):
            seconds, peak_mb = measured(mien, name.split()[0], "-w", str(shop), *command)
            print(f"{name:12s} {seconds:8.0f} s  {peak_mb:8,.0f} MB peak (target ≤ 4,096)", flush=True)
        size = sum(path.stat().st_size for path in shop.rglob("*") if path.is_file())
        print(f"the workspace holds {size / 2**20:,.0f} MB, the source {source.stat().st_size / 2**20:,.0f} MB")


if __name__ == "__main__":
    main()
