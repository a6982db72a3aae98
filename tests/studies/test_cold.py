"""Cold items and users: nothing of them reaches a fit, and a world of kinds is answered by kind."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.errors import SourceError, UsageError
from mien.core.ports import Silent
from mien.models.interactions import Interactions
from mien.studies.cold import ASKED_US, alike, cold_world, first_acts, study
from mien.studies.ordered import read_world

pytest.importorskip("torch", reason="needs the extra models")

KINDS, EACH, USERS = 30, 8, 300
QUICK: dict[str, Any] = {
    "width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 64, "batch_tokens": 256, "epochs": 15,
    "learning_rate": 0.01, "dropout": 0.1, "id_dropout": 0.3,
}  # fmt: skip


def histories() -> list[tuple[int, list[int]]]:
    """Everybody keeps to one kind; the items of kind k are k · EACH …, five of them a user, in any order."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, KINDS, USERS)
    return [(int(kind), (kind * EACH + random.permutation(EACH)[:5]).tolist()) for kind in kinds]


@pytest.fixture
def kinds(tmp_path: Path) -> str:
    lines = [" ".join([f"u{user}", *map(str, items)]) for user, (_, items) in enumerate(histories())]
    (tmp_path / "Kinds.txt").write_text("\n".join(lines))
    told = {str(item): [item // EACH] for item in range(KINDS * EACH)}
    (tmp_path / "Kinds_item2attributes.json").write_text(json.dumps(told))
    return f"s3rec:{tmp_path / 'Kinds.txt'}"


@pytest.fixture
def games(tmp_path: Path) -> str:
    """The same with a word a kind; item 0 has no title."""
    items = [f"{item}\t{'' if item == 0 else f'kind{item // EACH:02}'}" for item in range(KINDS * EACH)]
    (tmp_path / "items.tsv").write_text("\n".join(["item_id:token\ttitle:token_seq", *items]) + "\n")
    rows = [f"{user}\t{' '.join(map(str, told[:-1]))}\t{told[-1]}" for user, (_, told) in enumerate(histories())]
    heading = "user_id:token\titem_id_list:token_seq\titem_id:token"
    (tmp_path / "sequences_test.tsv").write_text("\n".join([heading, *rows]) + "\n")
    return f"games:{tmp_path}"


def test_nothing_cold_is_learnt_from(kinds: str) -> None:
    world = cold_world(kinds, 0.2, 0.1, "lexical", 0, Silent())
    whole = read_world(kinds).data
    assert world.train.n_items == world.n_warm == whole.n_items - round(0.2 * whole.n_items)
    assert (world.target >= world.n_warm).all()
    assert len(world.target) > 10
    assert world.newcomers.n_users == USERS // 10
    assert (world.newcomers.item < world.n_warm).all()
    assert world.train.at_us.max() <= ASKED_US
    learnt = np.unique(world.train.user)
    assert len(learnt) <= USERS - USERS // 10
    assert not np.isin(world.target, world.train.item).any()


def test_kinds_are_told_by_their_tags(kinds: str) -> None:
    found = study(kinds, share=0.2, settings={"behaviour": QUICK})
    rows = {(row["model"], row["slice"]): row for row in found["models"]}
    ours, chance = rows["behaviour", "cold items"], rows["random", "cold items"]
    assert ours["ndcg@10 among cold"]["low"] > chance["ndcg@10 among cold"]["high"]
    assert rows["content likeness", "cold items"]["ndcg@10 among cold"]["mean"] > 0.5
    assert rows["popular", "cold items"]["recall@10 among all"]["mean"] == 0.0
    for first in (1, 2):
        name = f"cold users, {first} acts"
        assert rows["behaviour", name]["ndcg@10"]["low"] > rows["popular", name]["ndcg@10"]["high"]
    assert ("behaviour", "cold users, 5 acts") not in rows  # nobody has a sixth


def test_titles_do_the_same(games: str) -> None:
    found = study(games, share=0.2, firsts=(1,), settings={"behaviour": QUICK | {"epochs": 1}})
    rows = {(row["model"], row["slice"]): row for row in found["models"]}
    assert found["encoder"] == "lexical"
    assert rows["content likeness", "cold items"]["ndcg@10 among cold"]["mean"] > 0.5


def test_first_acts_by_hand() -> None:
    data = Interactions.of([0, 0, 0, 1], [5, 3, 4, 2], [4] * 4, [10, 20, 30, 5], n_users=2, n_items=6)
    cut, following = first_acts(data, 2)
    assert cut.n_users == 1  # the other has one act
    assert cut.item.tolist() == [5, 3]
    assert following.tolist() == [4]
    assert cut.at_us.max() == ASKED_US


def test_likeness_by_hand(games: str) -> None:
    world = cold_world(games, 0.2, 0.1, "lexical", 0, Silent())
    scores = alike(world.histories, world.facts)
    first = world.histories.item[world.histories.offsets[:-1]]
    assert scores.shape == (len(first), len(world.facts))
    assert (scores[np.arange(len(first)), first] > 0.9).mean() > 0.9


def test_bad_input(kinds: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share lies between 0 and 1"):
        study(kinds, share=1.5)
    with pytest.raises(SourceError, match=r"There is no items\.tsv"):
        study(f"games:{tmp_path}")
    (tmp_path / "Kinds_item2attributes.json").unlink()
    with pytest.raises(UsageError, match="Nothing is known"):
        study(kinds)
    (tmp_path / "items.tsv").write_text("item_id:token\tname:token_seq\n")
    with pytest.raises(SourceError, match="no column title"):
        study(f"games:{tmp_path}")
