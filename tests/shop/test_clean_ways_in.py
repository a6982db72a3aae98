"""No direct identifier that somebody typed reaches the disk, by whichever way it came; what the shop numbers stays."""

import json
import sqlite3
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mien.core.errors import MissingExtra
from mien.live import Live
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.world import World

TYPED = ("13800138000", "ann@private.example", "6222021234567890128", "11010519491231002X")


def on_disk(shop: Shop) -> str:
    """Every text of log, tail, dead letters and the rest of the catalogue."""
    found = []
    with sqlite3.connect(shop.workspace.catalog) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found += [repr(row) for row in db.execute(f'SELECT * FROM "{table}"')]
    for path in shop.stock.history.paths():
        found += [repr(row) for row in pq.read_table(path).to_pylist()]
    return "\n".join(found)


def test_files(tmp_path: Path, fresh: Shop) -> None:
    rows = [
        "user,time,what,item,words,note,ean",
        f"ann,2024-05-20T10:00:00Z,search,,mug {TYPED[0]},x,6901234567892",
        f"ann,2024-05-20T10:01:00Z,view,mug-red,,mail {TYPED[1]},6901234567892",
        f"ann,never,view,mug-red,,pay {TYPED[2]},6901234567892",
    ]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    mapping = 'properties = ["note", "ean"]\n[map]\nuser_id = "user"\nat = "time"\naction = "what"\nitem_id = "item"\n'
    (tmp_path / "log.toml").write_text(mapping + 'query = "words"\n', encoding="utf-8")
    report = fresh.ingest(events=str(tmp_path / "log.csv"), mapping=tmp_path / "log.toml")
    assert (report.arrivals.new, report.arrivals.rejected) == (2, {"bad_time": 1})
    kept = on_disk(fresh) + json.dumps(fresh.dead_letters())
    assert not [text for text in TYPED if text in kept]
    assert "mug <PHONE>" in kept
    assert "mail <EMAIL>" in kept
    assert "pay <CARD>" in kept
    assert kept.count("6901234567892") == 3
    again = fresh.ingest(events=str(tmp_path / "log.csv"), mapping=tmp_path / "log.toml")
    assert (again.arrivals.new, again.arrivals.duplicates, again.arrivals.conflicts) == (0, 2, 0)


def test_tracking(fresh: Shop) -> None:
    said = {"userId": "ann", "type": "track"}
    messages = [
        said | {"messageId": "1", "event": "Products Searched", "properties": {"query": TYPED[0]}},
        said | {"messageId": "2", "event": "Asked", "properties": {"text": TYPED[1]}},
        said | {"messageId": "3", "event": "Asked", "properties": {"n": TYPED[2]}, "timestamp": "x"},
        said | {"messageId": "4", "type": "identify", "traits": {"motto": f"I am {TYPED[3]}"}},
        said | {"messageId": "5", "type": "page", "name": f"Orders of {TYPED[1]}"},
        said | {"messageId": "6", "event": f"Called {TYPED[0]}"},
    ]
    with Live(fresh) as live:
        assert dict(live.track(json.dumps({"batch": messages}).encode())) == {"new": 5, "bad_time": 1, "events": 1}
    kept = on_disk(fresh) + json.dumps(fresh.export("ann")) + json.dumps(fresh.dead_letters())
    assert not [text for text in TYPED if text in kept]
    for token in ("<PHONE>", "<EMAIL>", "<CARD>", "<ID_CARD>"):
        assert token in kept
    fresh.build()
    assert not [text for text in TYPED if text in on_disk(fresh)]


@pytest.mark.parametrize(("setting", "wanted"), [("clean = false", TYPED[0]), ("joinable = true", "<PHONE:")])
def test_settings(tmp_path: Path, toy: World, setting: str, wanted: str) -> None:
    create(tmp_path / "shop").close()
    file = tmp_path / "shop" / "mien.toml"
    file.write_text(file.read_text() + f"\n[privacy]\n{setting}\n", encoding="utf-8")
    message = {"type": "track", "userId": "ann", "event": "Products Searched", "properties": {"query": TYPED[0]}}
    with open_shop(tmp_path / "shop", clock=lambda: toy.at) as shop:
        with Live(shop) as live:
            live.track(json.dumps({"batch": [message]}).encode())
        assert wanted in shop.stock.tail.table()["query"].to_pylist()[0]


def test_what_is_missing_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    monkeypatch.setenv("MIEN_PRIVACY_PRESIDIO", '["US_SSN"]')
    with create(tmp_path / "shop") as shop, pytest.raises(MissingExtra, match=r"pip install 'mien\[privacy\]'"):
        Live(shop)
