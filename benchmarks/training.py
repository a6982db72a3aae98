"""Training speed: our behaviour model and RecTools' SASRec on the same ordered histories, CPU seconds an epoch.

    python benchmarks/training.py FILE [--rectools PYTHON] [--threads 1]

FILE: a line a user, `user item item …`. PYTHON: the interpreter of an environment of its own that holds RecTools
(`pip install "rectools[torch]" "numpy==1.26.4"`); without it only ours is measured. Both run one after the other in
this run, each in a fresh process: width 64, two blocks, 20 positions; theirs with 64 negatives a position, ours with
its own shared ones. An epoch is the difference between a fit of three epochs and one of one.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

OURS = """
import sys, time, json, resource
from pathlib import Path
from mien.models.behaviour import Behaviour
from mien.studies.ordered import LAST_US, World
from mien.collect.orders import read_orders
world = World.of(read_orders(Path(sys.argv[1])))
train = world.train
def fit(epochs):
    begun = time.process_time()
    model = Behaviour(width=64, heads=2, length=20, epochs=epochs, validation="none", time=False, actions=False,
                      batch_tokens=int(sys.argv[3]), negatives=int(sys.argv[4]), threads=int(sys.argv[2]))
    model.use_items(world.facts).fit(train, at_us=LAST_US, seed=0)
    return time.process_time() - begun
fit(1)
one, three = fit(1), fit(3)
print(json.dumps({"epoch": (three - one) / 2, "fixed": one - (three - one) / 2, "acts": len(train),
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}))
"""
THEIRS = """
import sys, time, json, resource, warnings, logging
warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
import pandas as pd, torch
from pytorch_lightning import Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
torch.set_num_threads(int(sys.argv[2]))
rows = []
for line in open(sys.argv[1]):
    user, *items = line.split()
    rows += [(int(user), item, 1.0, place) for place, item in enumerate(items[:-2])]
frame = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Weight, Columns.Datetime])
frame[Columns.Datetime] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame[Columns.Datetime], unit="D")
dataset = Dataset.construct(frame)
def fit(epochs):
    def trainer():
        return Trainer(max_epochs=epochs, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
                       enable_progress_bar=False, enable_model_summary=False)
    model = SASRecModel(n_blocks=2, n_heads=2, n_factors=64, session_max_len=20, n_negatives=64,
                        loss="sampled_softmax", batch_size=128, get_trainer_func=trainer)
    begun = time.process_time()
    model.fit(dataset)
    return time.process_time() - begun
fit(1)
one, three = fit(1), fit(3)
print(json.dumps({"epoch": (three - one) / 2, "fixed": one - (three - one) / 2, "acts": len(frame),
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}))
"""


def run(python: str, code: str, *arguments: str, threads: int) -> dict[str, float]:
    """What the program prints as its last line."""
    environ = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = [python, "-c", code, arguments[0], str(threads), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=3600, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rectools")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-tokens", default="2048")
    parser.add_argument("--negatives", default="1024")
    given = parser.parse_args()
    ours = run(sys.executable, OURS, str(given.file), given.batch_tokens, given.negatives, threads=given.threads)
    print("ours    ", json.dumps(ours))
    if given.rectools:
        theirs = run(given.rectools, THEIRS, str(given.file), threads=given.threads)
        print("RecTools", json.dumps(theirs))
        print(f"ours takes {ours['epoch'] / theirs['epoch']:.3f} of the CPU time of theirs an epoch")


if __name__ == "__main__":
    main()
