"""Tracked events are in the profile at once, each exactly once, whatever builds, erases and stitches meanwhile."""

import random
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

import msgspec
import pytest

from mien.core.errors import UsageError
from mien.core.ids import UserRow
from mien.core.tables import LOGGED
from mien.features.codec import decode
from mien.live import Live, Overloaded
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.testing.live_checks import unlike_the_log
from mien.testing.state_checks import differences
from mien.testing.world import World, world


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Path:
    folder = tmp_path_factory.mktemp("live") / "shop"
    with create(folder, clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    return folder


@pytest.fixture
def shop(original: Path, tmp_path: Path, toy: World) -> Iterator[Shop]:
    """The toy shop, built and served, an hour after its last event."""
    shutil.copytree(original, tmp_path / "shop")
    with open_shop(tmp_path / "shop", clock=lambda: toy.at + timedelta(hours=1), served=True) as shop:
        yield shop


def message(number: int, event: str, user: str, toy: World, **more: Any) -> dict[str, Any]:
    when = toy.at + timedelta(seconds=number)
    properties = {"product_id": "teapot", "price": 30.0, **more.pop("properties", {})}
    return {
        "type": "track", "messageId": f"m{number}", "event": event, "userId": user, "timestamp": when.isoformat(),
        "properties": properties, **more,
    }  # fmt: skip


def body(*messages: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"batch": messages})


def settled(shop: Shop, within_s: float = 20) -> None:
    """Wait until all that was tracked is folded."""
    until = time.monotonic() + within_s
    stock = shop.stock
    while stock.states.offset() < stock.tail.end() or stock.tail.unfolded():
        assert time.monotonic() < until, "the tail is not folded"
        time.sleep(0.01)


def test_a_purchase_is_in_profile_and_recommendations_at_once(shop: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    before = shop.profile(user).events
    with Live(shop) as live:
        fates = live.track(body(message(1, "Product Viewed", user, toy), message(2, "Order Completed", user, toy)))
        assert fates == {"new": 2, "events": 2}
        settled(shop)
        profile = shop.profile(user)
        assert profile.events == before + 2
        assert shop.explain(user, "teapot").results
        assert live.track(body(message(2, "Order Completed", user, toy))) == {"duplicate": 1, "events": 0}
    assert unlike_the_log(shop) == []


def test_a_newcomer_has_a_profile_and_personal_answers(shop: Shop, toy: World) -> None:
    anonymous = shop.search("tea", user="newcomer")
    with Live(shop) as live:
        views = [message(k, "Product Viewed", "newcomer", toy, properties={"product_id": "longjing"}) for k in range(5)]
        live.track(body(*views))
        settled(shop)
        assert shop.profile("newcomer").events == 5
        personal = shop.search("tea", user="newcomer")
    assert personal.personalised
    assert not anonymous.personalised
    scores = [{one.item_id: one.score for one in answer.results} for answer in (anonymous, personal)]
    assert scores[1]["longjing"] > scores[0]["longjing"]


def test_order_batching_and_repetition_change_nothing(original: Path, tmp_path: Path, toy: World) -> None:
    choose = random.Random(3)
    names = ("Product Viewed", "Product Added", "Order Completed")
    sent = [message(k, choose.choice(names), f"u{choose.randrange(4)}", toy) for k in range(60)]
    found = []
    for round_ in range(3):
        shutil.copytree(original, tmp_path / f"{round_}")
        with open_shop(tmp_path / f"{round_}", clock=lambda: toy.at + timedelta(hours=1), served=True) as shop:
            order = choose.sample(sent, len(sent)) + choose.sample(sent, 10 * round_)
            with Live(shop) as live:
                while order:
                    size = choose.randint(1, 9)
                    live.track(body(*order[:size]))
                    order = order[size:]
                settled(shop)
            assert unlike_the_log(shop) == []
            users = [shop.stock.catalog.users.row(f"u{k}") for k in range(4)]
            found.append([decode(shop.stock.states.read(UserRow(row or 0)) or b"") for row in users])
    for others in found[1:]:
        # item rows are given in order of arrival, and so may only differ where items are new; these are not
        assert [differences(a, b) for a, b in zip(found[0], others, strict=True)] == [[]] * 4


def test_builds_while_events_stream(shop: Shop, toy: World) -> None:
    """Nothing is lost or doubled, before, between and after builds that fit anew and that do not."""
    stop, sent = threading.Event(), [0]

    def stream(live: Live) -> None:
        while not stop.is_set():
            first = sent[0]
            batch = [
                message(k, "Order Completed", f"u{k % 9}", toy, anonymousId=f"a{k % 9}.{k % 2}")
                for k in range(first, first + 5)
            ]
            live.track(body(*batch))
            sent[0] += 5
            time.sleep(0.003)

    with Live(shop) as live:
        thread = threading.Thread(target=stream, args=(live,))
        thread.start()
        try:
            reports = [shop.build() for _ in range(3)]
        finally:
            stop.set()
            thread.join()
        settled(shop)
    assert sent[0] > 50
    assert {report.refitted for report in reports} >= {True}
    assert unlike_the_log(shop) == []
    assert len(shop.stock.history) + len(shop.stock.tail) == len(toy.events) + sent[0]
    assert sum(shop.profile(f"u{k}").events for k in range(9)) == sent[0]
    last = shop.build()
    assert len(shop.stock.tail) == 0
    assert last.quality.arrivals is not None
    assert last.quality.arrivals.new == len(toy.events) + sent[0]
    assert unlike_the_log(shop) == []


def test_a_visitor_becomes_a_user(shop: Shop, toy: World) -> None:
    with Live(shop) as live:
        visit = message(1, "Product Viewed", "vera", toy) | {"userId": None, "anonymousId": "a-1"}
        live.track(body(visit))
        settled(shop)
        assert shop.profile("a-1").events == 1
        live.track(body(message(2, "Product Added", "vera", toy)))
        live.track(body({"type": "identify", "userId": "vera", "anonymousId": "a-1", "traits": {"age": 41}}))
        live.track(body(message(3, "Product Added", "x", toy) | {"userId": None, "anonymousId": "a-1"}))
        settled(shop)
        profile = shop.profile("vera")
        assert profile.events == 3
        assert shop.profile("a-1").events == 3
        assert [trait.value for trait in profile.traits if trait.name == "age"] == [41]
        assert unlike_the_log(shop) == []
    shop.build()
    assert shop.profile("vera").events == 3
    shop.split("a-1")
    assert (shop.profile("vera").events, shop.profile("a-1").events) == (1, 2)
    assert unlike_the_log(shop) == []


def test_erasing_takes_all_ids_of_a_person_out_of_the_tail(shop: Shop, toy: World) -> None:
    with Live(shop) as live:
        live.track(
            body(
                message(
                    1, "Products Searched", "erin-o", toy, anonymousId="a-erin", properties={"query": "hidden wish"}
                )
            )
        )
        live.track(
            body({"type": "track", "event": "Lamp Rubbed", "userId": "erin-o", "properties": {"w": "hidden wish"}})
        )
        settled(shop)
        assert len(shop.export("erin-o")["others"]) == 1
        assert shop.erase("erin-o")["events"] == 1
        again = body(message(1, "Product Viewed", "erin-o", toy), message(7, "Product Viewed", "a-erin", toy))
        assert live.track(again) == {"erased": 2, "events": 0}
    files = [path for path in shop.workspace.folder.rglob("*") if path.is_file()]
    left = {path.name for path in files if b"hidden wish" in path.read_bytes() or b"erin" in path.read_bytes()}
    assert left == set()


def test_the_log_of_a_user_is_history_and_tail_as_one(shop: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    with Live(shop) as live:
        live.track(body(message(1, "Product Viewed", user, toy)))
    row = shop.stock.catalog.users.row(user)
    assert row is not None
    ids = shop.stock.log_of(row)[LOGGED.EVENT_ID].to_pylist()
    assert ids[-1] == "m1"
    assert len(ids) == len(set(ids)) == sum(event.user_id == user for event in toy.events) + 1


def test_items_told_by_messages_are_known_after_the_next_build(shop: Shop, toy: World) -> None:
    told = {"product_id": "lamp", "name": "A brass lamp", "price": 12.0, "brand": "Aladdin"}
    with Live(shop) as live:
        live.track(body(message(1, "Order Completed", "vera", toy, properties=told)))
        settled(shop)
        assert shop.profile("vera").events == 1  # an item the shelf does not know yet breaks nothing
        assert shop.recommend("vera").results
    shop.build()
    assert [one.item_id for one in shop.search("brass lamp").results][:1] == ["lamp"]
    assert shop.stock.tail.told_items() == []


def test_too_much_waiting_is_turned_away(shop: Shop, toy: World) -> None:
    def submit(live: Live, numbers: range) -> list[Any]:
        return [live.submit(live.read(body(message(k, "Product Viewed", "vera", toy)))) for k in numbers]

    with Live(shop, waiting=10) as live:
        with shop.stock.catalog.transaction():  # the disk is busy
            futures = submit(live, range(1))
            time.sleep(0.2)
            futures += submit(live, range(1, 11))
            with pytest.raises(Overloaded):
                submit(live, range(11, 12))
        assert sum(future.result()["new"] for future in futures) == len(futures) == len(shop.stock.tail)


@pytest.mark.timeout(60)
def test_who_stops_waiting_stops_nobody_else(shop: Shop, toy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    append_all = shop.stock.tail.append_all
    monkeypatch.setattr(shop.stock.tail, "append_all", lambda *told: go.wait(30) and append_all(*told))
    with Live(shop) as live:
        given_up = live.submit(live.read(body(message(1, "Product Viewed", "ann", toy))))
        assert not given_up.cancel()
        go.set()
        assert given_up.result(30)["new"] == 1
        assert live.track(body(message(2, "Product Viewed", "ann", toy)))["new"] == 1


@pytest.mark.parametrize("step", ["follow", "sweep"])
def test_folding_goes_on_whatever_fails_beside_it(
    shop: Shop, toy: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def broken() -> None:
        failed.set()
        raise OperationalError("database is locked")

    monkeypatch.setattr(shop, step, broken)
    monkeypatch.setattr("mien.live.SWEEP_S", 0.0)
    with Live(shop) as live:
        live.track(body(message(1, "Product Viewed", "ann", toy)))
        assert failed.wait(20)
        live.track(body(message(2, "Product Viewed", "ann", toy)))
        settled(shop)


def test_what_is_no_batch_says_so(shop: Shop) -> None:
    with Live(shop) as live:
        for broken in (b"", b"{", b"[]", b'{"batch": 3}', b"\xff\xfe", b'{"batch": [' + b"[" * 100_000):
            with pytest.raises(UsageError):
                live.track(broken)
        assert live.track(b'{"batch": [1, null, "x", {}]}')["new"] == 0


def test_windows_roll_on_without_an_event(shop: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    assert shop.profile(user).to_dict()["activity"]["counts"]["view"]["90d"] > 0
    shop.clock = lambda: toy.at + timedelta(days=400)
    later = shop.profile(user).to_dict()
    assert later["activity"]["counts"]["view"].get("90d", 0) == 0
    assert later["activity"]["counts"]["view"]["all"] > 0


@pytest.mark.timeout(60)
def test_two_of_one_shop_end_one_after_the_other(shop: Shop, toy: World) -> None:
    """They share the writer of impressions: the first to close leaves it to the second, who stops it."""
    before = len(shop.stock.impressions)
    with Live(shop):
        with Live(shop) as second:
            second.track(body(message(1, "Product Viewed", "zoe", toy)))
        assert "mien-shown" in {thread.name for thread in threading.enumerate()}
        shop.search("tea", shown=True)
    assert "mien-shown" not in {thread.name for thread in threading.enumerate()}
    shop.search("coffee", shown=True)
    assert len(shop.stock.impressions) == before + 2
