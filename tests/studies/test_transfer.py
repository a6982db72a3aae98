"""Transfer between two tiny shops that share their words and what follows what."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.core.errors import SourceError, UsageError
from mien.studies.transfer import FULL, SHORT, TUNED, ZERO, study

pytest.importorskip("torch", reason="needs the extra models")

WORDS = ("lantern", "teapot", "ribbon", "cushion", "doormat", "whistle", "napkin", "bicycle")
EACH, STEPS = 4, 6
QUICK: dict[str, Any] = {
    "width": 16, "heads": 2, "blocks": 1, "length": 8, "negatives": 32, "batch_tokens": 256, "learning_rate": 0.01,
    "dropout": 0.0, "horizon_share": 0.0,
}  # fmt: skip


def histories(users: int, seed: int) -> list[list[int]]:
    """Whoever takes an item of word k takes one of word k + 1 next; items of word k: k · EACH …"""
    random = np.random.default_rng(seed)
    begin = random.integers(0, len(WORDS), users)
    return [[int((b + s) % len(WORDS)) * EACH + int(random.integers(EACH)) for s in range(STEPS)] for b in begin]


@pytest.fixture
def games(tmp_path: Path) -> str:
    folder = tmp_path / "games"
    folder.mkdir()
    items = [f"{item}\t{WORDS[item // EACH]}" for item in range(len(WORDS) * EACH)]
    (folder / "items.tsv").write_text("\n".join(["item_id:token\ttitle:token_seq", *items]))
    rows = [f"{user}\t{' '.join(map(str, told[:-1]))}\t{told[-1]}" for user, told in enumerate(histories(150, 0))]
    heading = "user_id:token\titem_id_list:token_seq\titem_id:token"
    (folder / "sequences_test.tsv").write_text("\n".join([heading, *rows]))
    return f"games:{folder}"


@pytest.fixture
def retail(tmp_path: Path) -> str:
    """The last purchase of each customer lies after the shop's split, 11 November 2011."""
    folder = tmp_path / "online_retail"
    folder.mkdir()
    lines = []
    for user, told in enumerate(histories(80, 1)):
        for step, item in enumerate(told):
            at = datetime(2011, 11, 12) + timedelta(days=step - STEPS + 1, minutes=user)  # noqa: DTZ001
            word = WORDS[item // EACH].upper()
            lines.append((f"{user}-{step}", f"{90000 + 7 * item}", word, 1, at, 2.5, float(user), "France"))
    names = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
    pq.write_table(
        pa.table(dict(zip(names, map(list, zip(*lines, strict=True)), strict=True))), folder / "transactions.parquet"
    )
    return f"online_retail:{tmp_path}"


def test_what_follows_what_goes_along(games: str, retail: str) -> None:
    found = study(games, retail, epochs=12, tune_epochs=1, source_users=120, settings={"behaviour": QUICK})
    rows = {row["model"]: row for row in found["models"]}
    assert list(rows) == ["popular", "repeat", ZERO, TUNED, SHORT, FULL]
    assert found["source_users"] == 120
    assert found["users"] == 80
    assert rows[ZERO]["against"]["model"] == "popular"
    assert rows[ZERO]["against"]["ndcg@10"]["low"] > 0.1
    assert rows[TUNED]["against"]["model"] == SHORT
    assert rows[TUNED]["against"]["ndcg@10"]["low"] > 0


def test_bad_input(games: str, retail: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epochs ≥ tune_epochs"):
        study(games, retail, epochs=1, tune_epochs=2)
    with pytest.raises(SourceError, match=r"There is no items\.tsv"):
        study(f"games:{tmp_path}", retail)
    path = tmp_path / "online_retail" / "transactions.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("Description")
    pq.write_table(table.set_column(place, "Description", pa.nulls(len(table), pa.string())), path)
    with pytest.raises(UsageError, match="have no words"):
        study(games, retail, settings={"behaviour": QUICK})
