"""Training by several processes, as `torchrun` starts them, and training that was killed: the same model in the end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.shop import create
from mien.testing.world import World

pytest.importorskip("torch", reason="needs the extra models")
pytestmark = pytest.mark.slow

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
RECIPE = """
heads = true
[models.popular]
[models.blend]
parts = "popular+behaviour"
cuts = 0
[models.behaviour]
width = 16
heads = 2
blocks = 1
length = 16
negatives = 16
batch_tokens = 64
learning_rate = 0.01
threads = 1
"""
WATCHING = """
import os, sys
kept = os.environ["WRITES"]
def heard(event, given):
    if event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR):
        if any(f"/shop/{part}/" in os.path.abspath(given[0]) for part in ("models", "reports")):
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "w") as file:
                file.write(os.environ.get("RANK", "none") + " " + given[0] + chr(10))
sys.addaudithook(heard)
"""
"""Python loads a module of this name by itself: it notes which process opens what for writing."""
CIRCLE = """
import hashlib, json, os, sys
import numpy as np
from mien.core.event import ACTION_CODE
from mien.models.behaviour import Behaviour
from mien.models.behaviour.together import alone, place, summed, together, told
from mien.models.interactions import Interactions

DAY = 86_400_000_000
user, step = np.repeat(np.arange(60), 8), np.tile(np.arange(8), 60)
item = (np.repeat(np.random.default_rng(0).integers(0, 12, 60), 8) + step) % 12
data = Interactions.of(user, item, np.full(480, ACTION_CODE["purchase"]), (100 + step) * DAY, n_users=60, n_items=12)
small = dict(width=16, heads=2, blocks=1, length=8, negatives=16, threads=1, dropout=0.0, learning_rate=0.01,
             batch_tokens=128, epochs=40, patience=40, validation="last")
with together() as rank:
    assert told(f"from {rank}") == "from 0"
    assert place() == (rank, int(os.environ.get("WORLD_SIZE", "1")))
    assert summed([rank + 1.0]) == ([3.0] if place()[1] == 2 else [1.0])
    points = []
    model = Behaviour(**small).watched_by(lambda point: points.append(point) or False).fit(data, at_us=200 * DAY)
    if rank == 0:
        with alone():
            assert place() == (0, 1)
            own = Behaviour(**{**small, "epochs": 1}).fit(data, at_us=200 * DAY)
    digest = hashlib.blake2b()
    for name, array in sorted(model.fitted.items()):
        if name.startswith("network.") or name == "table":
            digest.update(np.ascontiguousarray(array).data)
    best = model.curve.points[model.curve.best]
    told_here = {"rank": rank, "digest": digest.hexdigest(), "ndcg": best.ndcg, "loss": best.loss, "heard": len(points)}
    open(f"{sys.argv[1]}/rank{rank}.json", "w").write(json.dumps(told_here))
"""


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Path:
    """The toy shop in the folder `shop`, and `recipe.toml` beside it."""
    with create(tmp_path / "shop", clock=lambda: toy.at) as made:
        made.ingest(events=toy.event_table, items=toy.items)
        made.build()
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "shop"


def trained(shop: Path, *before: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [*(before or (sys.executable,)), "-m", "mien", "train", "-w", str(shop), "--recipe"]
    command += [str(shop.parent / "recipe.toml"), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environ}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def best(shop: Path) -> float:
    """NDCG@10 of the epoch that was kept."""
    curve = json.loads((shop / "reports" / "behaviour.json").read_text())
    return float(next(point["ndcg"] for point in curve["points"] if point["epoch"] == curve["best"]))


def weights(path: Path) -> dict[str, Any]:
    """What a saved model knows, without how long it took."""
    with np.load(path, allow_pickle=False) as held:
        return {name: held[name] for name in held.files if "network." in name or name.endswith("table")}


def test_two_processes_train_one_model(shop: Path, tmp_path: Path) -> None:
    alone = trained(shop)
    assert alone.returncode == 0, alone.stderr
    one = best(shop)
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCHING)
    path = os.pathsep.join([str(tmp_path / "watch"), os.environ.get("PYTHONPATH", "")])
    done = trained(shop, *TORCHRUN, PYTHONPATH=path, WRITES=str(tmp_path / "writes"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [row["model"] for row in document["models"]] == ["popular", "blend", "behaviour"]
    assert not list(shop.rglob("*.checkpoint"))
    writes = (tmp_path / "writes").read_text().splitlines()
    assert {line.partition(" ")[0] for line in writes} == {"0"}
    assert any("behaviour.npz" in line for line in writes)
    assert best(shop) == pytest.approx(one, abs=0.1)


def test_every_process_holds_the_same_model_as_good_as_that_of_one(tmp_path: Path) -> None:
    (tmp_path / "circle.py").write_text(CIRCLE)
    found = {}
    for name, command in (("one", [sys.executable]), ("two", TORCHRUN)):
        (tmp_path / name).mkdir()
        done = subprocess.run(
            [*command, str(tmp_path / "circle.py"), str(tmp_path / name)],
            capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found[name] = [json.loads(path.read_text()) for path in sorted((tmp_path / name).glob("rank*.json"))]
    first, second = found["two"]
    (single,) = found["one"]
    assert [first["rank"], second["rank"]] == [0, 1]
    assert first["digest"] == second["digest"]
    assert first["loss"] == second["loss"]
    assert single["heard"] == first["heard"] == 40
    assert second["heard"] == 0, "only the first process is asked"
    assert single["ndcg"] > 0.95
    assert first["ndcg"] == pytest.approx(single["ndcg"], abs=0.05)


def test_one_that_fails_stops_the_others_with_a_sentence(shop: Path) -> None:
    with (shop / "mien.toml").open("a") as settings:
        settings.write('\n[content]\nencoder = "nobody/no-such-model"\n')
    done = trained(shop, *TORCHRUN, HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 1
    assert not done.stdout
    assert "The hub cannot be reached" in done.stderr
    assert "lexical" in done.stderr
    assert "[rank" not in done.stderr, "a traceback of a process that was left alone"


def test_a_killed_training_ends_in_the_same_model(shop: Path, tmp_path: Path, toy: World) -> None:
    recipe = RECIPE.replace("threads = 1", "threads = 1\nepochs = 40\npatience = 40\ncheckpoint_minutes = 1e-6")
    recipe = recipe.replace("heads = true", "").replace("[models.popular]", "").partition("[models.blend]")
    (tmp_path / "recipe.toml").write_text(recipe[0] + recipe[2].partition("cuts = 0")[2])
    calm = trained(shop)
    assert calm.returncode == 0, calm.stderr
    saved, checkpoint = shop / "models" / "behaviour.npz", shop / "models" / "behaviour.checkpoint"
    wanted = weights(saved)
    saved.unlink()
    for _ in range(2):
        seen = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "mien", "train", "-w", str(shop), "--recipe", str(tmp_path / "recipe.toml")]
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        until = time.monotonic() + 120
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == seen:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not saved.exists()
    again = trained(shop)
    assert again.returncode == 0, again.stderr
    assert not checkpoint.exists()
    found = weights(saved)
    assert found.keys() == wanted.keys()
    assert found
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
