"""The behaviour model in worlds whose right answer is known, killed and resumed, and with bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.core.errors import MienError, UnknownName, UsageError
from mien.core.event import ACTION_CODE
from mien.models.behaviour import Behaviour
from mien.models.behaviour.curve import Curve, Point
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.testing.model_checks import NOW_US

torch = pytest.importorskip("torch", reason="needs the extra models")

from mien.models.behaviour import training  # noqa: E402

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]
ITEMS = 12
SMALL: dict[str, Any] = {"width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 16, "threads": 1}
QUICK: dict[str, Any] = {
    **SMALL,
    "batch_tokens": 128,
    "epochs": 40,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "patience": 40,
}


def circle(users: int = 60, steps: int = 7, seed: int = 0) -> Interactions:
    """Whoever takes item i takes i + 1 the day after (after the last the first): only order tells what is next."""
    begin = np.random.default_rng(seed).integers(0, ITEMS, users)
    user = np.repeat(np.arange(users), steps)
    step = np.tile(np.arange(steps), users)
    at = NOW_US - (steps - step) * DAY_US
    return Interactions.of(
        user, (np.repeat(begin, steps) + step) % ITEMS, np.full(len(user), BUY), at, n_users=users, n_items=ITEMS
    )


def best_next(model: Behaviour, data: Interactions) -> float:
    """Share of users for whom the first item is the one that follows their last."""
    scores = model.score(data, np.arange(data.n_users), at_us=NOW_US)
    last = data.item[data.offsets[1:] - 1]
    return float((scores.argmax(axis=1) == (last + 1) % ITEMS).mean())


@pytest.mark.parametrize(("objective", "epochs"), [("causal", 40), ("masked", 250)])
def test_it_finds_what_follows(objective: Any, epochs: int) -> None:
    data = circle()
    settings = QUICK | {"epochs": epochs, "patience": epochs, "validation": "last"}
    model = Behaviour(**settings, objective=objective).fit(data, at_us=NOW_US)
    assert best_next(model, data) > 0.95


def test_without_order_it_cannot() -> None:
    data = circle()
    shuffled = Behaviour(**{**QUICK, "time": False}, shuffled=True).fit(data, at_us=NOW_US)
    assert best_next(shuffled, data) < 0.9


def test_the_next_action_is_learnt() -> None:
    """A view is followed by a purchase, a purchase by a view."""
    user, step = np.repeat(np.arange(40), 8), np.tile(np.arange(8), 40)
    action = np.where(step % 2, BUY, VIEW)
    data = Interactions.of(user, step // 2, action, NOW_US - (9 - step) * DAY_US, n_users=40, n_items=ITEMS)
    model = Behaviour(**QUICK, side_weight=1.0, validation="none").fit(data, at_us=NOW_US)
    chances = model.next_acts(data.until(NOW_US - 3 * DAY_US), [0, 1], at_us=NOW_US)["action"]
    assert (chances.argmax(axis=1) == BUY).all()
    assert np.allclose(chances.sum(axis=1), 1.0, atol=1e-5)


def test_a_new_item_is_ranked_by_what_is_known_of_it() -> None:
    """Two kinds of goods, everybody keeps to one; a new item of a kind is for those who like the kind."""
    random = np.random.default_rng(0)
    user = np.repeat(np.arange(60), 6)
    item = random.integers(0, 6, len(user)) + 6 * (user % 2)
    at = NOW_US - (7 - np.tile(np.arange(6), 60)) * DAY_US
    data = Interactions.of(user, item, np.full(len(user), BUY), at, n_users=60, n_items=12)
    kind = np.repeat(np.eye(2), 6, axis=0)
    facts = ItemFacts(sp.csr_array(kind), np.zeros((12, 0), np.float32))
    model = Behaviour(**QUICK, id_dropout=0.3).use_items(facts).fit(data, at_us=NOW_US)
    grown = ItemFacts(sp.csr_array(np.vstack([kind, np.eye(2)])), np.zeros((14, 0), np.float32))
    before = model.score(data, np.arange(60), at_us=NOW_US)
    model.use_items(grown)
    later = Interactions.of(
        data.user, data.item, data.action, data.at_us, data.value, data.quantity, n_users=60, n_items=14
    )
    scores = model.score(later, np.arange(60), at_us=NOW_US)
    assert np.allclose(scores[:, :12], before, atol=1e-5)
    first_kind = np.arange(60) % 2 == 0
    assert (scores[first_kind, 12] > scores[first_kind, 13]).mean() > 0.95
    assert (scores[~first_kind, 13] > scores[~first_kind, 12]).mean() > 0.95


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, settings = circle(), {**QUICK, "epochs": 4, "dropout": 0.2, "checkpoint_minutes": 1e-9}
    whole = Behaviour(**settings).fit(data, at_us=NOW_US, seed=3)
    step, steps = training._Loop._step, []

    def killed(self: Any, *given: Any) -> Any:
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return step(self, *given)

    monkeypatch.setattr(training._Loop, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        Behaviour(**settings).keep_in(tmp_path).fit(data, at_us=NOW_US, seed=3)
    assert (tmp_path / "behaviour.checkpoint").exists()
    resumed = Behaviour(**settings).keep_in(tmp_path).fit(data, at_us=NOW_US, seed=3)
    everyone = np.arange(data.n_users)
    assert np.array_equal(whole.score(data, everyone, at_us=NOW_US), resumed.score(data, everyone, at_us=NOW_US))
    assert len(steps) > 4


def test_a_checkpoint_of_other_data_is_left_aside(tmp_path: Path) -> None:
    settings = {**QUICK, "epochs": 2}
    Behaviour(**settings).keep_in(tmp_path).fit(circle(seed=1), at_us=NOW_US)
    told: list[str] = []

    class Notes:
        def step(self, name: str, total: int | None) -> Any:
            return lambda amount: None

        def note(self, text: str) -> None:
            told.append(text)

    data = circle(seed=2)
    model = Behaviour(**settings).keep_in(tmp_path, Notes()).fit(data, at_us=NOW_US)
    assert "is of other data, settings or version" in told[0]
    fresh = Behaviour(**settings).fit(data, at_us=NOW_US)
    assert np.array_equal(model.score(data, [0, 1], at_us=NOW_US), fresh.score(data, [0, 1], at_us=NOW_US))
    (tmp_path / "behaviour.checkpoint").write_bytes(b"half a file")
    Behaviour(**settings).keep_in(tmp_path, Notes()).fit(data, at_us=NOW_US)
    assert any("cannot be read" in text for text in told)
    assert "is of other data" in model.notes[0]


def test_a_loss_that_is_no_number_stops_and_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = circle()
    step = training._Loop._step

    def broken(self: Any, *given: Any) -> Any:
        loss, n = step(self, *given)
        return (float("nan"), n) if self.state.epoch == 1 else (loss, n)

    monkeypatch.setattr(training._Loop, "_step", broken)
    with pytest.raises(training.Diverged, match=r"epoch 2, step 1\. The last good state, epoch 1, is kept") as failed:
        Behaviour(**QUICK).keep_in(tmp_path).fit(data, at_us=NOW_US)
    assert (failed.value.epoch, failed.value.step) == (1, 0)


def test_who_watches_ends_the_training_and_hears_again_after_a_kill(tmp_path: Path) -> None:
    """Stopped after the third epoch, at once or after a kill in the second: the same points, the same model."""
    data, settings = circle(), {**QUICK, "epochs": 6}
    heard: list[Point] = []

    def after_three(point: Point) -> bool:
        heard.append(point)
        return point.epoch == 2

    whole = Behaviour(**settings).watched_by(after_three).fit(data, at_us=NOW_US)
    assert [point.epoch for point in heard] == [0, 1, 2]
    assert list(whole.curve.points) == heard
    heard.clear()

    def killed(point: Point) -> bool:
        if point.epoch == 1:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        Behaviour(**settings).keep_in(tmp_path).watched_by(killed).fit(data, at_us=NOW_US)
    resumed = Behaviour(**settings).keep_in(tmp_path).watched_by(after_three).fit(data, at_us=NOW_US)
    assert [point.epoch for point in heard] == [0, 1, 2]
    everyone = np.arange(data.n_users)
    assert np.array_equal(whole.score(data, everyone, at_us=NOW_US), resumed.score(data, everyone, at_us=NOW_US))
    heard.clear()
    Behaviour(**settings, refit=True).watched_by(after_three).fit(data, at_us=NOW_US)
    assert len(heard) == 3, "the training on everything is not on trial"


def test_more_processes_than_batches_leave_nobody_without_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch is somebody's, and all have as many."""
    shares = []
    for rank in range(5):
        monkeypatch.setattr(training, "place", lambda rank=rank: (rank, 5))
        monkeypatch.setattr(training, "DistributedDataParallel", lambda network: network)
        monkeypatch.setattr(training._Loop, "go", lambda loop: shares.append(loop._batches(0)) or Curve((), -1, 1))
        Behaviour(**{**QUICK, "batch_tokens": 2000}).fit(circle(users=9), at_us=NOW_US)
    assert {len(share) for share in shares} == {len(shares[0])}
    assert len(shares[0]) >= 1
    taken = np.unique(np.concatenate([batch for share in shares for batch in share]))
    assert len(taken) == taken.max() + 1


@pytest.mark.parametrize("words", ["DefaultCPUAllocator: can't allocate memory", "CUDA out of memory."])
def test_too_little_memory_names_the_settings_to_lower(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, *given: Any) -> Any:
        raise RuntimeError(words)

    monkeypatch.setattr(training._Loop, "_step", full)
    with pytest.raises(MienError, match=r"batch_tokens = 128 and width 16\. Lower batch_tokens or negatives"):
        Behaviour(**QUICK).fit(circle(), at_us=NOW_US)


def test_too_few_acts_are_said() -> None:
    data = Interactions.of([0, 0, 1], [0, 1, 2], [BUY] * 3, NOW_US - np.arange(3), n_users=2, n_items=4)
    model = Behaviour(**SMALL).fit(data, at_us=NOW_US)
    assert "1 acts that another follows are too few to learn from (at least 20)" in model.notes[0]
    assert not model.score(data, [0, 1], at_us=NOW_US).any()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"size": "bases"}, UnknownName, "base"),
        ({"objective": "casual"}, UnknownName, "causal"),
        ({"dropout": 1.5}, UsageError, "is a share"),
        ({"ids": False, "content": False}, UsageError, "nothing tells one item from another"),
        ({"width": 30, "heads": 4}, UsageError, "multiple of the number of heads"),
        ({"epochs": "many"}, UsageError, "epochs of the model behaviour is a whole number, not 'many'"),
        ({"epochs": 2.5}, UsageError, "is a whole number"),
        ({"size": 3}, UsageError, "size of the model behaviour is a text, not 3"),
        ({"ids": 1}, UsageError, "is true or false"),
        ({"learning_rate": float("nan")}, UsageError, "is a number, not nan"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Behaviour(**settings)


def test_facts_of_another_width_are_refused() -> None:
    data = circle()
    model = Behaviour(**{**QUICK, "epochs": 1}).fit(data, at_us=NOW_US)
    with pytest.raises(UsageError, match="fitted with content of 0 numbers an item, not 5"):
        model.use_items(ItemFacts(sp.csr_array((ITEMS, 0)), np.zeros((ITEMS, 5), np.float32)))
    with pytest.raises(UsageError, match="knows 12 items; there are facts about 3"):
        model.use_items(ItemFacts.nothing(3))
    with pytest.raises(UsageError, match="but facts about 3"):
        Behaviour(**QUICK).use_items(ItemFacts.nothing(3)).fit(data, at_us=NOW_US)


def test_tags_find_their_column_by_name() -> None:
    facts = ItemFacts(sp.csr_array([[1, 0, 1], [0, 1, 1]]), np.zeros((2, 0), np.float32), ("a", "b", "c"))
    moved = facts.named(["c", "new", "a"])
    assert moved.names == ("c", "new", "a")
    assert moved.tags.toarray().tolist() == [[1, 0, 1], [1, 0, 0]]
    assert facts.without_rare(2).names == ("c",)


def test_vectors_stand_for_users() -> None:
    data = circle()
    model = Behaviour(**QUICK).fit(data, at_us=NOW_US)
    vectors = model.vectors(data, np.arange(60), at_us=NOW_US)
    assert vectors.shape == (60, 16)
    assert vectors.dtype == np.float32
    assert not model.vectors(data, [0], at_us=NOW_US - 100 * DAY_US).any()
