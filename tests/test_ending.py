"""A server that is told to end under load: what it acknowledged is kept and folded, and it ends well and soon."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from mien.core.tables import LOGGED
from mien.shop import create
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world

BATCH, SENDERS = 20, 4


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def started(folder: Path, port: int, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mien", "serve", "-w", str(folder), "--port", str(port), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"MIEN_SERVER_LOG": "json"})
    until = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return process
        except OSError:
            assert process.poll() is None, "the server ended by itself"
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.05)


class Sender(threading.Thread):
    """Posts batches until the server is gone; remembers what was acknowledged."""

    def __init__(self, number: int, port: int) -> None:
        super().__init__()
        self.number, self.url = number, f"http://127.0.0.1:{port}/v1/batch"
        self.acknowledged: set[str] = set()

    def run(self) -> None:
        for batch in range(100_000):
            ids = [f"{self.number}.{batch}.{k}" for k in range(BATCH)]
            messages = [
                {"type": "track", "event": "Product Viewed", "messageId": one, "userId": f"u{batch % 17}",
                 "properties": {"product_id": "teapot"}} for one in ids
            ]  # fmt: skip
            try:
                with urllib.request.urlopen(self.url, json.dumps({"batch": messages}).encode(), timeout=30) as answer:
                    assert answer.status == 200
            except (OSError, urllib.error.HTTPError):
                return
            self.acknowledged.update(ids)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_end_under_load(tmp_path: Path, workers: int) -> None:
    toy, folder, port = world(), tmp_path / "shop", free_port()
    with create(folder) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    process = started(folder, port, "--workers", str(workers))
    senders = [Sender(k, port) for k in range(SENDERS)]
    try:
        for sender in senders:
            sender.start()
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=90)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        for sender in senders:
            sender.join()
    assert process.returncode == 0, told
    assert "Traceback" not in told
    lines = [json.loads(line) for line in told.splitlines()]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) > 200
    assert sum(line.get("route") == "POST /v1/batch" for line in lines) * BATCH >= len(acknowledged)
    with open_shop(folder, served=True) as shop:
        ids = [one for one in shop.stock.tail.table()[LOGGED.EVENT_ID].to_pylist() if one.count(".") == 2]
        assert len(ids) == len(set(ids))
        assert acknowledged <= set(ids)
        assert len(ids) - len(acknowledged) <= BATCH * SENDERS
        if workers == 1:
            assert TailFold(shop.stock).step() is None  # it was folded before the process ended
        TailFold(shop.stock).catch_up()
        assert unlike_the_log(shop) == []
