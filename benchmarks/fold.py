"""How fast events become states: in memory, and durably into SQLite in batches of 100; and how large states are.

python benchmarks/fold.py [--users 10000] [--items 20000] [--events 400000]
"""

import argparse
import hashlib
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mien.core.clock import DAY_US, SECOND_US
from mien.core.event import Action, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow, UserRow
from mien.features.codec import decode, encode
from mien.features.fold import add
from mien.features.folder import Folder
from mien.features.state import FoldSettings, State
from mien.stores.memory import MemoryStore
from mien.stores.sqlite import SQLiteStore

ACTION_SHARES = {Action.VIEW: 0.7, Action.SEARCH: 0.1, Action.CART: 0.1, Action.PURCHASE: 0.1}
START_US = 1_700_000_000 * SECOND_US


def synthetic_events(n: int, users: int, items: int, *, seed: int) -> Iterator[LoggedEvent]:
    """Zipf-like users and items over a year, in the order of time."""
    rng = np.random.default_rng(seed)
    user = (users * rng.random(n) ** 2).astype(int).tolist()
    item = (items * rng.random(n) ** 3).astype(int).tolist()
    action = rng.choice(len(ACTION_SHARES), n, p=list(ACTION_SHARES.values())).tolist()
    at_us = (START_US + np.sort(rng.integers(0, 365 * DAY_US // 1000, n)) * 1000).tolist()
    price = rng.lognormal(3, 1, n).round(2).tolist()
    actions = list(ACTION_SHARES)
    for k in range(n):
        kind = actions[action[k]]
        yield LoggedEvent(
            user=UserRow(user[k]),
            event_id=hashlib.md5(f"{seed}-{k}".encode(), usedforsecurity=False).hexdigest()[:20],
            action=kind,
            at_us=at_us[k],
            item=NO_ITEM if kind is Action.SEARCH else ItemRow(item[k]),
            value=price[k] if kind is Action.PURCHASE else 0.0,
            query=f"query {item[k] % 500}" if kind is Action.SEARCH else None,
        )


def in_memory(events: list[LoggedEvent], settings: FoldSettings) -> float:
    """Events per second of one core, states kept decoded."""
    states: dict[int, State] = {}
    start = time.process_time()
    for event in events:
        state = states.get(event.user)
        if state is None:
            state = states[event.user] = State(settings)
        add(state, event)
    return len(events) / (time.process_time() - start)


def durable(events: list[LoggedEvent], folder: Folder, batch: int, *, offset: int) -> tuple[float, float]:
    """Events per second, by the clock and by processor time, in committed batches."""
    wall, cpu = time.perf_counter(), time.process_time()
    for k in range(0, len(events), batch):
        folder.take(events[k : k + batch], offset + min(k + batch, len(events)))
    return len(events) / (time.perf_counter() - wall), len(events) / (time.process_time() - cpu)


def codec(states: list[bytes]) -> tuple[float, float]:
    """Median µs to encode and to decode one state."""
    encoding, decoding = [], []
    for data in states:
        start = time.perf_counter()
        state = decode(data)
        middle = time.perf_counter()
        encode(state)
        decoding.append(middle - start)
        encoding.append(time.perf_counter() - middle)
    return statistics.median(encoding) * 1e6, statistics.median(decoding) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--batch", type=int, default=100)
    arguments = parser.parse_args()
    settings = FoldSettings(zone="Asia/Shanghai")
    events = list(synthetic_events(arguments.events, arguments.users, arguments.items, seed=1))
    print(f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}")
    print(f"in memory            {in_memory(events[: len(events) // 2], settings):10,.0f} events/s per core")
    half = len(events) // 2
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "states.sqlite")
        for name, target in (("memory store", MemoryStore()), ("SQLite, durable", store)):
            live = Folder(target, settings)
            durable(events[:half], live, 5_000, offset=0)
            wall, cpu = durable(events[half:], live, arguments.batch, offset=half)
            print(f"{name:20s} {wall:10,.0f} events/s by the clock, {cpu:,.0f} per core; batches of {arguments.batch}")
        users = sorted(store.users())
        states = [store.read(user) or b"" for user in users]
        sizes = [len(state) for state in states]
        counts = [decode(state).events for state in states]
        encoding, decoding = codec(states[:: max(1, len(states) // 2000)])
        print(f"{len(users):,} states of {statistics.mean(counts):.0f} events, median {statistics.median(counts):.0f}")
        print(
            f"bytes a state: mean {statistics.mean(sizes):,.0f}, median {statistics.median(sizes):,.0f}; "
            f"{sum(sizes) / sum(counts):.1f} an event"
        )
        print(f"encode {encoding:.0f} µs, decode {decoding:.0f} µs (median)")
        store.close()


if __name__ == "__main__":
    main()
