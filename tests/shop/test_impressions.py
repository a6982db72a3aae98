"""What is shown is kept, what follows is joined to it, and both reach the ranker, the export and the forgetting."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mien.core.clock import to_us
from mien.core.errors import TransientError
from mien.core.event import Action
from mien.ranking.shown import GAINS
from mien.shop import Shop, create
from mien.shop.building import judged_log
from mien.shop.outcomes import followed, live_answers
from mien.testing.world import World
from mien.web.app import create_app

NAMES = {"view": "Product Viewed", "click": "Product Clicked", "purchase": "Order Completed", "cart": "Product Added"}


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(toy: World) -> Clock:
    return Clock(toy.at + timedelta(hours=1))


@pytest.fixture
def shop(tmp_path: Path, toy: World, clock: Clock) -> Iterator[Shop]:
    with create(tmp_path / "shop", clock=clock) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        shop.served = True
        yield shop


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with TestClient(create_app(shop)) as client:
        yield client


def search(client: TestClient, clock: Clock, text: str, user: str | None = "ann") -> dict[str, Any]:
    clock.now += timedelta(seconds=1)
    answer = client.post("/v1/search", json={"query": text, "user_id": user, "k": 5})
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def act(client: TestClient, clock: Clock, name: str, item: str, user: str = "ann", impression: str = "") -> None:
    clock.now += timedelta(seconds=1)
    properties = {"product_id": item} | ({"impression_id": impression} if impression else {})
    message = {"userId": user, "event": NAMES[name], "properties": properties, "messageId": f"{clock.now}"}
    assert client.post("/v1/track", json=message).status_code == 200


def close(client: TestClient, shop: Shop) -> None:
    """Have what waits written and folded."""
    client.app.state.live.close()  # type: ignore[attr-defined]


def outcomes(shop: Shop) -> list[dict[str, set[str]]]:
    """What followed on each impression, by item id."""
    serving, now_us = shop._now()
    kept = shop.stock.impressions.between(0, now_us)
    found = followed(shop.stock, judged_log(shop.stock, now_us, serving.judgement), kept)
    return [{str(shop.stock.catalog.items.key(item)): set(acts) for item, acts in one.acts.items()} for one in found]


def test_every_answer_over_http_is_kept(client: TestClient, shop: Shop, clock: Clock, toy: World) -> None:
    searched = search(client, clock, "coffee beans")
    recommended = client.post("/v1/recommend", json={"user_id": "dora", "k": 3}).json()
    similar = client.get("/v1/similar/bean-dark", params={"k": 2}).json()
    client.post("/v1/explain", json={"user_id": "dora", "item_id": "teapot"})  # is shown to nobody
    client.get("/v1/complete", params={"q": "cof"})
    close(client, shop)
    kept = {one.impression_id: one for one in shop.stock.impressions.between(0, to_us(clock.now))}
    assert kept.keys() == {answer["impression_id"] for answer in (searched, recommended, similar)}
    one = kept[searched["impression_id"]]
    shown = [result["item_id"] for result in searched["results"]]
    assert shop.stock.catalog.items.keys(one.items) == shown
    assert (one.kind, one.query, one.first, one.total) == ("search", "coffee beans", 1, searched["total"])
    assert (one.user, one.personalised) == (shop.stock.catalog.users.row("ann"), True)
    assert one.policy.startswith("weights/p-")
    assert one.propensity == 1.0
    assert kept[recommended["impression_id"]].kind == "for-you"
    assert kept[similar["impression_id"]].kind == "similar"
    assert shop.stock.impressions.dropped() == 0


def test_what_follows_is_joined(client: TestClient, shop: Shop, clock: Clock) -> None:
    first = search(client, clock, "coffee")
    items = [result["item_id"] for result in first["results"]]
    act(client, clock, "click", items[1], impression=first["impression_id"])
    act(client, clock, "view", items[2])  # says no impression: the same user, item and day
    act(client, clock, "view", items[0], user="ben")  # somebody else
    second = search(client, clock, "coffee")
    act(client, clock, "purchase", items[2])  # the newest answer that showed it counts
    act(client, clock, "view", items[3], impression=first["impression_id"])  # names the first one all the same
    search(client, clock, "espresso machine", user=None)
    clock.now += timedelta(hours=25)
    act(client, clock, "cart", items[0])  # too late for any
    close(client, shop)
    assert [result["item_id"] for result in second["results"]][2] == items[2]
    assert outcomes(shop) == [
        {items[1]: {"click"}, items[2]: {"view"}, items[3]: {"view"}}, {items[2]: {"purchase"}}, {},
    ]  # fmt: skip


def test_a_visitor_is_joined_by_the_name_of_the_answer(client: TestClient, shop: Shop, clock: Clock) -> None:
    answer = search(client, clock, "teapot", user=None)
    act(client, clock, "purchase", "teapot", user="a visitor", impression=answer["impression_id"])
    act(client, clock, "view", "cup-zh", user="a visitor")
    close(client, shop)
    assert outcomes(shop) == [{"teapot": {"purchase"}}]


def test_outcomes_hold_after_a_build(client: TestClient, shop: Shop, clock: Clock) -> None:
    answer = search(client, clock, "coffee")
    act(client, clock, "purchase", answer["results"][0]["item_id"])
    close(client, shop)
    before = outcomes(shop)
    assert before == [{answer["results"][0]["item_id"]: {"purchase"}}]
    shop.build()
    assert outcomes(shop) == before


def test_searches_are_judged(client: TestClient, shop: Shop, clock: Clock) -> None:
    for user in ("ann", "ben", "ann"):
        answer = search(client, clock, "Coffee ", user=user)
    act(client, clock, "click", answer["results"][1]["item_id"], impression=answer["impression_id"])
    act(client, clock, "purchase", answer["results"][1]["item_id"])
    search(client, clock, "zzzz qqqq", user="ben")
    close(client, shop)
    found = shop.quality.searches(days=1)
    assert (found.searches, found.empty, found.clicked, found.bought, found.dropped) == (4, 1, 1, 1, 0)
    coffee = found.queries[0]
    assert (coffee.query, coffee.searches, coffee.users, coffee.empty) == ("coffee", 3, 2, 0)
    assert coffee.click_rate == coffee.purchase_rate == pytest.approx(1 / 3)
    assert coffee.place == 2.0
    assert [one.query for one in found.empty_queries] == ["zzzz qqqq"]
    assert [(place.shown, place.clicked, place.bought) for place in found.places[:3]] == [
        (3, 0, 0),
        (3, 1, 1),
        (3, 0, 0),
    ]
    clock.now += timedelta(days=3)
    assert shop.quality.searches(days=1).searches == 0


def test_the_ranker_learns_from_them(client: TestClient, shop: Shop, clock: Clock) -> None:
    answer = search(client, clock, "coffee")
    items = [result["item_id"] for result in answer["results"]]
    act(client, clock, "view", items[3])
    act(client, clock, "purchase", items[1])
    search(client, clock, "tea")  # nothing follows: it teaches nothing
    client.post("/v1/recommend", json={"user_id": "ann"})  # has no query
    close(client, shop)
    serving, now_us = shop._now()
    (learnt,) = live_answers(shop.stock, judged_log(shop.stock, now_us, serving.judgement), (0, now_us + 1), 10**6)
    rows = {item: shop.stock.catalog.items.row(item) for item in items}
    assert dict(zip(learnt.rows.tolist(), learnt.places.tolist(), strict=True)) == {
        rows[item]: place for place, item in enumerate(items, start=1)
    }
    gains = dict(zip(learnt.rows.tolist(), learnt.gains.tolist(), strict=True))
    assert gains == {
        rows[item]: {items[3]: GAINS[Action.VIEW], items[1]: GAINS[Action.PURCHASE]}.get(item, 0) for item in items
    }
    assert learnt.text == "coffee"


def test_an_answer_never_waits_for_the_disk(client: TestClient, shop: Shop, clock: Clock) -> None:
    """While another process holds the file answers come as ever; what waits is kept once it lets go."""
    other = sqlite3.connect(shop.workspace.impressions, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        search(client, clock, "coffee")
    assert other.execute("SELECT count(*) FROM shown").fetchone() == (0,)  # the shop's own connection may be waiting
    other.execute("ROLLBACK")
    other.close()
    close(client, shop)
    assert len(shop.stock.impressions) == 5


def test_beyond_the_bound_they_are_dropped_and_counted(tmp_path: Path, toy: World, clock: Clock) -> None:
    with create(tmp_path / "shop", clock=clock) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    settings = tmp_path / "shop" / "mien.toml"
    settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[impressions]\nwaiting = 2\n", encoding="utf-8")
    with Shop(tmp_path / "shop", clock=clock, served=True) as shop, TestClient(create_app(shop)) as client:
        other = sqlite3.connect(shop.workspace.impressions, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for _ in range(9):
            search(client, clock, "coffee")
        other.execute("ROLLBACK")
        other.close()
        close(client, shop)
        kept, dropped = len(shop.stock.impressions), shop.stock.impressions.dropped()
        assert kept + dropped == 9
        assert dropped >= 1


def test_they_are_exported_and_forgotten(client: TestClient, shop: Shop, clock: Clock) -> None:
    mine = search(client, clock, "quokka coffee", user="ann")
    theirs = search(client, clock, "tea", user="dora")
    close(client, shop)
    (told,) = shop.export("ann")["impressions"]
    assert told["impression_id"] == mine["impression_id"]
    assert told["query"] == "quokka coffee"
    assert told["items"] == [result["item_id"] for result in mine["results"]]
    json.dumps(told)
    shop.erase("ann")
    (left,) = shop.stock.impressions.between(0, to_us(clock.now))
    assert left.impression_id == theirs["impression_id"]
    for path in shop.workspace.folder.glob("shown.sqlite*"):
        assert b"quokka" not in path.read_bytes(), path


def test_who_does_not_let_it_be_kept_is_a_visitor(client: TestClient, shop: Shop, clock: Clock) -> None:
    shop.consent("ann", {"analytics": False})
    search(client, clock, "coffee", user="ann")
    search(client, clock, "mail me at ann@example.org", user="nobody known")
    close(client, shop)
    assert [one.user for one in shop.stock.impressions.between(0, to_us(clock.now))] == [None, None]
    assert "ann@example.org" not in shop.stock.impressions.between(0, to_us(clock.now))[1].query


def test_old_ones_go(shop: Shop, clock: Clock) -> None:
    shop.search("coffee", user="ann", shown=True)
    assert len(shop.stock.impressions) == 1, "without a server it is written at once"
    assert shop.stock.impressions.sweep(to_us(clock.now)) == 0
    assert shop.stock.impressions.sweep(to_us(clock.now) + 1) == 1
    shop.search("coffee", user="ann")
    assert len(shop.stock.impressions) == 0, "what is not shown is not kept"


def test_a_sweep_that_fails_ends_nothing(shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def broken(before_us: int) -> int:
        failed.set()
        raise TransientError("database is locked")

    monkeypatch.setattr(shop.stock.impressions, "sweep", broken)
    monkeypatch.setattr("mien.shop.showing.SWEEP_S", 0.0)
    shop.showing.start()
    shop.search("coffee", user="ann", shown=True)
    assert failed.wait(20)
    shop.search("tea", user="ann", shown=True)
    shop.showing.close()
    assert len(shop.stock.impressions) == 2
