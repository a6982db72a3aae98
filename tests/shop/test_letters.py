"""Dead letters of tracking: whole with what was known at their receipt, mended, read again, and never counted twice."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from mien.core.errors import UnknownName, UsageError
from mien.core.tables import LOGGED
from mien.live import Live
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world
from mien.web.app import create_app

TOY = world()
NOW = TOY.at + timedelta(hours=1)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters") / "shop"
    with create(folder, clock=lambda: NOW) as shop:
        shop.ingest(events=TOY.event_table, items=TOY.items)
        shop.build()
    return folder


@pytest.fixture
def shop(original: Path, tmp_path: Path) -> Iterator[Shop]:
    shutil.copytree(original, tmp_path / "shop")
    with open_shop(tmp_path / "shop", clock=lambda: NOW, served=True) as shop:
        yield shop


def message(number: int, **more: Any) -> dict[str, Any]:
    told = {"type": "track", "messageId": f"m{number}", "event": "Product Viewed", "userId": "vera"}
    return told | {"properties": {"product_id": "teapot"}} | more


def track(shop: Shop, *messages: object, kind: str | None = None, **more: Any) -> None:
    with Live(shop) as live:
        live.track(msgspec.json.encode(messages[0] if kind else {"batch": messages, **more}), kind=kind)


def letters(shop: Shop) -> list[dict[str, Any]]:
    return list(shop.dead_letters()["letters"])


def test_a_refused_message_keeps_what_its_route_its_batch_and_its_receipt_said(shop: Shop) -> None:
    track(shop, message(1, userId="null", note="面" * 5000), sentAt="2024-05-27T08:30:00Z")
    track(shop, {"userId": "null", "event": "x"}, kind="track")
    by_route, by_batch = (json.loads(letter["raw"]) for letter in letters(shop))
    assert (by_route["type"], by_route["receivedAt"]) == ("track", NOW.isoformat())
    assert by_batch["sentAt"] == "2024-05-27T08:30:00Z"
    assert by_batch["note"] == "面" * 5000


def test_mended_and_read_again_it_counts_once_as_of_its_receipt(shop: Shop) -> None:
    track(shop, message(1), message(2, userId="null"))
    (letter,) = letters(shop)
    assert letter["reason"] == "refused_id"
    mended = shop.mend(letter["id"], json.loads(letter["raw"]) | {"userId": "vera"})
    assert mended["reason"] == "mended"
    shop.clock = lambda: NOW + timedelta(days=3)
    told = shop.replay()
    assert (told["replayed"], told["accepted"], told["kept"], told["total"]) == (1, 1, 0, 0)
    assert shop.profile("vera").events == 2
    assert shop.stock.tail.table()[LOGGED.AT].to_pylist() == [NOW, NOW]
    track(shop, message(2))  # its sender has mended it, too
    assert shop.profile("vera").events == 2
    assert unlike_the_log(shop) == []


def test_replayed_again_after_a_crash_in_between_nothing_doubles(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    track(shop, {"type": "track", "event": "Product Viewed", "userId": "0", "properties": {"product_id": "teapot"}})
    (letter,) = letters(shop)
    shop.mend(letter["id"], json.loads(letter["raw"]) | {"userId": "vera"})

    def crash(ids: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shop.stock.catalog.letters, "drop", crash)
        with pytest.raises(KeyboardInterrupt):
            shop.replay()
    assert len(letters(shop)) == 1
    told = shop.replay()
    assert (told["replayed"], told["accepted"], told["total"]) == (1, 0, 0)
    assert shop.profile("vera").events == 1


def test_what_is_still_wrong_says_so_and_stays(shop: Shop) -> None:
    track(shop, message(1, userId="null"), message(2, timestamp="soon"), [1, 2])
    by_reason = {letter["reason"]: letter for letter in letters(shop)}
    wrong = by_reason["bad_time"]
    again = shop.mend(wrong["id"], json.loads(wrong["raw"]) | {"timestamp": 12, "type": "visit"})
    assert again["reason"] == "unknown_type"
    told = shop.replay([wrong["id"]])
    assert (told["replayed"], told["accepted"], told["kept"]) == (1, 0, 0)
    assert told["total"] == 3
    assert shop.replay()["total"] == 3
    with pytest.raises(UnknownName, match="dead letter"):
        shop.replay([99_999])
    with pytest.raises(UnknownName, match="dead letter"):
        shop.mend(99_999, {})
    with pytest.raises(UsageError, match="32,768"):
        shop.mend(wrong["id"], {"x": "y" * 40_000})


def test_only_the_chosen_ones_are_read_again(shop: Shop) -> None:
    track(shop, message(1, userId="null"), message(2, userId="null"))
    first, second = letters(shop)
    for letter in (first, second):
        shop.mend(letter["id"], json.loads(letter["raw"]) | {"userId": "vera"})
    assert shop.replay([first["id"]])["accepted"] == 1
    assert [letter["id"] for letter in letters(shop)] == [second["id"]]


def test_notes_about_messages_that_were_kept_are_not_read_again(shop: Shop) -> None:
    track(shop, message(1), message(1, event="Product Added"), message(3, anonymousId="null"))
    assert {letter["reason"] for letter in letters(shop)} == {"conflicting_id", "refused_id"}
    told = shop.replay()
    assert (told["replayed"], told["kept"], told["total"]) == (0, 2, 2)


def test_over_http(shop: Shop) -> None:
    with TestClient(create_app(shop), raise_server_exceptions=False) as client:
        client.post("/v1/batch", json={"batch": [message(1, userId="null")]})
        (letter,) = client.get("/v1/deadletters").json()["letters"]
        row = json.loads(letter["raw"]) | {"userId": "vera"}
        assert client.put(f"/v1/deadletters/{letter['id']}", json={"row": row}).json()["reason"] == "mended"
        told = client.post("/v1/deadletters/replay", json={"ids": [letter["id"]]}).json()
        assert (told["accepted"], told["total"]) == (1, 0)
        assert client.get("/v1/profiles/vera").json()["events"] == 1
        missing = client.put("/v1/deadletters/7777", json={"row": row})
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_name")
        for body in ({}, {"row": 3}, {"row": {}, "x": 1}):
            assert client.put("/v1/deadletters/1", json=body).status_code == 400


def test_on_the_command_line(shop: Shop) -> None:
    track(shop, message(1, userId="null", timestamp=datetime(2024, 5, 27, tzinfo=UTC).isoformat()))
    (letter,) = letters(shop)

    def run(*words: str, given: str = "") -> tuple[int, str, str]:
        command = [sys.executable, "-m", "mien", "deadletters", "-w", str(shop.workspace.folder), *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert f"#{letter['id']}  http  refused_id" in run()[1]
    assert run("--mend", str(letter["id"]))[0] == 2
    assert run("--id", "1")[0] == 2
    code, _, said = run("--mend", str(letter["id"]), "--with", "{")
    assert (code, "no JSON" in said) == (2, True)
    row = json.dumps(json.loads(letter["raw"]) | {"userId": "vera"})
    assert "mended" in run("--mend", str(letter["id"]), "--with", "-", given=row)[1]
    code, printed, _ = run("--replay", "--json")
    assert (code, json.loads(printed)["accepted"]) == (0, 1)
    assert shop.profile("vera").events == 1
