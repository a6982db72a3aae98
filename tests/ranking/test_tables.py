"""Step tables are the trees they come from, and come apart by column."""

import lightgbm
import numpy as np
import pytest

from mien.core.errors import WorkspaceError
from mien.ranking.tables import Tables

NAMES = ["a", "b", "c"]
NEUTRAL = {"a": 0.0, "b": float("nan"), "c": 1.0}


def _grown(constraints, *, rounds=40, seed=0):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(2000, 3))
    rows[random.random(2000) < 0.2, 1] = np.nan
    target = (
        np.sin(rows[:, 0]) + np.nan_to_num(rows[:, 1]) ** 2 + rows[:, 0] * rows[:, 2] + 0.1 * random.normal(size=2000)
    )
    params = {
        "objective": "regression",
        "interaction_constraints": constraints,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
    }
    return lightgbm.train(params, lightgbm.Dataset(rows, target), rounds), rows


@pytest.mark.parametrize(("constraints", "pairs"), [([[0], [1], [2]], ()), ([[0], [1], [2], [0, 2]], (("a", "c"),))])
def test_tables_equal_the_trees(constraints, pairs):
    booster, rows = _grown(constraints)
    tables = Tables.compile(booster, NAMES, NEUTRAL, pairs)
    given = {name: rows[:, j] for j, name in enumerate(NAMES)}
    assert tables.score(given, len(rows)) == pytest.approx(booster.predict(rows), abs=1e-9)
    tables.check(booster, rows, NAMES)


def test_a_neutral_value_adds_nothing():
    booster, _ = _grown([[0], [1], [2], [0, 2]])
    tables = Tables.compile(booster, NAMES, NEUTRAL, (("a", "c"),))
    added = tables.adds({name: np.array([value]) for name, value in NEUTRAL.items()})
    assert {name: values.tolist() for name, values in added.items()} == {name: [0.0] for name in NAMES}


def test_a_planted_interaction_needs_its_pair():
    target = lambda rows: np.sin(rows[:, 0]) + np.nan_to_num(rows[:, 1]) ** 2 + rows[:, 0] * rows[:, 2]  # noqa: E731
    errors = {}
    for name, constraints in (("apart", [[0], [1], [2]]), ("pair", [[0], [1], [2], [0, 2]])):
        booster, _ = _grown(constraints, rounds=80)
        _, fresh = _grown(constraints, rounds=1, seed=1)
        errors[name] = float(np.mean((booster.predict(fresh) - target(fresh)) ** 2))
    assert errors["pair"] < 0.3 * errors["apart"]


def test_trees_that_look_at_everything_are_refused():
    booster, rows = _grown([[0, 1, 2]])
    with pytest.raises(WorkspaceError, match="come apart"):
        Tables.compile(booster, NAMES, NEUTRAL).check(booster, rows, NAMES)


def test_saved_tables_answer_alike_and_drawn_together_keep_their_order():
    booster, rows = _grown([[0], [1], [2], [0, 2]])
    tables = Tables.compile(booster, NAMES, NEUTRAL, (("a", "c"),))
    given = {name: rows[:, j] for j, name in enumerate(NAMES)}
    scores = tables.score(given, len(rows))
    again = Tables.from_arrays(tables.to_arrays())
    assert np.array_equal(again.score(given, len(rows)), scores)
    small = tables.within(2.0)
    near = small.score(given, len(rows))
    assert small.span <= 2.0 + 1e-12
    assert np.ptp(near) <= 2.0
    assert np.corrcoef(near, scores)[0, 1] == pytest.approx(1.0)
