"""Client libraries as they come from the registry, unchanged, against a real server."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mien.core.caller import Caller
from mien.core.tables import LOGGED
from mien.shop import create
from mien.stores.keys import Keys

EVENTS = 1_000
Serve = Callable[..., AbstractContextManager[str]]
CLIENTS = {
    "segment-analytics-python==2.4.0": ("segment.analytics.client", "host"),
    "segment-analytics-python==2.3.4": ("segment.analytics.client", "host"),
    "rudder-sdk-python==2.1.9": ("rudderstack.analytics.client", "host"),
}
"""Requirement → the module of its client, and what it calls the server's address."""

PROGRAM = """
import sys
from importlib import import_module
module, word, url, events, wait_s = sys.argv[1:]
options = {word: url, "max_queue_size": 2_000, "upload_interval": float(wait_s)}
client = import_module(module).Client("key", **options, on_error=lambda *told: print(told[0]))
client.identify("u0", {"age": 41})
for k in range(int(events)):
    client.track(f"u{k % 50}", "Product Viewed", {"product_id": f"p{k % 70}", "price": 9.5, "名": "杯子"})
client.flush()
client.join()
"""


NODE_PROGRAMS = {
    "@segment/analytics-node@3.1.0": """
const { Analytics } = require('@segment/analytics-node')
const [url, events, flushAt] = process.argv.slice(2)
const client = new Analytics({ writeKey: 'key', host: url, flushAt: Number(flushAt), flushInterval: 500 })
client.on('error', (told) => console.log(String(told.reason && told.reason.message || told.code)))
client.identify({ userId: 'u0', traits: { age: 41 } })
for (let k = 0; k < Number(events); k++) client.track({
  userId: `u${k % 50}`, event: 'Product Viewed', properties: { product_id: `p${k % 70}`, price: 9.5, 名: '杯子' } })
client.closeAndFlush({ timeout: 60000 })
""",
    "@rudderstack/rudder-sdk-node@3.0.13": """
const Analytics = require('@rudderstack/rudder-sdk-node')
const [url, events, flushAt] = process.argv.slice(2)
const client = new Analytics('key', {
  dataPlaneUrl: url, flushAt: Number(flushAt), flushInterval: 500, logLevel: 'silent',
  errorHandler: (error) => console.log(error.message) })
client.identify({ userId: 'u0', traits: { age: 41 } })
for (let k = 0; k < Number(events); k++) client.track({
  userId: `u${k % 50}`, event: 'Product Viewed', properties: { product_id: `p${k % 70}`, price: 9.5, 名: '杯子' } })
setTimeout(function drain () {
  if (client.queue.length) client.flush().catch(() => {}).then(() => setTimeout(drain, 50))
}, 1000)
""",
}
"""Package → a program that sends an identify and as many events as it is told, in batches no larger than that."""
FIRST_ALONE = "@rudderstack/rudder-sdk-node@3.0.13"
"""This one sends its first message at once and by itself."""


@pytest.fixture(scope="session")
def client_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


def run(requirement: str, folder: Path, url: str, events: int, wait_s: float = 0.5) -> str:
    """Send events by a client, which waits that long for a full batch; what it had to say about errors."""
    if requirement in NODE_PROGRAMS:
        return run_node(requirement, folder, url, events)
    place = folder / requirement
    if not place.is_dir():
        installed_by([sys.executable, "-m", "pip", "install", "-q", "--target", str(place), requirement])
    command = [sys.executable, "-c", PROGRAM, *CLIENTS[requirement], url, str(events), str(wait_s)]
    environment = {**os.environ, "PYTHONPATH": str(place), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed_by(command: list[str], cwd: Path | None = None) -> None:
    """Run an installer; where the machine cannot reach its registry the test is skipped, unless it is required."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)
    if done.returncode and not os.environ.get("MIEN_REQUIRE_SHARED"):
        pytest.skip(f"{command[-1]} cannot be installed here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr


def run_node(package: str, folder: Path, url: str, events: int) -> str:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (apt-get install nodejs npm)")
    place = folder / package.replace("/", "-")
    if not place.is_dir():
        place.mkdir()
        installed_by(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), package], cwd=place)
        (place / "send.js").write_text(NODE_PROGRAMS[package], encoding="utf-8")
    at_once = 100 if events == EVENTS else events + 1
    command = ["node", str(place / "send.js"), url, str(events), str(at_once)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | {"NO_PROXY": "127.0.0.1"}, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.service
@pytest.mark.parametrize("requirement", [*CLIENTS, *NODE_PROGRAMS])
def test_all_events_of_a_clients_queue_arrive_once(
    requirement: str, client_folder: Path, tmp_path: Path, serving: Serve
) -> None:
    with create(tmp_path / "shop") as shop:
        with serving(shop) as url:
            assert run(requirement, client_folder, url, EVENTS) == ""
        tail = shop.stock.tail
        table = tail.table()
        assert len(table) == len(set(table[LOGGED.EVENT_ID].to_pylist())) == EVENTS
        assert tail.fates() == {"new": EVENTS + 1}
        row = shop.stock.catalog.users.row("u0")
        assert row is not None
        declared = shop.stock.catalog.declared(row)
        assert declared is not None
        assert declared.traits == {"age": 41}
        assert table.filter([user == row for user in table[LOGGED.USER].to_pylist()]).num_rows == EVENTS // 50


@pytest.mark.service
@pytest.mark.parametrize("requirement", [*CLIENTS, *NODE_PROGRAMS])
def test_a_rejected_batch_is_sent_exactly_once(
    requirement: str, client_folder: Path, tmp_path: Path, serving: Serve
) -> None:
    class Counting(Keys):
        """The shop's own, counting how often it is asked."""

        asked = 0

        def find(self, text: str) -> Caller | None:
            self.asked += 1
            return super().find(text)

    with create(tmp_path / "shop") as shop:
        shop.keys.add("another", "write", 1)
        keys = Counting(shop.workspace.keys)
        with serving(shop, keys=keys) as url:
            told = run(requirement, client_folder, url, 50, wait_s=4)
        assert "not_allowed" in told or "401" in told
        assert keys.asked == (2 if requirement == FIRST_ALONE else 1)  # batches, none of them twice
        assert len(shop.stock.tail) == 0
