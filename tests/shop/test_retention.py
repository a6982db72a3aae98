"""What is too old goes, and states follow; what is on hold outlives an erasure, as nobody's, for its time."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mien.core.errors import UsageError
from mien.core.event import Action
from mien.core.tables import LOGGED
from mien.live import Live
from mien.shop import Shop, create, sweeping
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.testing.live_checks import unlike_the_log
from mien.testing.traces import remembered, traces
from mien.testing.world import World

CUT = 10.0


@pytest.fixture
def now(toy: World) -> list[datetime]:
    return [toy.at]


@pytest.fixture
def shop(tmp_path: Path, toy: World, now: list[datetime]) -> Iterator[Shop]:
    with create(tmp_path / "shop", clock=lambda: now[0]) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


def with_settings(shop: Shop, text: str, now: list[datetime]) -> Shop:
    shop.close()
    settings = shop.workspace.settings
    settings.write_text(settings.read_text() + text)
    return open_shop(shop.workspace.folder, clock=lambda: now[0])


def track(shop: Shop, *messages: dict[str, object]) -> None:
    with Live(shop) as live:
        live.track(json.dumps({"batch": messages}).encode())
    TailFold(shop.stock).catch_up()


def ages(shop: Shop, now: datetime) -> list[timedelta]:
    rows = range(len(shop.stock.catalog.users))
    return [now - at for row in rows for at in shop.stock.log_of(row)[LOGGED.AT].to_pylist()]


def test_events_past_retention_go_and_states_follow(shop: Shop, toy: World, now: list[datetime]) -> None:
    total = len(shop.stock.history)
    with with_settings(shop, f"\n[privacy]\nretention_days = {CUT}\n", now) as kept:
        track(
            kept,
            {"type": "track", "messageId": "old", "userId": toy.user_ids[0], "event": "Product Viewed",
             "timestamp": (toy.at - timedelta(days=CUT + 1)).isoformat(), "properties": {"product_id": "teapot"}},
        )  # fmt: skip
        assert unlike_the_log(kept) == []
        old = sum(age > timedelta(days=CUT) for age in ages(kept, toy.at))
        assert 1 < old < total
        assert kept.sweep()["events"] == old
        assert max(ages(kept, toy.at)) <= timedelta(days=CUT)
        assert unlike_the_log(kept) == []
        assert kept.sweep() == {}
        now[0] += timedelta(days=4)
        before = len(ages(kept, now[0]))
        report = kept.build()
        assert len(ages(kept, now[0])) < before
        assert max(ages(kept, now[0])) <= timedelta(days=CUT)
        assert unlike_the_log(kept) == []
        assert sweeping.swept(kept.stock)["events"] == total + 1 - len(kept.stock.history)
        told = report.quality.to_dict()
        assert "past_retention" in json.dumps(told)


def test_interrupted_states_still_follow(shop: Shop, now: list[datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the power goes")

    with with_settings(shop, f"\n[privacy]\nretention_days = {CUT}\n", now) as kept:
        with monkeypatch.context() as patched:
            patched.setattr(sweeping.TailFold, "catch_up", broken)
            with pytest.raises(RuntimeError):
                kept.sweep()
        TailFold(kept.stock).catch_up()
        assert unlike_the_log(kept) == []


def test_other_acts_and_letters_are_bounded_and_counted(shop: Shop, toy: World, now: list[datetime]) -> None:
    with with_settings(shop, "\n[privacy]\nothers_days = 5\nletters_most = 3\n", now) as kept:
        said = [
            {"type": "track", "messageId": f"o{k}", "userId": "ann", "event": "Lamp Rubbed",
             "timestamp": (toy.at - timedelta(days=k)).isoformat(), "properties": {"k": k}}
            for k in range(10)
        ]  # fmt: skip
        bad = [{"type": "juggle", "messageId": f"b{k}", "userId": "ann"} for k in range(8)]
        track(kept, *said, *bad)
        assert kept.sweep() == {"others": 4, "letters": 5}
        assert [one["properties"]["k"] for one in kept.stock.tail.others(kept.stock.catalog.users.row("ann"))] == [
            5, 4, 3, 2, 1, 0,
        ]  # fmt: skip
        assert len(kept.stock.catalog.letters.newest()) == 3
        assert sweeping.swept(kept.stock) == {"others": 4, "letters": 5}


def test_what_is_on_hold_outlives_its_user(shop: Shop, toy: World, now: list[datetime]) -> None:
    gone, until = toy.user_ids[0], toy.at + timedelta(days=100)
    bought = [one for one in toy.events if one.user_id == gone and one.action in (Action.PURCHASE, Action.REFUND)]
    assert bought
    shop.hold(gone, until, f"tax records of {gone}")
    shop.hold(toy.user_ids[1], until, "tax records")
    assert shop.release(toy.user_ids[1])
    assert not shop.release(toy.user_ids[1])
    shop.erase(gone)
    shop.erase(toy.user_ids[1])
    assert shop.held() == [{"until": until.isoformat(), "events": len(bought), "reason": ""}]
    (file,) = shop.workspace.held.iterdir()
    kept = pq.read_table(file)
    assert set(kept.column_names) == {"at", "action", "item_id", "quantity", "value"}
    assert sorted(kept["item_id"].to_pylist()) == sorted(str(one.item_id) for one in bought)
    ids = [gone, *(one.event_id for one in toy.events if one.user_id == gone)]
    assert traces(shop.workspace.folder, ids) == []
    assert remembered(shop, ids) == []
    shop.build()
    assert gone not in shop.stock.catalog.users.table()["key"].to_pylist()
    now[0] = until + timedelta(seconds=1)
    assert shop.sweep()["held"] == len(bought)
    assert shop.held() == []
    assert not list(shop.workspace.held.iterdir())


def test_what_was_bought_under_an_id_that_came_later_is_held_too(shop: Shop, toy: World) -> None:
    gone, later = toy.user_ids[:2]
    shop.hold(gone, toy.at + timedelta(days=50), "tax records")
    shop.stitch(later, gone)
    bought = [
        one for one in toy.events if one.user_id in (gone, later) and one.action in (Action.PURCHASE, Action.REFUND)
    ]
    assert {one.user_id for one in bought} == {gone, later}
    shop.erase(later)
    assert sum(one["events"] for one in shop.held()) == len(bought)


def test_a_hold_needs_a_day_to_come_and_a_reason(shop: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    with pytest.raises(UsageError, match="past"):
        shop.hold(user, toy.at - timedelta(days=1), "tax records")
    with pytest.raises(UsageError, match="why"):
        shop.hold(user, toy.at + timedelta(days=1), "  ")
    shop.erase(user)
    assert shop.held() == []
