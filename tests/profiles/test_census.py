"""The census of tags agrees with profiles that are read one by one."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import pytest

from mien.core.profile import Profile, Tag
from mien.profiles.census import LIFTS, SURE, FacetCensus, census
from mien.shop import Shop, create
from mien.testing.world import World, world


@pytest.fixture(scope="module")
def toy() -> World:
    return world()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, toy: World) -> Iterator[Shop]:
    with create(tmp_path_factory.mktemp("census") / "shop", clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
        yield shop


@pytest.fixture(scope="module")
def profiles(shop: Shop, toy: World) -> list[Profile]:
    return [shop.profile(user) for user in toy.user_ids]


def counted(shop: Shop) -> tuple[FacetCensus, ...]:
    return tuple(one.census for one in shop.tags().facets)


def held(profiles: list[Profile], facet: FacetCensus) -> list[tuple[str, Tag]]:
    """User and tag, of one level of a facet."""
    return [
        (profile.user_id, tag)
        for profile in profiles
        for tag in profile.tags
        if tag.facet == facet.facet and (not facet.level or tag.value.count("/") == facet.level - 1)
    ]


def test_every_facet_is_counted_as_the_profiles_tell_it(shop: Shop, profiles: list[Profile]) -> None:
    facets = counted(shop)
    assert {one.facet for one in facets} >= {"category", "brand", "price_band"}
    for facet in facets:
        tags = held(profiles, facet)
        assert tags
        assert facet.users == len({user for user, _ in tags})
        assert facet.tags == len(tags) == sum(facet.lifts) == sum(facet.days)
        assert facet.median_lift == pytest.approx(median(tag.lift for _, tag in tags))
        assert facet.sure == pytest.approx(sum(tag.confidence >= SURE for _, tag in tags) / len(tags))
        bins = [sum(low <= tag.lift < high for _, tag in tags) for low, high in pairwise(LIFTS)]
        assert list(facet.lifts) == bins


def test_tags_are_ranked_by_their_users(shop: Shop, profiles: list[Profile]) -> None:
    for facet in counted(shop):
        tags = held(profiles, facet)
        users = {one.value: one.users for one in facet.top}
        assert users == {value: sum(tag.value == value for _, tag in tags) for value in {tag.value for _, tag in tags}}
        assert list(users.values()) == sorted(users.values(), reverse=True)


def test_goods_without_a_value_are_seen(shop: Shop, toy: World) -> None:
    """Oat milk has no colour."""
    colour = next(one for one in counted(shop) if one.facet == "colour")
    items = toy.catalogue
    assert colour.items == pytest.approx(sum(one is not None for one in items.colour) / len(items))
    assert colour.items < 1


def test_few_are_named_where_few_are_asked_for(shop: Shop) -> None:
    serving, at_us = shop._now()
    crowd = shop._crowds.now(serving, at_us)
    assert all(len(one.top) <= 2 for one in census(crowd, serving.catalogue, 2))


def test_what_uses_and_measures_a_facet_is_told(shop: Shop) -> None:
    shop.segments.save("tea", "category = Drinks/Tea and not brand = Altura")
    told = {(one.census.facet, one.census.level): one for one in shop.tags().facets}
    assert told["brand", 0].segments == ("tea",)
    assert told["colour", 0].segments == ()
    assert told["brand", 0].accuracy is None
    shop.evaluate(models=("popular",))
    accuracy = next(one.accuracy for one in shop.tags().facets if one.census.facet == "brand")
    assert accuracy is not None
    assert 0 <= accuracy["auroc"]["mean"] <= 1


def test_tags_are_json(shop: Shop) -> None:
    told = shop.tags().to_dict()
    assert told["lift_edges"] == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]
    assert all(len(one["lifts"]) == 6 for one in told["facets"])
