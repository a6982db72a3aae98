"""The search for settings: budget, resumption, kills, early ends, and a recipe that training reads."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mien.core.errors import NotReady, UnknownName, UsageError, WorkspaceError
from mien.shop.training import TrainRecipe
from mien.studies import hyperparameters
from mien.studies.named import run_study

pytest.importorskip("torch", reason="needs the extra models")
pytest.importorskip("optuna", reason="needs the extra models")

FIXED = {"width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 16, "batch_tokens": 64, "threads": 1}
SPACE: dict[str, Any] = {"learning_rate": [1e-5, 0.03], "dropout": [0.0, 0.2], "objective": ["causal", "masked"]}
SPARED: dict[str, Any] = {name: [] for name in hyperparameters.SPACE if name not in FIXED}
SETTINGS = {"behaviour": {**FIXED, "epochs": 3}, "space": SPACE}


@pytest.fixture
def circle(tmp_path: Path) -> str:
    """Whoever takes item i takes i + 1 next; the last item of each user is the test."""
    lines = [f"u{k} " + " ".join(f"i{(k + step) % 12}" for step in range(8)) for k in range(40)]
    path = tmp_path / "circle.txt"
    path.write_text("\n".join(lines) + "\n")
    return f"s3rec:{path}"


def search(source: str, folder: Path, **options: Any) -> dict[str, Any]:
    return run_study("hyper-parameters", {"source": source, "folder": str(folder), "settings": SETTINGS, **options})


def told(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The trials, without what depends on the machine."""
    return [(row["settings"], row["value"], row["state"]) for row in document["models"]]


def test_it_finds_better_settings_and_writes_a_recipe(circle: str, tmp_path: Path) -> None:
    found = search(circle, tmp_path / "search", trials=5, date=date(2026, 11, 24), seed=1)
    rows = found["models"]
    assert [row["number"] for row in rows] == list(range(5))
    assert rows == json.loads((tmp_path / "search" / "trials.json").read_text())
    assert all(row["seconds"] > 0 for row in rows)
    values = [row["value"] for row in rows]
    assert found["best"]["value"] == max(values) > min(values)
    text = (tmp_path / "search" / "recipe.toml").read_text()
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0] == "# Date: 2026-11-24"
    assert "mien study hyper-parameters --source" in head[1]
    assert f"{max(values):.4f}" in head[2]
    recipe = TrainRecipe.read(tmp_path / "search" / "recipe.toml")
    assert recipe.models["behaviour"] == {**found["fixed"], **found["best"]["settings"]}
    assert tomllib.loads(text)["models"]["behaviour"]["epochs"] == 3


def test_the_search_goes_on_where_it_was(circle: str, tmp_path: Path) -> None:
    whole = search(circle, tmp_path / "whole", trials=4)
    first = search(circle, tmp_path / "parts", trials=2)
    parts = search(circle, tmp_path / "parts", trials=4)
    assert told(first) == told(whole)[:2]
    assert told(parts) == told(whole)
    none = search(circle, tmp_path / "parts", trials=3)
    assert told(none) == told(whole)


def test_a_test_act_is_never_looked_at(circle: str, tmp_path: Path) -> None:
    """Other last items, the same search."""
    path = Path(circle.removeprefix("s3rec:"))
    changed = [" ".join([*line.split()[:-1], "i0"]) for line in path.read_text().splitlines()]
    before = search(circle, tmp_path / "before", trials=2)
    path.write_text("\n".join(changed) + "\n")
    assert told(search(circle, tmp_path / "after", trials=2)) == told(before)


def test_time_is_a_budget(circle: str, tmp_path: Path) -> None:
    found = search(circle, tmp_path / "search", trials=1000, minutes=1e-6)
    assert len(found["models"]) <= 1


def test_trials_that_lag_behind_are_given_up(circle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperparameters, "RANDOM_TRIALS", 1)
    settings = {
        "behaviour": {**FIXED, "epochs": 8, "patience": 8, "start": "random"},
        "space": {**SPARED, "learning_rate": {"choices": [1e-6, 0.03]}},
    }
    found = search(circle, tmp_path / "search", trials=6, settings=settings)
    given_up = [row for row in found["models"] if row["state"] == "pruned"]
    assert given_up
    assert all(row["settings"]["learning_rate"] == 1e-6 for row in given_up)
    assert found["best"]["settings"] == {"learning_rate": 0.03}


def test_settings_that_do_not_go_together_are_a_trial_with_a_note(circle: str, tmp_path: Path) -> None:
    settings = {"behaviour": {**FIXED, "epochs": 1}, "space": {"width": {"choices": [16, 15]}}}
    settings["behaviour"].pop("width")
    with pytest.raises(UsageError, match=r"space\.width holds 15, which cannot be: .* multiple of the number of heads"):
        search(circle, tmp_path / "refused", settings=settings)
    settings = {
        "behaviour": {key: value for key, value in FIXED.items() if key not in ("width", "heads")} | {"epochs": 1},
        "space": {"width": {"choices": [16, 20]}, "heads": {"choices": [4, 8]}, **SPARED},
    }
    found = search(circle, tmp_path / "search", trials=6, settings=settings)
    failed = [row for row in found["models"] if row["notes"]]
    assert {tuple(row["settings"].values()) for row in failed} == {(20, 8)}
    assert all(row["state"] == "pruned" and "multiple" in row["notes"][0] for row in failed)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"spice": {}}, UnknownName, "space"),
        ({"space": {"dropuot": [0.1, 0.2]}}, UnknownName, "dropout"),
        ({"behaviour": {"dropuot": 0.1}}, UnknownName, "dropout"),
        ({"behaviour": {"dropout": 0.1}, "space": {"dropout": [0.1, 0.2]}}, UsageError, "fixed and searched at once"),
        ({"space": {"dropout": [0.5, 0.2]}}, UsageError, "from low to high"),
        ({"space": {"dropout": 0.5}}, UsageError, "is a list"),
        ({"space": {"dropout": [0.5, 1.5]}}, UsageError, "is a share"),
        ({"space": {"epochs": ["many", "few"]}}, UsageError, "is a whole number"),
        ({"behaviour": {"epochs": "many"}}, UsageError, "is a whole number"),
        ({"space": {name: [] for name in hyperparameters.SPACE}}, UsageError, "Nothing is searched"),
    ],
)
def test_spaces_that_cannot_be(circle: str, tmp_path: Path, settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        search(circle, tmp_path / "search", settings=settings)


def test_a_folder_holds_one_search(circle: str, tmp_path: Path) -> None:
    search(circle, tmp_path / "search", trials=1)
    with pytest.raises(UsageError, match="search of another seed"):
        search(circle, tmp_path / "search", trials=1, seed=5)
    with (
        hyperparameters._only_one(tmp_path / "search"),
        pytest.raises(WorkspaceError, match="Another search is at work"),
    ):
        search(circle, tmp_path / "search", trials=1)


def test_nothing_to_validate_on_is_said(tmp_path: Path) -> None:
    path = tmp_path / "few.txt"
    path.write_text("u1 a b c\nu2 b c a\n")
    with pytest.raises(NotReady, match="too few to learn from"):
        search(f"s3rec:{path}", tmp_path / "search", trials=1)


@pytest.mark.slow
def test_a_killed_trial_is_taken_up_again(circle: str, tmp_path: Path) -> None:
    """Killed in the middle of a trial: the journal is whole, and its settings are tried first."""
    folder = tmp_path / "search"
    program = (
        "import json, sys; from mien.studies.named import run_study; "
        "run_study('hyper-parameters', json.loads(sys.argv[1]))"
    )
    settings = {"behaviour": {**FIXED, "epochs": 60, "patience": 60}, "space": SPACE}
    options = {"source": circle, "folder": str(folder), "settings": settings, "trials": 3}
    process = subprocess.Popen([sys.executable, "-c", program, json.dumps(options)], start_new_session=True)
    until = time.monotonic() + 120
    while not (folder / "trials.json").exists() or not (folder / "behaviour.checkpoint").exists():
        assert process.poll() is None, "the search ended before it was killed"
        assert time.monotonic() < until, "no trial was finished"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with (folder / "journal.log").open("a") as journal:
        journal.write('{"op_code": 6, "wor')  # as a kill in the middle of a write leaves it
    found = search(circle, folder, trials=3, settings=settings)
    calm = search(circle, tmp_path / "calm", trials=1, settings=settings)
    rows = found["models"]
    (killed,) = [row for row in rows if row["state"] == "fail"]
    after = next(row for row in rows if row["number"] == killed["number"] + 1)
    assert after["settings"] == killed["settings"]
    assert after["state"] in ("complete", "pruned")
    assert sum(row["state"] in ("complete", "pruned") for row in rows) == 3
    assert told(found)[0] == told(calm)[0]
