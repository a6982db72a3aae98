"""Purchase intent on made-up sessions whose answer is known, and on the real ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import SourceError, UnknownName
from mien.studies.intention import CODES, NUMBERS, TARGET, read_sessions, study

HEAD = ";".join((*NUMBERS, "Month", *CODES, TARGET))


def write(path: Path, n: int = 1200, *, late: str = "Nov") -> Path:
    """A session buys where its page value is above 0, nine times in ten; nothing else tells."""
    random = np.random.default_rng(0)
    lines = [HEAD]
    for k in range(n):
        valued = random.random() < 0.3
        bought = valued != (random.random() < 0.1)
        numbers = [0.0] * len(NUMBERS)
        numbers[4], numbers[8] = float(random.integers(1, 50)), 10.0 * valued
        month = ("Mar", "Sep", "Oct", late)[k % 4]
        lines.append(
            ";".join([*map(str, numbers), month, "1", "2", "1", "1", "New_Visitor", "FALSE", str(bought).upper()])
        )
    path.write_text("\n".join(lines))
    return path


def test_what_tells_is_found(tmp_path: Path) -> None:
    document = study(write(tmp_path / "sessions.csv"), seeds=(0,))
    json.dumps(document, allow_nan=False)
    rows = {row["model"]: row for row in document["models"]}
    assert rows["base-rate"]["auroc"]["mean"] == 0.5
    for name in ("page-values", "lightgbm", "head"):
        assert rows[name]["auroc"]["low"] > 0.8
        assert rows[name]["brier"]["high"] < rows["base-rate"]["brier"]["low"]
    assert rows["head"]["ece"]["mean"] < 0.1
    assert rows["head"]["against"]["model"] == "lightgbm"
    assert document["split"]["learnt_from"] == ["Mar", "Sep", "Oct"]
    assert document["split"]["test_sessions"] == 300


def test_the_same_seeds_give_the_same_document(tmp_path: Path) -> None:
    path = write(tmp_path / "sessions.csv")
    assert study(path, seeds=(3,)) == study(path, seeds=(3,))


def test_labels_of_the_test_months_teach_nothing(tmp_path: Path) -> None:
    """With the answers of the test turned round, what is said stays: the AUROC is mirrored exactly."""
    path = write(tmp_path / "sessions.csv")
    turned = tmp_path / "turned.csv"
    swap = {"TRUE": "FALSE", "FALSE": "TRUE"}
    lines = path.read_text().splitlines()
    told = [line.rpartition(";") for line in lines[1:]]
    told = [(a, b, swap[c]) if ";Nov;" in a else (a, b, c) for a, b, c in told]
    turned.write_text("\n".join([lines[0], *("".join(parts) for parts in told)]))
    one, two = (study(each, seeds=(0,))["models"] for each in (path, turned))
    for a, b in zip(one, two, strict=True):
        assert a["auroc"]["mean"] == pytest.approx(1 - b["auroc"]["mean"], abs=2e-6)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a;b\n1;2\n")
    with pytest.raises(SourceError, match="Administrative"):
        study(path)


def test_an_unknown_month_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "sessions.csv", 8, late="Nov.")
    with pytest.raises(SourceError, match=r"Nov\."):
        read_sessions(path)
    with pytest.raises(UnknownName, match="Nov"):
        study(path, test_months=("November",))


@pytest.mark.slow
def test_the_real_sessions(shared_data: Path) -> None:
    """The calibrated head says better probabilities than trees alone; both order better than page values alone."""
    document = study(shared_data / "shoppers_intention" / "sessions.csv", seeds=(0,))
    rows = {row["model"]: row for row in document["models"]}
    assert document["split"]["train_sessions"] == 7605
    assert document["split"]["test_sessions"] == 4725
    assert rows["lightgbm"]["auroc"]["mean"] > rows["head"]["auroc"]["mean"] > rows["page-values"]["auroc"]["mean"]
    assert rows["head"]["against"]["brier"]["high"] < 0
    assert rows["head"]["against"]["ece"]["high"] < 0
