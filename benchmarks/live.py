"""Tracked events a second, durable, beside a bare ASGI app that only appends to SQLite: in one run, as a ratio.

python benchmarks/live.py [--events 20000] [--batch 50] [--connections 4] [--rounds 3]

Both servers run under uvicorn in a process of their own and answer 200 after the commit (`synchronous=FULL`). The bare
app parses the JSON and writes each message as it came, one transaction for all requests that wait. Mien's is
`mien serve` as it is, with a line of log a request. Rounds alternate; the CPU time is the server's, folding included,
which goes on after the last answer.
"""

import argparse
import asyncio
import http.client
import json
import os
import platform
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mien
from mien.testing.world import world

USERS, ITEMS = 2_000, 500


def bare(file: str) -> Any:
    """An ASGI app that appends messages to one table."""
    waiting: list[tuple[list[Any], asyncio.Future[None]]] = []
    changed = asyncio.Event()

    async def write() -> None:
        db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS log (offset INTEGER PRIMARY KEY, raw TEXT)")

        def commit(group: list[tuple[list[Any], asyncio.Future[None]]]) -> None:
            db.execute("BEGIN IMMEDIATE")
            for rows, _ in group:
                db.executemany("INSERT INTO log (raw) VALUES (?)", rows)
            db.execute("COMMIT")

        while True:
            await changed.wait()
            changed.clear()
            group, waiting[:] = waiting[:], []
            if group:
                await asyncio.to_thread(commit, group)
                for _, done in group:
                    done.set_result(None)

    tasks: list[asyncio.Task[None]] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if not tasks:
            tasks.append(asyncio.create_task(write()))
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part["body"], part.get("more_body", False)
        if scope["method"] == "POST":
            rows = [(json.dumps(one),) for one in json.loads(body)["batch"]]
            done = asyncio.get_running_loop().create_future()
            waiting.append((rows, done))
            changed.set()
            await done
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


def bodies(events: int, batch: int, name: str) -> list[bytes]:
    now = datetime.now(UTC).isoformat()
    return [
        json.dumps(
            {
                "batch": [
                    {
                        "type": "track", "event": "Product Viewed", "messageId": f"{name}-{k}", "timestamp": now,
                        "userId": f"u{k * 7919 % USERS}", "context": {"library": {"name": "bench", "version": "1"}},
                        "properties": {"product_id": f"p{k * 104729 % ITEMS}", "price": 9.5, "currency": "EUR"},
                    }
                    for k in range(start, start + batch)
                ],
                "sentAt": now,
            }
        ).encode()
        for start in range(0, events, batch)
    ]  # fmt: skip


def post(port: int, sent: list[bytes], connections: int) -> tuple[float, list[float]]:
    """Seconds until everything is answered, and how long each request took."""
    took: list[float] = []

    def work(mine: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for body in mine:
            began = time.perf_counter()
            connection.request("POST", "/v1/batch", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            took.append(time.perf_counter() - began)
        connection.close()

    threads = [threading.Thread(target=work, args=(sent[k::connections],)) for k in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, took


@contextmanager
def server(*arguments: str) -> Iterator[tuple[int, int]]:
    """A server on a free port, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    which, place = arguments
    command = [sys.executable, __file__, "--bare", place]
    if which == "mien":
        command = [sys.executable, "-m", "mien", "serve", "-w", place]
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/healthz")
                break
            except OSError:
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def serve_bare(place: str, port: int) -> None:
    import uvicorn

    uvicorn.run(bare(place), port=port, log_level="warning", access_log=False, lifespan="off")


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def visible(port: int, rate: int, seconds: float) -> list[float]:
    """Seconds from 200 until the profile has the event, while `rate` events a second stream in."""
    stop = time.perf_counter() + seconds
    sent = bodies(int(rate * seconds) + 20, 20, "stream")
    waits: list[float] = []

    def stream() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        began = time.perf_counter()
        for k, body in enumerate(sent):
            time.sleep(max(0.0, began + 20 * k / rate - time.perf_counter()))
            connection.request("POST", "/v1/batch", body)
            connection.getresponse().read()
            if time.perf_counter() > stop:
                return

    thread = threading.Thread(target=stream)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    n = 0
    while time.perf_counter() < stop:
        n += 1
        one = {"type": "track", "event": "Product Viewed", "userId": "probe", "properties": {"product_id": "teapot"}}
        connection.request("POST", "/v1/track", json.dumps(one | {"messageId": f"probe-{n}"}))
        connection.getresponse().read()
        began = time.perf_counter()
        while True:
            connection.request("GET", "/v1/profiles/probe")
            answer = json.loads(connection.getresponse().read())
            if answer.get("events", 0) >= n:
                break
        waits.append(time.perf_counter() - began)
        time.sleep(0.05)
    thread.join()
    return waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        serve_bare(arguments.bare, arguments.port)
        return
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    rates: dict[str, list[float]] = {"bare": [], "mien": []}
    costs: dict[str, list[float]] = {"bare": [], "mien": []}
    with tempfile.TemporaryDirectory() as folder:
        toy, place = world(), Path(folder) / "shop"
        with mien.create(place) as shop:
            shop.ingest(events=toy.event_table, items=toy.items)
            shop.build()
        with server("bare", str(Path(folder) / "bare.sqlite")) as low, server("mien", str(place)) as ours:
            for round_ in range(arguments.rounds):
                for name, (at, pid) in (("bare", low), ("mien", ours)):
                    before_s = cpu_s(pid)
                    sent = bodies(arguments.events, arguments.batch, f"{name}-{round_}")
                    seconds, took = post(at, sent, arguments.connections)
                    rates[name].append(arguments.events / seconds)
                    worst = sorted(took)[int(len(took) * 0.99) - 1] * 1e3
                    during_s = cpu_s(pid) - before_s
                    time.sleep(10 if name == "mien" else 1)  # the fold catches up, and does not slow the other down
                    costs[name].append((cpu_s(pid) - before_s) / arguments.events * 1e6)
                    during_us = during_s / arguments.events * 1e6
                    print(
                        f"{name:5s} {rates[name][-1]:9,.0f} events/s durable; a batch p99 {worst:6.1f} ms; "
                        f"CPU of an event {during_us:4.0f} µs until answered, {costs[name][-1]:4.0f} in all",
                        flush=True,
                    )
            waits = sorted(visible(ours[0], 1_000, 15))
    ours, theirs = statistics.median(rates["mien"]), statistics.median(rates["bare"])
    print(f"median: mien {ours:,.0f}, bare {theirs:,.0f} events/s: ratio {ours / theirs:.2f} (target ≥ 0.60)")
    ours, theirs = statistics.median(costs["mien"]), statistics.median(costs["bare"])
    print(f"CPU of an event, median: mien {ours:.0f} µs, bare {theirs:.0f} µs: ratio {theirs / ours:.2f}")
    p50, p99 = (waits[min(len(waits) - 1, int(len(waits) * q))] * 1e3 for q in (0.5, 0.99))
    print(
        f"from 200 to the profile, at 1,000 events/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(waits)} (target ≤ 100)"
    )


if __name__ == "__main__":
    main()
