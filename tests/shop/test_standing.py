"""How a shop stands: overview and kept evaluations."""

import json
from datetime import timedelta

import pytest

from mien.core.errors import NotReady, UsageError
from mien.live import Live
from mien.shop import Shop, create
from mien.testing.world import World


def tracked(shop: Shop, user: str, name: str, item: str, toy: World) -> None:
    said = {"messageId": f"{user}-{name}-{item}", "event": name, "userId": user, "properties": {"product_id": item}}
    with Live(shop) as live:
        live.track(json.dumps(said).encode(), kind="track")


def test_the_overview_counts_what_the_log_holds(built: Shop, toy: World) -> None:
    found = built.overview(28)
    first = found.as_of.date() - timedelta(days=27)
    assert found.pulse.unit == "day"
    assert found.pulse.events == sum(1 for e in toy.events if e.at.date() >= first) > 0
    assert found.users == len(toy.user_ids)
    assert found.active[28] == len({e.user_id for e in toy.events if e.at > found.as_of - timedelta(days=28)})
    assert found.pulse.funnel is not None
    assert (found.unfolded, found.tail) == (0, 0)
    assert found.quality is not None
    assert found.quality["judged"]["kept"] == len(toy.events)
    assert {one.part for one in found.artifacts} == {"population", "index"}


def test_what_is_tracked_is_counted_at_once(fresh: Shop, toy: World) -> None:
    fresh.served = True  # asked now, not at the end of the log
    before = fresh.overview(1)
    tracked(fresh, "ann", "Product Viewed", toy.item_ids[0], toy)
    after = fresh.overview(1)
    assert sum(after.pulse.counts["view"]) == sum(before.pulse.counts.get("view", ())) + 1
    assert (after.tail, after.unfolded) == (1, 0)


def test_stitched_ids_are_one_user(fresh: Shop, toy: World) -> None:
    before = fresh.overview(28)
    first, second = toy.user_ids[:2]
    fresh.stitch(second, first)
    assert fresh.overview(28).active[28] == before.active[28] - 1


def test_an_overview_is_of_some_days(built: Shop) -> None:
    for days in (0, 367):
        with pytest.raises(UsageError, match="1 to 366"):
            built.overview(days)


def test_nothing_is_built(tmp_path: object) -> None:
    with create(f"{tmp_path}/shop") as shop, pytest.raises(NotReady):
        shop.overview()


def test_every_evaluation_is_kept(fresh: Shop) -> None:
    assert fresh.evaluations() == []
    found = fresh.evaluate(models=("popular",))
    (run,) = fresh.evaluations()
    assert run["evaluation"] == found
    assert run["population"] == fresh.overview().population
