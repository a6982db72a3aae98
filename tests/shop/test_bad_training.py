"""What training says to recipes, data and surroundings that are not as they should be: one sentence, never a trace."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from mien.cli import main
from mien.shop import create
from mien.shop.training import TrainRecipe
from mien.testing.world import SIX_ROWS_CSV, World

torch = pytest.importorskip("torch", reason="needs the extra models")

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
TINY = "[models.behaviour]\nwidth = 16\nheads = 2\nblocks = 1\nlength = 8\nnegatives = 16\nthreads = 1\nepochs = 2\n"


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Train = Callable[[Path, str], Done]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Train:
    """`mien train --json` by a recipe, as the command does it, in this process."""

    def done(shop: Path, recipe: str) -> Done:
        (shop / "recipe.toml").write_text(recipe)
        words = ["mien", "train", "-w", str(shop), "--recipe", str(shop / "recipe.toml"), "--json"]
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return done


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six rows, built."""
    folder = tmp_path_factory.mktemp("six")
    (folder / "events.csv").write_text(SIX_ROWS_CSV, encoding="utf-8")
    with create(folder / "shop") as shop:
        shop.ingest(events=folder / "events.csv")
        shop.build()
    return folder / "shop"


@pytest.fixture
def toy_folder(tmp_path: Path, toy: World) -> Path:
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    return tmp_path / "shop"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_read_and_say_where_they_come_from(path: Path) -> None:
    recipe = TrainRecipe.read(path)
    assert recipe.models["behaviour"]
    text = path.read_text()
    assert re.search(r"^# Written \d{4}-\d{2}-\d{2}\.$", text, re.MULTILINE)
    for word in ("# For: ", "# Command: ", "# Result: "):
        assert f"\n{word}" in text, word
    assert f"recipes/{path.name}" in text


def test_the_causal_recipe_is_what_is_trained_without_one() -> None:
    shipped = TrainRecipe.read(next(path for path in RECIPES if path.stem == "behaviour-causal"))
    assert shipped.models["behaviour"].items() >= TrainRecipe.default().models["behaviour"].items()


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES} >= {"behaviour-causal", "behaviour-masked", "behaviour-large"}


@pytest.mark.parametrize(
    ("recipe", "code", "words"),
    [
        ("[models.behavior]\n", 1, "Unknown model “behavior”. Nearest: behaviour"),
        ("modles = 1\n", 1, "Unknown recipe key “modles”. Nearest: models"),
        ("[models.behaviour]\nepoch = 3\n", 1, "Unknown recipe key of models.behaviour “epoch”. Nearest: epochs"),
        ('[models.behaviour]\nobjective = "casual"\n', 1, "Unknown objective “casual”. Nearest: causal"),
        ("[models.behaviour]\nids = false\ncontent = false\n", 2, "Leave one of them on"),
        ("[models.behaviour]\nwidth = 30\nheads = 4\n", 2, "multiple of the number of heads"),
        ('[models.behaviour]\nepochs = "many"\n', 2, "epochs of the model behaviour is a whole number, not 'many'"),
        ("[models.behaviour]\nsize = 3\n", 2, "size of the model behaviour is a text, not 3"),
        ("[models.behaviour]\ndropout = 1.5\n", 2, "is a share"),
        ("heads = 3\n", 2, "heads is true or false"),
        ("models = 3\n", 2, "models is written as tables"),
        ("[models]\nease = 3\n", 2, "write [models.ease]"),
        ("[models.ease\n", 2, "is not a recipe that can be read"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(train: Train, six: Path, recipe: str, code: int, words: str) -> None:
    done = train(six, recipe)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert not done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (six / "models" / "behaviour.npz").exists()


def test_too_little_data_is_said_and_training_ends_well(train: Train, six: Path) -> None:
    done = train(six, TINY)
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert "too few to learn from (at least 20)" in model["notes"][0]


def test_items_without_a_text_are_read_by_tags_and_ids(train: Train, tmp_path: Path, toy: World) -> None:
    bare = pa.table({name: toy.items[name] for name in ("item_id", "price")})
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=bare)
        shop.build()
    done = train(tmp_path / "shop", TINY)
    assert done.returncode == 0, done.stderr
    assert "tags and ids alone" in json.loads(done.stdout)["notes"][0]


def test_a_checkpoint_of_another_version_is_said_and_left_aside(train: Train, toy_folder: Path) -> None:
    (toy_folder / "models").mkdir(exist_ok=True)
    torch.save({"format": 0, "digest": "of before"}, toy_folder / "models" / "behaviour.checkpoint")
    done = train(toy_folder, TINY)
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert "other data, settings or version" in model["notes"][0]
    assert "training begins anew" in model["notes"][0]
    assert (toy_folder / "models" / "behaviour.npz").exists()


def test_a_hub_out_of_reach_names_what_needs_none(
    train: Train, toy_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="needs the extra models")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with (toy_folder / "mien.toml").open("a") as settings:
        settings.write('\n[content]\nencoder = "some/model"\n')
    done = train(toy_folder, TINY)
    assert done.returncode == 1
    assert not done.stdout
    (sentence,) = [line for line in done.stderr.splitlines() if "…" not in line]
    assert "The hub cannot be reached for some/model" in sentence
    assert all(name in sentence for name in ("e5", "minilm", "lexical"))
    assert not (toy_folder / "models" / "behaviour.npz").exists()
