"""A model in another shop: what it knows of content goes along, ids stay behind; and fits that begin with a model."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from mien.core.clock import DAY_US
from mien.core.errors import UsageError
from mien.core.event import ACTION_CODE
from mien.models.behaviour import Behaviour
from mien.models.interactions import Interactions
from mien.models.items import ItemFacts
from mien.testing.model_checks import NOW_US

pytest.importorskip("torch", reason="needs the extra models")

KINDS = 6
QUICK: dict[str, Any] = {
    "width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 16, "threads": 1, "batch_tokens": 128, "epochs": 30,
    "learning_rate": 0.01, "dropout": 0.0, "validation": "none", "ids": False,
}  # fmt: skip


def shop(kinds: npt.NDArray[np.int64], seed: int, users: int = 60, steps: int = 6) -> tuple[Interactions, ItemFacts]:
    """A shop whose item k is of kind `kinds[k]`: whoever takes kind a takes an item of kind a + 1 the day after.

    Content is one axis a kind, the same in every shop.
    """
    random = np.random.default_rng(seed)
    step = np.tile(np.arange(steps), users)
    kind = (np.repeat(random.integers(0, KINDS, users), steps) + step) % KINDS
    item = np.array([random.choice(np.flatnonzero(kinds == one)) for one in kind])
    user, at = np.repeat(np.arange(users), steps), NOW_US - (steps - step) * DAY_US
    acts = Interactions.of(
        user, item, np.full(len(user), ACTION_CODE["purchase"]), at, n_users=users, n_items=len(kinds)
    )
    content = np.eye(KINDS, dtype=np.float32)[kinds]
    return acts, ItemFacts(sp.csr_array((len(kinds), 0)), content)


HERE = np.repeat(np.arange(KINDS), 3)
THERE = np.random.default_rng(1).permutation(np.repeat(np.arange(KINDS), 5))


@pytest.fixture(scope="module")
def learnt() -> Behaviour:
    acts, facts = shop(HERE, 0)
    return Behaviour(**QUICK).use_items(facts).fit(acts, at_us=NOW_US)


def next_kinds(model: Behaviour, acts: Interactions) -> float:
    """Share of users for whom the first item is of the kind that follows that of their last."""
    best = model.score(acts, np.arange(acts.n_users), at_us=NOW_US).argmax(axis=1)
    last = acts.item[acts.offsets[1:] - 1]
    return float((THERE[best] == (THERE[last] + 1) % KINDS).mean())


def test_what_follows_what_holds_in_another_shop(learnt: Behaviour) -> None:
    acts, facts = shop(THERE, 2)
    before = learnt.n_items, learnt.fitted["table"].copy()
    moved = learnt.moved_to(facts)
    assert moved.n_items == len(THERE)
    assert next_kinds(moved, acts) > 0.95
    assert learnt.n_items == before[0]
    assert np.array_equal(learnt.fitted["table"], before[1])


def test_a_moved_model_is_saved_and_loaded(learnt: Behaviour, tmp_path: Path) -> None:
    acts, facts = shop(THERE, 2)
    moved = learnt.moved_to(facts)
    moved.save(tmp_path)
    users = np.arange(acts.n_users)
    again = Behaviour.load(tmp_path).score(acts, users, at_us=NOW_US)
    assert np.array_equal(again, moved.score(acts, users, at_us=NOW_US))


def test_a_fit_begins_with_all_that_was_learnt(learnt: Behaviour) -> None:
    """With a step too small to change anything, what comes out is what went in."""
    acts, facts = shop(THERE, 2)
    still = Behaviour(**{**QUICK, "epochs": 1, "learning_rate": 1e-12}).use_items(facts).start_from(learnt)
    users = np.arange(acts.n_users)
    scores = still.fit(acts, at_us=NOW_US).score(acts, users, at_us=NOW_US)
    assert np.allclose(scores, learnt.moved_to(facts).score(acts, users, at_us=NOW_US), atol=1e-4)
    anew = still.start_from(None).fit(acts, at_us=NOW_US).score(acts, users, at_us=NOW_US)
    assert not np.allclose(anew, scores, atol=0.1)


def test_a_checkpoint_of_another_beginning_is_left_aside(learnt: Behaviour, tmp_path: Path) -> None:
    """A finished training lies in the folder; one that begins elsewhere must not end in it."""
    acts, facts = shop(THERE, 2)
    settings = {**QUICK, "epochs": 1}
    plain = Behaviour(**settings).use_items(facts).keep_in(tmp_path).fit(acts, at_us=NOW_US)
    begun = Behaviour(**settings).use_items(facts).keep_in(tmp_path).start_from(learnt).fit(acts, at_us=NOW_US)
    free = Behaviour(**settings).use_items(facts).start_from(learnt).fit(acts, at_us=NOW_US)
    assert np.array_equal(begun.fitted["table"], free.fitted["table"])
    assert not np.array_equal(begun.fitted["table"], plain.fitted["table"])


def test_what_cannot_move_says_so(learnt: Behaviour) -> None:
    acts, facts = shop(HERE, 0)
    with_ids = Behaviour(**{**QUICK, "ids": True, "epochs": 1}).use_items(facts).fit(acts, at_us=NOW_US)
    with pytest.raises(UsageError, match="ids = false"):
        with_ids.moved_to(facts)
    wider = ItemFacts(sp.csr_array((3, 0)), np.ones((3, KINDS + 1), dtype=np.float32))
    with pytest.raises(UsageError, match="Use the same encoder"):
        learnt.moved_to(wider)
    small = Behaviour(**{**QUICK, "width": 8}).use_items(facts).start_from(learnt)
    with pytest.raises(UsageError, match="Use the same sizes"):
        small.fit(acts, at_us=NOW_US)
