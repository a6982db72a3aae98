"""The profile stores side by side, with the states of a real shop: bytes a user, writes and reads a second.

python benchmarks/stores.py WORKSPACE [--redis URL] [--postgres URL] [--most 20000]

The states are those of the workspace, copied over and over where it has fewer than `--most` users. On a server they go
into a namespace of their own and are removed afterwards; it must be a durable one.
"""

import argparse
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

import mien
from mien.core.ids import UserRow
from mien.core.ports import ProfileStore
from mien.features.codec import decode, encode
from mien.stores.open import open_profile_store

BATCH = 500


def per_second(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - began)


def measure(name: str, store: ProfileStore, states: list[tuple[UserRow, bytes]]) -> None:
    def write() -> int:
        for start in range(0, len(states), BATCH):
            store.write(states[start : start + BATCH], offset=start + 1)
        return len(states)

    def read_one() -> int:
        for user, _ in random.Random(1).choices(states, k=3_000):
            store.read(user)
        return 3_000

    def read_many() -> int:
        for start in range(0, len(states), BATCH):
            store.read_many([user for user, _ in states[start : start + BATCH]])
        return len(states)

    written, one, many = per_second(write), per_second(read_one), per_second(read_many)
    print(
        f"{name:10s} {written:9,.0f} states/s written durably by {BATCH}; {one:8,.0f} reads/s; {many:9,.0f} by {BATCH}"
    )
    store.clear()
    store.close()


def sizes(states: list[bytes], events: int) -> None:
    """What compression is worth, and what a dictionary would be."""
    n = len(states)
    print(f"{n:,} users, {events / n:,.0f} events each on average")
    total = sum(map(len, states))
    median = statistics.median(map(len, states))
    print(f"stored: {total / n:,.0f} bytes a user, median {median:,.0f}, {total / events:.2f} an event")
    whole = [encode(decode(data)) for data in states]
    plain = [zstandard.ZstdDecompressor().decompress(data[1:]) for data in whole]
    print(f"without compression: {sum(map(len, plain)) / n:,.0f} bytes a user")
    half = plain[::2]
    samples = [one[:16_384] for one in half]
    for size in (16_384, 65_536):
        try:
            dictionary = zstandard.train_dictionary(size, samples, level=1)
        except zstandard.ZstdError as few:
            print(f"with a dictionary of {size:,} bytes: cannot be trained ({few})")
            continue
        squeeze = zstandard.ZstdCompressor(level=1, dict_data=dictionary, write_checksum=False)
        unseen = plain[1::2]
        with_it = sum(len(squeeze.compress(one)) for one in unseen)
        without = sum(len(data) - 1 for data in whole[1::2])
        print(
            f"with a dictionary of {size:,} bytes, on users it was not trained on: {with_it / without:.3f} of the size"
        )
    for level in (3, 9):
        squeeze = zstandard.ZstdCompressor(level=level, write_checksum=False)
        began = time.process_time()
        squeezed = sum(len(squeeze.compress(one)) for one in plain)
        took = (time.process_time() - began) / n * 1e6
        print(f"zstd level {level}: {squeezed / (sum(map(len, whole)) - n):.3f} of the size, {took:.0f} µs a user")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--redis")
    parser.add_argument("--postgres")
    parser.add_argument("--most", type=int, default=20_000)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}")
    with mien.open(arguments.workspace) as shop:
        found = shop.stock.states.read_many(list(shop.stock.states.users()))
    states = list(found.values())
    sizes(states, sum(decode(data).events for data in states))
    many = [(UserRow(k), states[k % len(states)]) for k in range(arguments.most)]
    with tempfile.TemporaryDirectory() as folder:
        urls = {"sqlite": f"sqlite:{folder}/states.sqlite", "redis": arguments.redis, "postgresql": arguments.postgres}
        for name, url in urls.items():
            if url:
                measure(name, open_profile_store(url, namespace="benchmark"), many)


if __name__ == "__main__":
    main()
