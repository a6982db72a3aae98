"""Attribute inference on people whose attribute shows, or does not, and on real ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import UnknownName
from mien.studies.attribute_features import person_features
from mien.studies.attributes import MODELS, area, cross_validated, folds_of, study
from mien.studies.labelled import SOURCES, Behaviour


def people(n: int = 200, *, tells: bool = True, seed: int = 0) -> Behaviour:
    """20 lines each over 40 items; who is a yes takes three of four from the first 20, the others from the last."""
    random = np.random.default_rng(seed)
    label = (np.arange(n) % 2).astype(np.float64)
    user = np.repeat(np.arange(n), 20)
    side = (label[user] == 1) if tells else random.random(len(user)) < 0.5
    first = np.where(random.random(len(user)) < 0.75, side, ~side)
    item = random.integers(0, 20, len(user)) + np.where(first, 0, 20)
    at = random.uniform(0, 100 * 86_400, len(user))
    return Behaviour(user, item, at, np.ones(len(user)), {"half": item // 20}, {}, {"yes": label}, n, 40)


def figures(told: Behaviour) -> dict[str, float]:
    y = told.labels["yes"]
    said = cross_validated(person_features(told, dim=8), np.arange(told.n_users), y, folds_of(y, 4, 0), 0)
    return {name: area(margins, y) for name, margins in said.items()}


def test_what_shows_is_found() -> None:
    found = figures(people())
    assert set(found) == set(MODELS)
    assert 0.3 < found["activity"] < 0.7  # how much they buy tells nothing
    assert all(found[name] > 0.95 for name in ("items", "probe", "trees", "blend"))


def test_what_does_not_show_is_not_found() -> None:
    assert all(0.35 < figure < 0.65 for figure in figures(people(tells=False)).values())


def test_features_look_at_no_label() -> None:
    told = people()
    turned = Behaviour(**{**vars_of(told), "labels": {"yes": 1.0 - told.labels["yes"]}})
    one, two = person_features(told, dim=8), person_features(turned, dim=8)
    assert np.array_equal(one.dense, two.dense)
    assert (one.items != two.items).nnz == 0


def vars_of(told: Behaviour) -> dict[str, object]:
    return {name: getattr(told, name) for name in told.__dataclass_fields__}


def test_own_labels_are_never_seen() -> None:
    """The labels of a fold turned round: what is said of its people stays, and of the others it does not."""
    told = people(60)
    features, y = person_features(told, dim=4), told.labels["yes"]
    parts = folds_of(y, 2, 0)
    judged = parts[0][1]
    turned = y.copy()
    turned[judged] = 1.0 - turned[judged]
    one, two = (cross_validated(features, np.arange(60), labels, parts, 0) for labels in (y, turned))
    for name in MODELS:
        assert np.array_equal(one[name][judged], two[name][judged])
    assert not np.array_equal(one["blend"][parts[1][1]], two["blend"][parts[1][1]])


def test_area_by_hand() -> None:
    assert area(np.array([3.0, 1.0, 2.0, 2.0]), np.array([1.0, 0.0, 1.0, 0.0])) == pytest.approx(3.5 / 4)


def test_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "movielens", lambda _: renamed(people(120)))
    document = study("nowhere", tasks=["movielens_gender"], folds=3, seeds=(0, 1))
    json.dumps(document, allow_nan=False)
    (task,) = document["tasks"]
    assert task["people"] == 120
    assert [row["model"] for row in task["models"]] == list(MODELS)
    blend = task["models"][-1]
    assert blend["auroc"]["low"] <= blend["auroc"]["mean"] <= blend["auroc"]["high"]
    assert blend["above_floor"]
    assert not blend["covers_floor"]
    assert task["models"][0]["covers_floor"]
    assert set(blend["against"]) == {"items", "probe", "trees"}
    assert document == study("nowhere", tasks=["movielens_gender"], folds=3, seeds=(0, 1))


def renamed(told: Behaviour) -> Behaviour:
    return Behaviour(**{**vars_of(told), "labels": {"male": told.labels["yes"]}})  # type: ignore[arg-type]


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(UnknownName, match="movielens_gender"):
        study("nowhere", tasks=["movielens_sex"])


@pytest.mark.slow
def test_gender_of_real_people(shared_data: Path) -> None:
    (task,) = study(shared_data, tasks=["movielens_gender"], seeds=(0,))["tasks"]
    rows = {row["model"]: row for row in task["models"]}
    assert task["people"] == 943
    assert rows["blend"]["auroc"]["low"] > rows["activity"]["auroc"]["high"]
    assert rows["blend"]["auroc"]["mean"] > 0.75
