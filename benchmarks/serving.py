"""Profiles and recommendations over HTTP, beside the same server answering a constant; memory under load.

python benchmarks/serving.py FOLDER [--items 100000] [--users 100000] [--seconds 15] [--workers 1] [--minutes 0]

The shop is made in FOLDER the first time: categories and brands of unequal size, ten acts a user, a tenth of them
purchases. It is served by `mien serve` as it is, rate limits off; `wrk` (Debian) sends, on the same cores. With
--minutes recommendations are asked for so long, and the server's memory is told each minute.
"""

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

import mien

CONNECTIONS, ACTS = 8, 10
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RATES = ("MIEN_SERVER_KEY_RATE", "MIEN_SERVER_ADDRESS_RATE")
SCRIPT = """
math.randomseed({seed})
request = function()
  local user = "u" .. math.random(0, {users} - 1)
  {how}
end
"""
PROFILE = 'return wrk.format("GET", "/v1/profiles/" .. user)'
RECOMMEND = """wrk.headers["Content-Type"] = "application/json"
  return wrk.format("POST", "/v1/recommend", nil, '{"k": 10, "user_id": "' .. user .. '"}')"""
CONSTANT = 'return wrk.format("GET", "/healthz")'


def made(folder: Path, items: int, users: int) -> None:
    """The shop, ingested and built; a folder that holds one is left as it is."""
    if (folder / "build.json").exists():
        return
    draw = np.random.default_rng(0)
    leaf, brand = draw.zipf(1.3, items) % 400, draw.zipf(1.3, items) % 2000
    goods = pa.table(
        {
            "item_id": [f"i{k}" for k in range(items)],
            "title": [f"thing {k} of kind {of}" for k, of in enumerate(leaf.tolist())],
            "category": [f"Department {of % 20}/Kind {of}" for of in leaf.tolist()],
            "brand": [f"Brand {of}" for of in brand.tolist()],
            "price": np.round(draw.lognormal(2.5, 1.0, items), 2),
        }
    )
    n = users * ACTS
    ago_s = np.sort(draw.integers(0, 90 * 86_400, n))[::-1]
    acts = pa.table(
        {
            "event_id": [f"e{k}" for k in range(n)],
            "user_id": [f"u{k}" for k in draw.integers(0, users, n).tolist()],
            "item_id": [f"i{k}" for k in (draw.zipf(1.2, n) % items).tolist()],
            "action": np.where(draw.random(n) < 0.1, "purchase", "view"),
            "timestamp": [NOW - timedelta(seconds=one) for one in ago_s.tolist()],
        }
    )
    with mien.create(folder) as shop:
        shop.ingest(items=goods)
        shop.ingest(events=acts)
        shop.build()


@contextmanager
def served(folder: Path, workers: int) -> Iterator[tuple[int, int]]:
    """`mien serve` on a free port; its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    command = [sys.executable, "-m", "mien", "serve", "-w", str(folder), "--port", str(port), "--workers", str(workers)]
    unlimited = dict.fromkeys(RATES, "0")
    process = subprocess.Popen(command, env={**os.environ, **unlimited}, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/healthz")
                break
            except OSError:
                time.sleep(0.1)
        warm(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def warm(port: int) -> None:
    """The first question makes what all share."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for _ in range(4):
        body = json.dumps({"user_id": "u0", "k": 10})
        connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == 200, told


def asked(port: int, how: str, users: int, seconds: float, seed: int = 0) -> dict[str, float]:
    """What wrk says: requests a second, median and 99th percentile in ms, and answers that were no 2xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(seed=seed, users=users, how=how))
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", "-s", script.name]
        told = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    found = {name: re.search(rf"{name}\s+([\d.]+)(us|ms|s)", told) for name in ("50%", "99%")}
    ms = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert rate is not None, told
    return {
        "requests_s": float(rate[1]),
        **{f"p{name[:2]}_ms": float(hit[1]) * ms[hit[2]] for name, hit in found.items() if hit},
        "refused": float(bad[1]) if bad else 0.0,
    }


def resident_mb(pid: int) -> float:
    """Memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text()
    own = re.search(r"VmRSS:\s+(\d+)", status)
    return (int(own[1]) / 1024 if own else 0.0) + sum(resident_mb(int(child)) for child in children)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=int, default=0)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("This benchmark sends with wrk. On Debian: apt install wrk")
    print(f"{platform.platform()}, {os.cpu_count()} cores, {options.workers} worker(s), {CONNECTIONS} connections")
    made(options.folder, options.items, options.users)
    with served(options.folder, options.workers) as (port, pid):
        for name, how in (
            ("constant", CONSTANT),
            ("profile", PROFILE),
            ("recommend", RECOMMEND),
            ("constant", CONSTANT),
        ):
            found = asked(port, how, options.users, options.seconds)
            print(f"{name:10}", {key: round(value, 2) for key, value in found.items()}, flush=True)
        for minute in range(options.minutes):
            found = asked(port, RECOMMEND, options.users, 60.0, seed=minute)
            print(f"minute {minute + 1}: {resident_mb(pid):.0f} MB, {found['requests_s']:.0f} requests/s", flush=True)


if __name__ == "__main__":
    main()
