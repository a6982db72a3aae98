"""What the models of a trained workspace take for one user: milliseconds on one core, once they are loaded.

    OMP_NUM_THREADS=1 python benchmarks/outlook.py WORKSPACE [users]

Told apart: reading the events of the user from the log, encoding the recent ones by the behaviour model, and the whole
outlook (intents with reasons, next items, expected spend, inferred traits).
"""

import sys
import time

import numpy as np

import mien
from mien.profiles.outlook import acts, read_outlook


def main(folder: str, users: int) -> None:
    spent: dict[str, list[float]] = {"read events": [], "encode": [], "outlook": []}
    with mien.open(folder) as shop:
        serving = shop._served(None)
        models, stock, at_us = serving.models, shop.stock, serving.build.as_of_us
        if models.behaviour is None:
            sys.exit(f"{folder} holds no behaviour model. Run: mien train -w {folder}")
        chosen = np.random.default_rng(0).choice(len(stock.catalog.users), users, replace=False).tolist()
        for row in chosen:
            state = stock.state(row, at_us, serving.judgement)
            began = time.process_time()
            events = stock.events([row], at_us, serving.judgement)
            read = time.process_time()
            history = acts(events, len(serving.catalogue))
            if state is None or not len(history):
                continue
            encode = time.process_time()
            models.behaviour.vectors(history, [0], at_us=at_us)
            whole = time.process_time()
            read_outlook(models, events, state, serving.catalogue, serving.yardstick.facets, at_us)
            spent["read events"].append(read - began)
            spent["encode"].append(whole - encode)
            spent["outlook"].append(time.process_time() - whole)
    for name, seconds in spent.items():
        median, p90, most = np.percentile(1e3 * np.array(seconds[1:]), [50, 90, 100])
        print(f"{name}: median {median:.1f} ms, p90 {p90:.1f} ms, most {most:.1f} ms of {len(seconds) - 1} users")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60)
