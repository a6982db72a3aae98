"""The honest table on a world whose right answers are known."""

import json

import numpy as np
import pytest

from mien.core.clock import DAY_US
from mien.core.errors import UnknownName
from mien.core.event import ACTION_CODE
from mien.core.item import Facet
from mien.models.interactions import Interactions
from mien.studies.accuracy import profile_accuracy
from mien.studies.blend import blended
from mien.studies.evaluate import DEFAULT_MODELS, HUMBLE, Evaluation, evaluate

BUY, VIEW = ACTION_CODE["purchase"], ACTION_CODE["view"]
NOW = 200 * DAY_US
USERS, ITEMS = 40, 60
GROUP = Facet("category", 1, tuple(f"group {g}" for g in range(6)), np.repeat(np.arange(6, dtype=np.int32), 10))


def loyal(change_after: bool = False) -> Interactions:
    """User u buys item u every ten days, and in the last two weeks again, beside one item of its group never bought.

    Items 50 … 59 belong to nobody. One user without a history buys item 0 in the last two weeks.
    """
    rows = [(u, u, NOW - d * DAY_US) for u in range(USERS) for d in range(20, 100, 10)]
    after = NOW - 3 * DAY_US
    rows += [(u, 55 if change_after else u, after) for u in range(USERS)]
    rows += [(u, u // 10 * 10 + (u + 1) % 10, after) for u in range(USERS)]
    rows += [(USERS, 0, after)]
    user, item, at = zip(*rows, strict=True)
    return Interactions.of(user, item, [BUY] * len(rows), at, n_users=USERS + 1, n_items=ITEMS)


@pytest.fixture(scope="module")
def table() -> Evaluation:
    return evaluate(loyal(), facets=[GROUP], settings={"als": {"factors": 4}, "interest": {"dim": 4}})


def test_the_humble_ones_always_take_part() -> None:
    assert [row.model for row in evaluate(loyal(), models=["ease"]).models] == [*HUMBLE, "ease"]


def test_repeat_finds_what_is_bought_again(table: Evaluation) -> None:
    repeat = table.result("repeat")
    first = 1.0 / (1.0 + 1.0 / np.log2(3))
    assert (repeat.mrr == 1.0).all()
    assert (repeat.ndcg >= first - 1e-9).all()
    assert table.best_humble is repeat
    assert table.difference("popular", "repeat").high < 0


def test_figures_of_the_split(table: Evaluation) -> None:
    assert table.split["users"] == USERS
    assert table.split["users_without_history"] == 1
    assert table.split["mean_basket"] == 2.0
    assert table.split["already_bought"] == pytest.approx(USERS / (2 * USERS + 1), abs=1e-6)


def test_slices(table: Evaluation) -> None:
    slices = table.result("repeat").slices
    assert set(slices) == {"users_without_history", "items_new_to_the_user"}  # everybody else ordered eight times
    cold = {row.model: row.slices["users_without_history"]["recall"].mean for row in table.models}
    assert len(set(cold.values())) == 1  # every model falls back on what is popular


def test_the_document_is_complete_and_plain_json(table: Evaluation) -> None:
    document = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert set(document) == {"split", "models", "profile"}
    assert [row["model"] for row in document["models"]] == list(DEFAULT_MODELS)
    for row in document["models"]:
        for name in ("ndcg@10", "recall@10", "mrr@10", "precision@10"):
            assert row[name]["low"] <= row[name]["mean"] <= row[name]["high"]
        assert 0 <= row["coverage@10"] <= 1
        assert ("against" in row) == (row["model"] not in HUMBLE)
    facet = document["profile"][0]
    assert facet["facet"] == "category"
    assert {"auroc", "precision", "recall", "f1", "baseline_auroc"} <= set(facet)


def test_nothing_after_the_split_reaches_a_model() -> None:
    """Other purchases after the split, the same lists: coverage and novelty are of lists alone."""
    names = ["repeat", "ease", "item-neighbours", "als"]
    one, two = (evaluate(loyal(change), models=names, settings={"als": {"factors": 4}}) for change in (False, True))
    assert [(row.coverage, row.novelty) for row in one.models] == [(row.coverage, row.novelty) for row in two.models]
    assert np.nanmean(one.result("repeat").ndcg) > np.nanmean(two.result("repeat").ndcg)


def test_the_same_seed_gives_the_same_document() -> None:
    one, two = (evaluate(loyal(), models=["als"], settings={"als": {"factors": 4}}, seed=5).to_dict() for _ in range(2))
    for document in (one, two):
        for row in document["models"]:
            del row["fit_seconds"]
    assert one == two


def test_progress_is_told_to_the_end() -> None:
    told: dict[str, list[int]] = {}

    class Log:
        def step(self, name: str, total: int | None):  # type: ignore[no-untyped-def]
            told[name] = [total or 0, 0]
            return lambda amount: told[name].__setitem__(1, told[name][1] + amount)

        def note(self, text: str) -> None:
            raise AssertionError("no model of this table has a note to tell")

    evaluate(loyal(), models=["ease"], facets=[GROUP], progress=Log())
    assert told == {"fitting models": [4, 4], "ranking baskets": [USERS + 1] * 2, "profile accuracy": [1, 1]}


def test_a_blend_stands_beside_the_best_single_model() -> None:
    rows = {row["model"]: row for row in evaluate(loyal(), models=["ease", "blend", "repeat+ease"]).to_dict()["models"]}
    assert {name for name in rows if "against_best_single" in rows[name]} == {"blend", "repeat+ease"}
    best = max(
        (name for name in rows if "+" not in name and name != "blend"), key=lambda name: rows[name]["ndcg@10"]["mean"]
    )
    assert rows["blend"]["against_best_single"]["model"] == best


def test_notes_of_a_model_reach_its_row() -> None:
    row = evaluate(loyal(), models=["ease"], settings={"ease": {"memory_mb": 12 * 9 / 2**20}}).to_dict()["models"][3]
    assert "the 3 most bought of 40 items" in row["notes"][0]


def test_unknown_models_are_named() -> None:
    with pytest.raises(UnknownName, match="repeat"):
        evaluate(loyal(), models=["repeet"])
    with pytest.raises(UnknownName, match="ease"):
        evaluate(loyal(), models=["repeat+eese"])


def test_blends_by_hand() -> None:
    scores = {
        "repeat": np.array([[8.0, 0.0, 24.0]], dtype=np.float32),
        "ease": np.array([[0.5, 1.0, -0.25]], dtype=np.float32),
        "popular": np.array([[0.0, np.e - 1, np.e**2 - 1]], dtype=np.float32),
    }
    assert blended("repeat+ease", scores)[0].tolist() == pytest.approx([1.5, 1.0, 2.75])
    assert blended("ease+popular", scores)[0].tolist() == pytest.approx([0.5, 1 + 1 / (np.e + 1), 0.75])
    assert blended("ease", scores) is scores["ease"]


def test_profile_accuracy_by_hand() -> None:
    """Three values, the population likes 2 most. User 0 likes 0 and buys 0; user 1 is silent and buys 2."""
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    bought = np.array([[True, False, False], [False, False, True]])
    found = profile_accuracy(weights, bought, np.array([0.1, 0.3, 0.6]), top=1)
    assert found.auroc.tolist() == [1.0, 1.0]
    assert found.baseline_auroc.tolist() == [0.0, 1.0]
    assert found.f1.tolist() == [1.0, 1.0]
    assert found.baseline_f1.tolist() == [0.0, 1.0]
    assert found.to_dict()["auroc_gain"]["mean"] == 0.5


def test_profile_accuracy_ranks_silence_by_the_population() -> None:
    """User likes 0, buys 2: of the two others 2 is the likelier by the population, one of two pairs is right."""
    found = profile_accuracy(np.array([[1.0, 0, 0]]), np.array([[False, False, True]]), np.array([0.1, 0.3, 0.6]))
    assert found.auroc.tolist() == [0.5]
    assert found.top == 3


def test_the_profile_knows_the_group_of_a_loyal_user(table: Evaluation) -> None:
    facet = table.profile[0]
    assert (facet.auroc == 1.0).all()
    assert facet.mean("auroc").low > facet.mean("baseline_auroc").high
