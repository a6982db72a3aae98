"""Who is erased is in no byte of no file: log, write-ahead logs, stores, indexes, models, reports, left-overs."""

import json
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from servers import QUIET, answers, await_true, free_port

from mien.core.errors import UnknownName
from mien.core.ids import UserRow
from mien.core.tables import EVENTS
from mien.features.codec import decode
from mien.live import Live
from mien.shop import Shop, create, forgetting
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.testing.live_checks import unlike_the_log
from mien.testing.traces import remembered, traces
from mien.testing.world import World

GONE, COOKIE = "ann-of-green-gables", "cookie-5f3a9c1e"
TYPED, WROTE, LIVES = "puffed sleeves", "raspberry cordial was the ruin of tea", "Avonlea-by-the-sea"
TRACES = (GONE, COOKIE, TYPED, WROTE, LIVES, "m-ann-", "carrots-slate", "安妮的愿望")


def history_of(toy: World) -> pa.Table:
    """The toy's events, and those of the one who will be erased."""
    base = toy.event_table.to_pylist()
    like = [row for row in base if row["user_id"] == toy.user_ids[0]]
    own = [{**row, "user_id": GONE, "event_id": f"m-ann-{k}"} for k, row in enumerate(like)]
    own[0] |= {"action": "search", "query": TYPED, "item_id": None}
    own[1] |= {"action": "review", "text": WROTE, "rating": 5.0, "properties": json.dumps({"note": "carrots-slate"})}
    return pa.Table.from_pylist([*base, *own], schema=EVENTS)


def tracked(number: int, **more: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": f"m-ann-live-{number}", "userId": GONE, **more}


def batch() -> bytes:
    said = [
        tracked(1, event="Products Searched", properties={"query": "安妮的愿望"}, anonymousId=COOKIE),
        tracked(2, event="Slate Broken", properties={"on": "carrots-slate"}),
        tracked(3, event="Product Viewed", properties={"product_id": "teapot"}, anonymousId=COOKIE),
        {"type": "identify", "messageId": "m-ann-live-4", "userId": GONE, "traits": {"city": LIVES, "age": 11}},
        tracked(5, event="Product Viewed", timestamp="yesterday, or so", properties={"note": "carrots-slate"}),
        tracked(2, event="Slate Mended", properties={"on": "carrots-slate"}),
        {"type": "juggle", "messageId": "m-ann-live-6", "userId": GONE, "properties": {"long": "x" * 6_000}},
        {"type": "track", "messageId": "bob-1", "userId": "bob", "event": "Product Viewed",
         "properties": {"product_id": "teapot"}},
    ]  # fmt: skip
    return json.dumps({"batch": said, "sentAt": datetime.now(UTC).isoformat()}).encode()


@pytest.fixture
def shop(tmp_path: Path, toy: World) -> Iterator[Shop]:
    """A shop in which she has left traces wherever one can, built, trained, and tracked since."""
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=history_of(toy), items=toy.items)
        rows = tmp_path / "more.csv"
        lines = ["user_id,action,item_id,timestamp"]
        day = toy.events[0].at.date().isoformat()
        lines += [f"guest-{k},view,teapot,{day}T10:00:{k:02d}" for k in range(20)]
        rows.write_text("\n".join([*lines, f"{GONE},view,teapot,neverwhen", "bob,view,teapot,neverwhen", ""]))
        shop.ingest(events=str(rows))
        rows.unlink()
        shop.build()
        recipe = tmp_path / "recipe.toml"
        recipe.write_text("[models.user-neighbours]\n[models.ease]\n")
        shop.train(recipe)
        with Live(shop) as live:
            live.track(batch())
        yield shop


def others(shop: Shop) -> dict[str, Any]:
    states = {row: decode(data) for row in shop.stock.states.users() if (data := shop.stock.states.read(UserRow(row)))}
    names = dict(zip(states, shop.stock.catalog.users.keys(states), strict=True))
    told = {names[row]: (state.events, state.days, state.recent) for row, state in states.items()}
    return {name: state for name, state in told.items() if name not in (GONE, COOKIE)}


def test_the_search_finds_what_is_there(shop: Shop) -> None:
    """A test that finds nothing proves nothing: before, each kind of trace is found where it lies."""
    places = traces(shop.workspace.folder, TRACES)
    assert any("log/" in place and WROTE in place for place in places)
    assert any("log/" in place and TYPED in place for place in places)
    assert any("log/" in place and "carrots-slate" in place for place in places)
    assert not [place for place in places if GONE in place or LIVES in place]  # what is sealed
    sealed = "\n".join(remembered(shop, TRACES))
    for said in (
        f"people: {GONE}",
        f"people: {COOKIE}",
        f"traits: {LIVES}",
        "others: carrots-slate",
        "tail: 安妮的愿望",
    ):
        assert said in sealed
    assert f"letters: {GONE}" in sealed
    assert f"states: {TYPED}" in sealed


def test_no_byte_of_her_is_left(shop: Shop, toy: World) -> None:
    before = others(shop)
    spilled = shop.workspace.spill / "incoming" / "events"
    spilled.mkdir(parents=True)
    (spilled / "events.csv").write_text(f"{GONE},{WROTE}")  # as an interrupted ingest leaves it
    report = shop.erase(GONE)
    assert report["events"] > 2
    day = (toy.at + timedelta(days=30)).isoformat()
    assert report["models"] == [{"model": name, "by": day} for name in ("ease", "user-neighbours")]
    assert remembered(shop, TRACES) == []
    assert traces(shop.workspace.folder, TRACES) == []  # while the files are open
    assert others(shop) == before
    assert unlike_the_log(shop) == []
    for user in (GONE, COOKIE):
        with pytest.raises(UnknownName):
            shop.export(user)
    shop.build()
    again = shop.ingest(events=history_of(toy))
    assert again.arrivals.new == 0
    assert again.arrivals.erased == sum(one == GONE for one in history_of(toy)["user_id"].to_pylist())
    shop.close()
    assert traces(shop.workspace.folder, TRACES) == []


@pytest.mark.parametrize("instant", ["log", "states", "models", "catalogue", "purge"])
def test_interrupted_it_is_finished_by_the_next(shop: Shop, monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    before = others(shop)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patched:
        if instant in forgetting.HOLDERS:
            patched.setitem(forgetting.HOLDERS, instant, broken)
        else:
            patched.setattr(type(shop.stock.catalog), "forget" if instant == "catalogue" else "purge", broken)
        with pytest.raises(RuntimeError):
            shop.erase(GONE)
    shop.close()
    with open_shop(shop.workspace.folder) as again:
        again.build()
        assert remembered(again, TRACES) == []
        TailFold(again.stock).catch_up()
        assert others(again) == before
    assert traces(shop.workspace.folder, TRACES) == []


def test_many_who_come_and_go_leave_no_residue(tmp_path: Path, toy: World) -> None:
    """Pages of a database that split and merge leave nothing in the space between."""
    with create(tmp_path / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        with Live(shop) as live:
            for start in range(0, 300, 50):
                said = [
                    {"type": "track", "messageId": f"come-{k}", "userId": f"guest-{k}-of-many", "event": "Lamp Rubbed",
                     "properties": {"wish": f"wish-{k}-" + "long " * (k % 40)}}
                    for k in range(start, start + 50)
                ]  # fmt: skip
                live.track(json.dumps({"batch": said}).encode())
        gone = range(0, 300, 15)
        for k in gone:
            shop.erase(f"guest-{k}-of-many")
        words = [word for k in gone for word in (f"guest-{k}-of-many", f"wish-{k}-", f'"come-{k}"')]
        assert traces(shop.workspace.folder, words) == []
        assert remembered(shop, words) == []
        assert len(shop.export("guest-1-of-many")["others"]) == 1


def test_models_trained_with_the_erased_are_due(shop: Shop, toy: World, tmp_path: Path) -> None:
    now = [toy.at]
    shop.clock = lambda: now[0]
    assert shop.retraining() == {"models": [], "overdue": []}
    shop.erase(GONE)
    now[0] += timedelta(days=10)
    shop.erase("bob")
    assert {one["by"] for one in shop.retraining()["models"]} == {(toy.at + timedelta(days=30)).isoformat()}
    now[0] += timedelta(days=21)
    assert shop.retraining()["overdue"] == ["ease", "user-neighbours"]
    said = subprocess.run(
        [sys.executable, "-m", "mien", "deadletters", "-w", str(shop.workspace.folder)],
        capture_output=True, text=True, check=True, timeout=120,
    ).stderr  # fmt: skip
    assert ("ease, user-neighbours" in said) == (datetime.now(UTC) > toy.at + timedelta(days=30))
    (tmp_path / "ease.toml").write_text("[models.ease]\n")
    shop.train(tmp_path / "ease.toml")
    assert shop.retraining()["overdue"] == ["user-neighbours"]


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """`mien serve` as a process of its own; its port."""
    port = free_port()
    command = [sys.executable, "-m", "mien", "serve", "-w", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, **QUIET)  # type: ignore[call-overload]
    try:
        await_true(lambda: answers(port), "the server does not start", within_s=120)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["http", "command"])
def test_under_a_running_server(shop: Shop, way: str) -> None:
    folder = shop.workspace.folder
    shop.close()
    with served(folder) as port:
        root = f"http://127.0.0.1:{port}/v1"

        def post(body: bytes) -> None:
            with urllib.request.urlopen(f"{root}/batch", body, timeout=30) as answer:
                assert answer.status == 200

        def view(number: int) -> bytes:
            said = {"type": "track", "userId": "bob", "event": "Product Viewed", "messageId": f"bob-{way}-{number}"}
            return json.dumps({"batch": [said | {"properties": {"product_id": "teapot"}}]}).encode()

        post(batch())
        for number in range(20):
            post(view(number))
        if way == "http":
            request = urllib.request.Request(f"{root}/profiles/{GONE}", method="DELETE")
            urllib.request.urlopen(request, timeout=60).close()
        else:
            command = [sys.executable, "-m", "mien", "erase", GONE, "--yes", "-w", str(folder)]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        assert traces(folder, TRACES) == []
        for number in range(20, 40):
            post(view(number))
        post(batch())  # an old client sends it all again
        assert traces(folder, TRACES) == []
    with open_shop(folder) as again:
        assert remembered(again, TRACES) == []
        assert unlike_the_log(again) == []
        assert again.profile("bob").events == 41


def test_a_question_in_progress_does_not_keep_bytes(shop: Shop) -> None:
    """A reader that is in the middle of a transaction makes erasing wait, not leave something."""
    reader = sqlite3.connect(shop.workspace.catalog, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    timer = threading.Timer(1.0, lambda: reader.execute("COMMIT"))
    timer.start()
    shop.erase(GONE)
    timer.join()
    reader.close()
    assert traces(shop.workspace.folder, TRACES) == []
