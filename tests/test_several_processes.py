"""Several processes serve one workspace: every acknowledged event is there once, and states equal a fresh fold."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import servers

from mien.core.tables import LOGGED
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world

PROCESSES, MESSAGES, BATCH = 4, 600, 20
CLIENTS = {"redis": "redis", "postgres": "psycopg"}

WRITER = """
import json, sys, time
import mien
from mien.core.errors import TransientError
from mien.live import Live

folder, me, processes, many, batch = sys.argv[1], *map(int, sys.argv[2:])

def message(k):
    told = {"type": "track", "messageId": f"m{k}", "event": "Order Completed", "anonymousId": f"a{k % 13}"}
    if k % 3:
        told["userId"] = f"u{k % 13}"
    return told | {"timestamp": "2024-06-01T00:%02d:%02dZ" % (k // 60 % 60, k % 60),
                   "properties": {"products": [{"product_id": "teapot", "price": 30}, {"product_id": f"new{k % 17}"}]}}

kept, tries = 0, 0
with mien.open(folder, served=True) as shop, Live(shop) as live:
    print("ready", flush=True)
    sys.stdin.readline()
    for first in range(0, many, batch):
        mine = [message(k) for k in range(first, first + batch) if k % processes in (me, (me + 1) % processes)]
        body = json.dumps({"batch": mine}).encode()
        while True:
            tries += 1
            try:
                fates = live.track(body)
            except TransientError:
                time.sleep(0.01)
                continue
            break
        assert fates["new"] + fates["duplicate"] == len(mine), fates
        kept += fates["new"]
print(json.dumps({"kept": kept, "tries": tries}), flush=True)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    toy = world()
    folder = tmp_path_factory.mktemp("several") / "shop"
    with create(folder) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
    return folder


@pytest.fixture(params=["sqlite", *(pytest.param(kind, marks=pytest.mark.service) for kind in CLIENTS)])
def folder(request: pytest.FixtureRequest, original: Path, tmp_path: Path) -> Iterator[Path]:
    """A built workspace over each store."""
    kind = request.param
    if kind != "sqlite":
        pytest.importorskip(CLIENTS[kind])
    opened: Any = nullcontext() if kind == "sqlite" else servers.SERVERS[kind]()
    with opened as server:
        shutil.copytree(original, tmp_path / "shop")
        if server is not None:
            with (tmp_path / "shop" / "mien.toml").open("a") as settings:
                settings.write(f'\n[stores]\nprofiles = "{server.url}"\nwait_s = 30\n')
        with open_shop(tmp_path / "shop") as shop:
            shop.build()
        yield tmp_path / "shop"


def logged_ids(shop: Shop) -> list[str]:
    rows = range(len(shop.stock.catalog.users))
    return [one for row in rows for one in shop.stock.log_of(row)[LOGGED.EVENT_ID].to_pylist() if "#" in one]


@pytest.mark.slow
def test_four_writers_at_once_while_a_fifth_builds(folder: Path) -> None:
    """Each message is sent by two of the processes, and visitors become users meanwhile."""
    numbers = map(str, (PROCESSES, MESSAGES, BATCH))
    more = list(numbers)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(me), *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for me in range(PROCESSES)
    ]  # fmt: skip
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        with open_shop(folder) as shop:
            shop.build()
        told = [writer.communicate(timeout=300) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0] * PROCESSES, [errors for _, errors in told]
    assert sum(json.loads(out)["kept"] for out, _ in told) == MESSAGES
    with open_shop(folder, served=True) as shop:
        assert sorted(logged_ids(shop)) == sorted(f"m{k}#{n}" for k in range(MESSAGES) for n in (1, 2))
        assert shop.stock.states.offset() == shop.stock.tail.end()
        assert unlike_the_log(shop) == []
        shop.build()
        assert len(logged_ids(shop)) == 2 * MESSAGES
        assert unlike_the_log(shop) == []
