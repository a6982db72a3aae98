"""What it takes until an item that was put is seen, what answers take meanwhile, and what segments cost.

    OMP_NUM_THREADS=1 python benchmarks/items.py WORKSPACE [puts]

The workspace is changed: use a copy. One thread puts an item after another, each with a word nobody knew, and looks for
it; another searches for a person all the while, with pauses of 10 ms. Then the crowd of all users is made, and asked.
"""

import random
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

import mien
from mien.shop import Shop


def main(folder: str, puts: int) -> None:
    with mien.open(folder, served=True) as shop:
        shop.search("milk")
        shop._current.at().warm()
        print(f"{len(shop._current.at().catalogue):,} items, {len(shop.stock.states):,} users")
        alone, _ = searches_while(shop, lambda: time.sleep(3))
        cpu = time.process_time()
        while_putting, took = searches_while(shop, lambda: [put(shop, k) for k in range(puts)])
        tell("put until seen", took)
        print(f"CPU a put, searches included: {(time.process_time() - cpu) / puts * 1000:.0f} ms")
        tell("search, nothing put", alone)
        tell("search, while items are put one after another", while_putting)
        segments(shop)


def put(shop: Shop, number: int) -> float:
    """Put an item and find it; seconds."""
    began = time.perf_counter()
    word = "".join(random.choices("abcdefghij", k=10))
    item = {"item_id": f"new-{word}-{number}", "title": f"Novelty {word}", "brand": "Acme", "price": 3.5}
    shop.put_items([item])
    assert shop.search(word).results[0].item_id == item["item_id"]
    return time.perf_counter() - began


def searches_while(shop: Shop, work: Callable[[], list[float] | None]) -> tuple[list[float], list[float]]:
    """Seconds of searches during the work, and what the work returns."""
    spent: list[float] = []
    done = threading.Event()
    users = shop.stock.catalog.users.some(100)

    def ask() -> None:
        while not done.is_set():
            began = time.perf_counter()
            shop.search(random.choice(("milk", "bread", "coffee", "soap")), user=random.choice(users))
            spent.append(time.perf_counter() - began)
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    found = work()
    done.set()
    asking.join()
    return spent, found or []


def segments(shop: Shop) -> None:
    """The crowd, made and asked."""
    rules = ("lifecycle = active and purchase.30d >= 2", "price_band = 5 [weight >= 0.3]", "r >= 4 and m >= 4")
    shop._crowds.drop()
    for name, rule in (("the crowd, and a first rule", rules[0]), *(("a rule", rule) for rule in rules)):
        cpu, began = time.process_time(), time.perf_counter()
        size = shop.segments.preview(rule).size
        spent = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
        print(f"{name}: {spent[0]:.0f} ms, CPU {spent[1]:.0f} ms ({rule}: {size:,} users)")


def tell(name: str, spent: list[float]) -> None:
    """Percentiles in milliseconds."""
    p50, p95, worst = (float(np.quantile(spent, share)) * 1000 for share in (0.5, 0.95, 1.0))
    print(f"{name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {worst:.0f} ms of {len(spent)}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20)
