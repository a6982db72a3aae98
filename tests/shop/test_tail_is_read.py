"""What was tracked since the last build counts in training and evaluation as what a build has taken in."""

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from mien.core.tables import LOGGED
from mien.live import Live
from mien.shop import Shop
from mien.shop.building import interactions, judged_log
from mien.testing.world import World


def track(shop: Shop, *events: tuple[str, str, str, datetime]) -> None:
    """Track events of (user, name, item, time), and fold them."""
    with Live(shop) as live:
        for number, (user, name, item, at) in enumerate(events):
            message = {
                "type": "track", "userId": user, "messageId": f"m{number}", "event": name, "timestamp": at.isoformat(),
                "properties": {"product_id": item, "products": [{"product_id": item, "price": 5}]},
            }  # fmt: skip
            live.track(json.dumps(message).encode(), kind="track")


def test_evaluating_with_the_tail_is_evaluating_after_a_build(fresh: Shop, toy: World) -> None:
    shop, now = fresh, [toy.at + timedelta(days=3)]
    shop.clock = lambda: now[0]
    acts = [
        ("ann", "Order Completed", "filters", 1),
        ("dora", "Order Completed", "teapot", 1),
        ("gus", "Product Viewed", "cup-zh", 2),
    ]
    track(shop, *((user, name, item, toy.at + timedelta(days=days)) for user, name, item, days in acts))
    judgement = shop._judgement(shop.workspace.build())  # type: ignore[arg-type]
    reach = shop.stock.reach_us(shop.workspace.build())  # type: ignore[arg-type]

    def log() -> list[dict[str, Any]]:
        return judged_log(shop.stock, reach, judgement).order_by(LOGGED.EVENT_ID).to_pyarrow().to_pylist()  # type: ignore[no-any-return]

    options: dict[str, Any] = {"models": ("popular", "repeat"), "test_days": None, "active_days": None}
    at = toy.at - timedelta(days=14)

    def table() -> dict[str, Any]:
        """What does not depend on how fast the machine was."""
        found = shop.evaluate(at, **options)
        return found | {"models": [{**row, "fit_seconds": None} for row in found["models"]]}

    live_log, live_table = log(), table()
    trained = shop.train()
    assert trained["as_of"] == (toy.at + timedelta(days=2)).isoformat()
    shop.build()
    assert not len(shop.stock.tail)
    assert log() == live_log
    assert len(live_log) == len(toy.events) + len(acts)
    assert table() == live_table
    assert shop.train()["interactions"] == trained["interactions"]


def test_nothing_later_than_asked_for_is_read(fresh: Shop, toy: World) -> None:
    fresh.clock = lambda: toy.at + timedelta(days=3)
    build = fresh.workspace.build()
    assert build is not None
    before = interactions(fresh.stock, judged_log(fresh.stock, build.as_of_us, fresh._judgement(build)))
    track(fresh, ("ann", "Product Viewed", "teapot", toy.at + timedelta(days=1)))
    after = interactions(fresh.stock, judged_log(fresh.stock, build.as_of_us, fresh._judgement(build)))
    assert len(before) == len(after)
    assert np.array_equal(before.at_us, after.at_us)


def test_the_command_line_stands_at_the_last_event(fresh: Shop, toy: World) -> None:
    fresh.clock = lambda: toy.at + timedelta(days=3)
    assert fresh.profile("gus").events == 1
    track(fresh, ("gus", "Product Viewed", "cup-zh", toy.at + timedelta(days=1)))
    profile = fresh.profile("gus")
    assert profile.events == 2
    assert profile.as_of == toy.at + timedelta(days=1)
