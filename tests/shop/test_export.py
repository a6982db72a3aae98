"""Everything kept about a person is in their export: every table that has rows of theirs, and nothing of others."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mien.live import Live
from mien.shop import Shop

HELD: dict[str, str] = {
    "people": "ids",
    "traits": "declared",
    "told_traits": "declared",
    "consented": "consents",
    "stitched": "ids",
    "named": "ids",
    "tail": "events",
    "others": "others",
    "letters": "dead_letters",
    "state": "profile",
    "shown": "impressions",
    "holds": "holds",
}
"""Table → the part of an export that tells what it holds of a user."""
NOBODYS = {
    *("meta", "sqlite_sequence", "item_ids", "ingests", "segments", "item_changes", "told_items", "fates", "progress"),
    *("keys", "saved_segments", "dropped", "about", "secrets"),
    "received",  # keyed hashes of messages, of no user
    *("touched", "unfolded"),  # which rows a build or fold has still to do
    *("user_keys", "erased", "destroyed"),  # keys of users; keyed hashes and numbers of who was erased
}
"""Tables that hold nothing to tell."""


def tables(shop: Shop) -> dict[str, Path]:
    """Every table of every database in the workspace."""
    found = {}
    for path in shop.workspace.folder.rglob("*"):
        if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
            with sqlite3.connect(path) as db:
                found |= {name: path for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return found


def count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as db:
        return int(db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


@pytest.fixture
def busy(fresh: Shop) -> Shop:
    """ann did everything that leaves something, on her phone too."""
    said = {"userId": "ann", "context": {"consent": {"categoryPreferences": {"marketing": False}}}}
    messages: list[dict[str, Any]] = [
        said | {"type": "track", "messageId": "1", "event": "Product Viewed", "properties": {"product_id": "teapot"}},
        said | {"type": "track", "messageId": "2", "event": "Quiz Taken", "properties": {"score": 7}},
        said | {"type": "identify", "messageId": "3", "anonymousId": "phone", "traits": {"age": 40}},
        said | {"type": "track", "messageId": "4", "event": "Product Viewed", "timestamp": "soon"},
        {"type": "page", "messageId": "5", "anonymousId": "phone", "name": "Tea"},
    ]
    with Live(fresh) as live:
        live.track(json.dumps({"batch": messages}).encode())
    fresh.search("tea", user="ann", shown=True)
    fresh.hold("ann", fresh.clock() + timedelta(days=30), "a dispute")
    fresh.consent("ann", {"analytics": True}, source="desk")
    return fresh


def test_every_table_is_told_or_holds_nothing_of_anybody(busy: Shop) -> None:
    found = tables(busy)
    assert not set(found) - set(HELD) - NOBODYS, "say what of these tables is in the export, or why nothing is"
    told = busy.export("ann")
    for table, part in HELD.items():
        if table in found:
            assert count(found[table], table), f"nothing that ann did is in {table}"
            assert told[part], f"{table} has rows, {part} tells nothing"


def test_what_it_tells(busy: Shop) -> None:
    busy.note("profile.read", "phone", by="key-7")
    told = busy.export("phone", by="key-8")
    assert told["ids"] == ["ann", "phone"]
    assert told["declared"] == {"traits": {"age": 40}, "consents": {"marketing": False, "analytics": True}}
    assert [(word["purpose"], word["given"], word["source"]) for word in told["consents"]["history"]] == [
        ("marketing", False, "tracking:http"), ("analytics", True, "desk"),
    ]  # fmt: skip
    assert "1" in [event["event_id"] for event in told["events"]]
    assert [other["name"] for other in told["others"]] == ["Quiz Taken", "page Tea"]
    assert [letter["reason"] for letter in told["dead_letters"]] == ["bad_time"]
    assert [(one["action"], one["by"]) for one in told["audit"]] == [
        ("hold.put", "local"), ("consent.change", "local"), ("profile.read", "key-7"), ("profile.export", "key-8"),
    ]  # fmt: skip
    assert [one["reason"] for one in told["holds"]] == ["a dispute"]
    assert [one["query"] for one in told["impressions"]] == ["tea"]
    assert json.loads(json.dumps(told)) == told


def test_it_tells_nothing_of_others(busy: Shop) -> None:
    told = json.dumps(busy.export("ben"))
    assert '"ann"' not in told
    assert '"phone"' not in told
    assert busy.export("ben")["dead_letters"] == []
