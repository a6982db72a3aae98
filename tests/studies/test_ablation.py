"""The ablation, in a world where only order tells what comes next, and in a shop of which nothing is known."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core.errors import UnknownName, UsageError
from mien.studies.ablation import DISORDER, FULL, study
from mien.studies.ordered import disordered, read_world

pytest.importorskip("torch", reason="needs the extra models")

ITEMS, STEPS = 40, 9
QUICK: dict[str, Any] = {
    "width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 32, "batch_tokens": 256, "epochs": 40,
    "patience": 40, "learning_rate": 0.01, "dropout": 0.0,
}  # fmt: skip


@pytest.fixture
def circle(tmp_path: Path) -> str:
    """Whoever takes item i takes i + 1 next; the attribute says whether its number is even."""
    random = np.random.default_rng(0)
    begin = random.integers(0, ITEMS, 150)
    lines = [
        " ".join([f"u{user}", *(str((b + step) % ITEMS) for step in range(STEPS))]) for user, b in enumerate(begin)
    ]
    (tmp_path / "Circle.txt").write_text("\n".join(lines))
    told = {str(item): [item % 2] for item in range(ITEMS)}
    (tmp_path / "Circle_item2attributes.json").write_text(json.dumps(told))
    return f"s3rec:{tmp_path / 'Circle.txt'}"


def test_order_is_what_counts_in_a_circle(circle: str) -> None:
    found = study(
        circle, variants=("without ids", "without time", "with the all-action loss"), settings={"behaviour": QUICK}
    )
    rows = {row["model"]: row for row in found["models"]}
    assert list(rows) == [FULL, DISORDER, "without ids", "with the all-action loss"]
    assert found["left_out"] == {"without time": "the full model is so"}
    assert rows[FULL]["ndcg@10"]["mean"] > 0.95
    assert "ndcg less full" not in rows[FULL]
    assert rows[FULL]["users_with_a_hit"] == round(rows[FULL]["recall@10"]["mean"] * found["users"])
    for worse in (DISORDER, "without ids"):  # odd and even are all that is known without ids
        assert rows[worse]["ndcg less full"]["high"] < -0.1
        difference = rows[worse]["ndcg@10"]["mean"] - rows[FULL]["ndcg@10"]["mean"]
        assert rows[worse]["ndcg less full"]["mean"] == pytest.approx(difference, abs=1e-5)


def test_disorder_moves_acts_within_a_user_alone(circle: str) -> None:
    data = read_world(circle).data
    mixed = disordered(data, 1)
    assert (mixed.user == data.user).all()
    assert (mixed.at_us == data.at_us).all()
    assert (mixed.item != data.item).any()
    for user in range(5):
        assert set(mixed.item[mixed.user == user]) == set(data.item[data.user == user])


def test_a_shop_of_which_nothing_is_known_has_no_row_without_content(tmp_path: Path) -> None:
    (tmp_path / "retailrocket").mkdir()
    random = np.random.default_rng(0)
    with gzip.open(tmp_path / "retailrocket" / "events.csv.gz", "wt") as file:
        write = csv.writer(file)
        write.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for user in range(30):
            for day in range(8):  # 1 July 2015 is the split; the last day lies after it
                item, at = int(random.integers(0, 12)), 1_435_708_800 + (day - 6) * 86_400 + user
                write.writerow([user, item, "view", at])
                write.writerow([user, item, "purchase", at + 60])
    settings = {"behaviour": QUICK | {"epochs": 1}}
    found = study(f"retailrocket:{tmp_path}", variants=("without content", "without actions"), settings=settings)
    assert found["users"] == 30
    assert [row["model"] for row in found["models"]] == [FULL, DISORDER, "without actions"]
    assert found["left_out"] == {"without content": "nothing is known of the items beside their ids"}


def test_bad_input(circle: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="without contents"):
        study(circle, variants=("without contents",))
    with pytest.raises(UnknownName, match="ease"):
        study(circle, settings={"ease": {"ridge": 1.0}})
    with pytest.raises(UsageError, match="at least one seed"):
        study(circle, seeds=())
    with pytest.raises(UsageError, match="the folder that holds online_retail/"):
        study(f"online_retail:{tmp_path}")
    with pytest.raises(UnknownName, match="shop"):
        study("corner")
