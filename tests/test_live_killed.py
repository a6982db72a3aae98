"""A server killed at random instants under load: what it acknowledged is there once, and profiles fit the log."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from servers import free_port, mien_serve

from mien.core.tables import LOGGED
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world

ROUNDS = int(os.environ.get("MIEN_KILL_ROUNDS", "5"))
SENDERS, BATCH = 3, 10
BUILD = [sys.executable, "-m", "mien", "build", "-w"]
QUIET = subprocess.DEVNULL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    toy = world()
    folder = tmp_path_factory.mktemp("killed") / "shop"
    with create(folder) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    return folder


def messages(sender: int, number: int) -> list[dict[str, object]]:
    """A batch: events of a few users, some of them visitors who become users."""
    now = datetime.now(UTC).isoformat()
    return [
        {
            "type": "track", "messageId": f"{sender}.{number}.{k}", "event": "Order Completed", "timestamp": now,
            "userId": f"k{(number + k) % 11}" if k % 3 else None, "anonymousId": f"a{(number + k) % 11}",
            "properties": {"products": [{"product_id": "teapot", "price": 30}, {"product_id": "longjing"}]},
        }
        for k in range(BATCH)
    ]  # fmt: skip


class Sender(threading.Thread):
    """Posts batch after batch; one that was not answered is sent again, as client libraries do."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.port, self.stop = number, 0, False
        self.acknowledged: set[str] = set()

    def run(self) -> None:
        batch = 0
        while not self.stop:
            sent = messages(self.number, batch)
            body = json.dumps({"batch": sent, "sentAt": datetime.now(UTC).isoformat()}).encode()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/batch", body, timeout=10) as answer:
                    assert answer.status == 200
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.02)
                continue
            self.acknowledged |= {str(one["messageId"]) for one in sent}
            batch += 1


def logged_ids(shop: Shop) -> Iterator[str]:
    for row in range(len(shop.stock.catalog.users)):
        yield from shop.stock.log_of(row)[LOGGED.EVENT_ID].to_pylist()


@pytest.mark.slow
def test_killed_under_load(folder: Path) -> None:
    choose = random.Random(5)
    senders = [Sender(k) for k in range(SENDERS)]
    process = None
    try:
        for round_ in range(ROUNDS):
            port = free_port()
            for sender in senders:
                sender.port = port
            process = mien_serve(folder, port)
            if round_ == 0:
                for sender in senders:
                    sender.start()
            building = subprocess.Popen([*BUILD, str(folder)], stdout=QUIET, stderr=QUIET) if round_ % 2 else None
            time.sleep(choose.uniform(0.3, 2.5))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if building is not None:
                time.sleep(choose.uniform(0, 4))
                building.kill()
                building.wait()
    finally:
        for sender in senders:
            sender.stop = True
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for sender in senders:
            sender.join()
    acknowledged = {f"{one}#{k}" for sender in senders for one in sender.acknowledged for k in (1, 2)}
    assert len(acknowledged) > 100
    with open_shop(folder, served=True) as shop:
        ids = [one for one in logged_ids(shop) if "#" in one]
        assert len(ids) == len(set(ids))
        assert acknowledged <= set(ids)
        assert len(ids) - len(acknowledged) <= 2 * BATCH * SENDERS  # kept, but killed before the answer
        TailFold(shop.stock).catch_up()
        assert unlike_the_log(shop) == []
        shop.build()
        assert len(shop.stock.tail) == 0
        assert sorted(one for one in logged_ids(shop) if "#" in one) == sorted(ids)
        assert unlike_the_log(shop) == []
