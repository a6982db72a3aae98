"""People one by one: found, and what they did."""

from collections import Counter
from datetime import timedelta

import pandas as pd
import pytest

from mien.core.errors import UnknownName
from mien.shop import Shop
from mien.testing.world import World


def test_everybody_is_found_in_pages(built: Shop, toy: World) -> None:
    found = built.people.find(limit=4)
    assert found.total == len(toy.user_ids)
    rest = built.people.find(limit=100, offset=4)
    assert {one.user_id for one in (*found.people, *rest.people)} == set(toy.user_ids)
    counts = Counter(event.user_id for event in toy.events)
    assert {one.user_id: one.events for one in found.people} == {
        one.user_id: counts[one.user_id] for one in found.people
    }


def test_the_id_itself_comes_first(built: Shop, toy: World) -> None:
    for user in toy.user_ids:
        assert built.people.find(user.upper()).people[0].user_id == user
    assert built.people.find("nobody at all").total == 0


def test_traits_are_looked_at(fresh: Shop, toy: World) -> None:
    a, b, c = toy.user_ids[:3]
    fresh.ingest(
        users=pd.DataFrame({"user_id": [a, b, c], "age": ["25-34", "25-34", "35-44"], "city": ["Bath", "25", "York"]})
    )
    assert {one.user_id for one in fresh.people.find("age=25-34").people} == {a, b}
    assert {one.user_id for one in fresh.people.find("BATH").people} == {a}
    assert fresh.people.find("location=25").people[0].traits["age"] == "25-34"


def test_deeds_are_those_of_the_log(built: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    mine = sorted((event for event in toy.events if event.user_id == user), key=lambda event: event.at, reverse=True)
    person = built.people.person(user)
    deeds = person.deeds(limit=1000)
    assert [one.at for one in deeds.deeds] == [event.at for event in mine]
    assert {one.event_id for one in deeds.deeds} == {event.event_id for event in mine}
    assert deeds.actions == Counter(str(event.action) for event in mine)
    bought = person.deeds("purchase", limit=2)
    assert bought.total == deeds.actions["purchase"]
    assert {one.action for one in bought.deeds} == {"purchase"}
    assert len(bought.deeds) == min(2, bought.total)
    assert all(one.title for one in bought.deeds)


def test_evidence_is_found_by_its_ids(built: Shop, toy: World) -> None:
    tag = built.profile(toy.user_ids[0]).tags[0]
    person = built.people.person(toy.user_ids[0])
    assert {one.event_id for one in person.evidence(tag.evidence)} == set(tag.evidence)
    assert person.evidence(["of somebody else"]) == []


def test_rhythm_counts_every_event_once(built: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    activity = built.profile(user).activity
    assert activity is not None
    rhythm = built.people.person(user).rhythm()
    assert tuple(sum(day) for day in rhythm) == activity.weekdays
    assert tuple(sum(day[hour] for day in rhythm) for hour in range(24)) == activity.hours


def test_interests_are_shares_of_each_month(built: Shop, toy: World) -> None:
    found = built.people.person(toy.user_ids[0]).interests(most=100)
    assert found.values
    assert list(found.months) == sorted(found.months)
    for month in range(len(found.months)):
        whole = sum(shares[month] for shares in found.shares)
        assert whole == pytest.approx(1.0, abs=1e-5) or whole == 0
    assert built.people.person(toy.user_ids[0]).interests("no such facet").values == ()


def test_nothing_later_is_known(built: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    first = min(event.at for event in toy.events if event.user_id == user)
    assert len(built.people.person(user, as_of=first).events) == 1
    assert built.people.person(user, as_of=first - timedelta(days=1)).deeds().total == 0


def test_nobody_is_named_with_the_nearest(built: Shop) -> None:
    with pytest.raises(UnknownName):
        built.people.person("nobody")


def test_an_item_by_its_id(built: Shop, toy: World) -> None:
    item = built.item(toy.item_ids[0])
    assert item is not None
    assert item.item_id == toy.item_ids[0]
    assert built.item("nothing") is None


def test_a_tag_is_explained_by_the_deeds_it_rests_on(built: Shop, toy: World) -> None:
    user = toy.user_ids[0]
    tag = built.profile(user).tags[0]
    found = built.people.explain_tag(user, tag.facet, tag.value)
    assert found.tag == tag
    assert sum(one.share for one in found.witnesses) == pytest.approx(1.0)
    mine = {event.event_id for event in toy.events if event.user_id == user}
    assert {one.event_id for one in found.witnesses} <= mine
    assert built.people.explain_tag(user, tag.facet, tag.value, language="zh").reading != found.reading
    with pytest.raises(UnknownName, match="tag"):
        built.people.explain_tag(user, "category", "nothing of the kind")


def test_a_moment_past_is_opened_once(fresh: Shop, toy: World) -> None:
    """One looks at a moment from several sides; what answers for it is kept until another one, or a change."""
    user, past = toy.user_ids[0], toy.at - timedelta(days=20)
    first = fresh.people.person(user, as_of=past).serving
    assert fresh.people.person(user, as_of=past).serving is first
    assert fresh.people.person(user, as_of=past - timedelta(days=1)).serving is not first
    fresh.put_items([{"item_id": toy.item_ids[0], "title": "Another name"}])
    assert fresh.people.person(user, as_of=past).serving is not first


def test_the_fullest_shelves_come_first(built: Shop, toy: World) -> None:
    tops = Counter((one or "").split("/")[0] for one in toy.items["category"].to_pylist() if one)
    assert built.shelves(100) == sorted(tops, key=lambda name: (-tops[name], name))
    assert built.shelves(1) == built.shelves(100)[:1]


def test_people_are_told_by_their_ids_in_that_order(built: Shop, toy: World) -> None:
    ids = [toy.user_ids[2], toy.user_ids[0]]
    assert [one.user_id for one in built.people.named([ids[0], "nobody", ids[1]])] == ids
    assert built.people.named(ids)[1] == built.people.find(ids[1]).people[0]


def test_who_is_alike_loves_the_same(built: Shop, toy: World) -> None:
    """Of the toy world's coffee people the nearest loves coffee, too; nobody is like themself."""
    user = toy.user_ids[0]
    found = built.segments.alike(user, size=3)
    assert user not in [one.user_id for one in found.users]
    assert [one.likeness for one in found.users] == sorted((one.likeness for one in found.users), reverse=True)
    best = {f"{tag.facet}={tag.value}" for tag in built.profile(found.users[0].user_id).tags}
    assert set(found.users[0].shared) & best & {f"{tag.facet}={tag.value}" for tag in built.profile(user).tags}
    with pytest.raises(UnknownName):
        built.segments.alike("nobody")
