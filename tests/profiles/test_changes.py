"""What an event did to a profile: by hand, and beside the profiles of the moments before and after."""

from datetime import timedelta

import pytest

from mien.core.clock import parse_time
from mien.shop import Shop, create
from mien.testing.world import World, world


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Shop:
    shop = create(tmp_path_factory.mktemp("changes") / "shop", clock=lambda: toy.at)
    shop.ingest(events=toy.event_table, items=toy.items)
    shop.build()
    return shop


def test_the_first_event_begins_every_tag(shop: Shop) -> None:
    (only,) = shop.changes("gus")["changes"]
    assert (only["action"], only["item_id"], only["title"]) == ("view", "teapot", "Glass teapot")
    tags = {(tag["facet"], tag["value"]): tag for tag in only["tags"]}
    brand = tags["brand", "Greenleaf"]
    assert brand["weight"] == {"after": 1.0}
    assert brand["lift"]["after"] > 1
    assert "before" not in brand["lift"]


@pytest.mark.parametrize("user", ["ann", "恩惠"])
def test_before_and_after_are_the_profiles_then(shop: Shop, user: str) -> None:
    """After an event stands what the profile as of that moment shows; before it what it showed, aged until then."""
    told = shop.changes(user, limit=12)["changes"]
    assert len(told) >= 5
    assert [one["at"] for one in told] == sorted((one["at"] for one in told), reverse=True)
    for change in told:
        at = parse_time(change["at"])
        tags = {(tag.facet, tag.value): tag for tag in shop.profile(user, as_of=at).tags}
        if change["action"] == "purchase":
            continue  # two lines of one order are at one moment
        for tag in change["tags"]:
            shown = tags.get((tag["facet"], tag["value"]))
            assert tag["weight"].get("after") == (None if shown is None else pytest.approx(shown.weight, abs=2e-6))
            assert tag["lift"].get("after") == (None if shown is None else pytest.approx(shown.lift, rel=1e-5))


def test_weights_move_towards_what_was_done(shop: Shop) -> None:
    for change in shop.changes("ann", limit=6)["changes"]:
        category = shop.item(change["item_id"]).category  # type: ignore[union-attr]
        for tag in change["tags"]:
            if (tag["facet"], tag["value"]) == ("category", category):
                assert tag["weight"]["after"] > tag["weight"].get("before", 0.0)


def test_since_and_limit(shop: Shop, toy: World) -> None:
    every = shop.changes("ann", limit=1000)["changes"]
    assert shop.changes("ann", limit=3)["changes"] == every[:3]
    since = toy.at - timedelta(days=20)
    late = [one for one in every if parse_time(one["at"]) >= since]
    assert 0 < len(late) < len(every)
    assert shop.changes("ann", since=since, limit=1000)["changes"] == late
    assert shop.changes("ann", since=toy.at + timedelta(days=1))["changes"] == []
    early = shop.changes("ann", limit=1000, as_of=since)["changes"]
    assert [one["event_id"] for one in early] == [one["event_id"] for one in every if parse_time(one["at"]) <= since]


def test_who_refused_has_no_changes(shop: Shop) -> None:
    shop.consent("ben", {"personalisation": False})
    assert shop.changes("ben")["changes"] == []
