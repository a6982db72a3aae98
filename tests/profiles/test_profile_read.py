"""A profile read from a state: the parts beside tags, time, absence, and what is said in words."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mien.core.clock import DAY_US, to_us
from mien.core.errors import UsageError
from mien.core.event import Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.core.user import User
from mien.features.fold import refold
from mien.features.state import FoldSettings, State
from mien.profiles.activity import lifecycle
from mien.profiles.crowd import Crowd
from mien.profiles.narrate import narrate, telling_tags
from mien.profiles.options import ProfileOptions
from mien.profiles.read import read
from mien.profiles.segments import column
from mien.testing.world import COFFEE_USERS, START, TEA_USERS


def test_each_likes_their_own_world(shop):
    for users, liked, foreign in ((COFFEE_USERS, "Coffee", "Tea"), (TEA_USERS, "Tea", "Coffee")):
        for user in users:
            categories = [tag for tag in shop.read(user).tags if tag.facet == "category"]
            assert any(liked in tag.value and tag.lift > 1 and tag.confidence > 0.9 for tag in categories)
            assert not any(foreign in tag.value for tag in categories)


def test_order_of_the_document(shop):
    user = User("ann", {"age": "35-44"}, {"personalisation": True})
    document = shop.read("ann", user=user, user_ids=["ann", "cookie-1"]).to_dict()
    assert list(document) == [
        "user_id",
        "version",
        "as_of",
        "events",
        "identity",
        "traits",
        "activity",
        "value",
        "tags",
        "needs",
        "behaviour",
        "consent",
        "summary",
    ]
    assert json.loads(json.dumps(document, ensure_ascii=False)) == document
    assert document["version"] == f"tags-1/{shop.population.version}"


def test_the_unknown_is_absent(shop):
    stranger = read(State(), "nobody", shop.world.catalogue, shop.population, shop.world.at_us)
    assert stranger.to_dict() == {
        "user_id": "nobody",
        "version": stranger.version,
        "as_of": "2024-05-27T08:00:00Z",
        "events": 0,
        "summary": "Nothing is known of this user yet.",
    }
    newcomer = shop.read("gus")
    assert newcomer.value is None
    assert newcomer.needs is None
    assert newcomer.traits == ()


def test_reading_makes_its_own_yardstick_where_none_is_given(shop):
    state = shop.world.state("fay")
    alone = read(state, "fay", shop.world.catalogue, shop.population, shop.world.at_us)
    assert alone == shop.read("fay")


def test_nothing_later_than_at(shop):
    at = START + timedelta(weeks=3)
    profile = shop.read("ben", at)
    assert profile.as_of == at
    assert profile.activity.last_seen <= at
    assert all(tag.last_seen <= at for tag in profile.tags)
    assert profile.activity.counts["purchase"]["all"] < shop.read("ben").activity.counts["purchase"]["all"]
    with pytest.raises(UsageError, match="later than"):
        read(shop.world.state("ben"), "ben", shop.world.catalogue, shop.population, to_us(at))


def test_windows_roll_by_themselves(shop):
    later = shop.world.at + timedelta(days=31)
    counts = shop.read("ann", later).activity.counts["purchase"]
    assert counts["7d"] == counts["30d"] == 0
    assert counts["all"] == 15  # twelve of beans, three of oat milk


def test_value_on_paper(shop):
    """ann bought beans (24.00) twelve times, a week apart, and with every fourth order oat milk (3.00)."""
    value = shop.read("ann").value
    assert (value.orders, value.spend, value.gap_days) == (12, 12 * 24.0 + 3 * 3.0, 7.0)
    assert value.average_order == pytest.approx(297.0 / 12)
    assert value.rfm.split("-")[1] == "5"


def test_refunds_come_off_the_money(shop):
    at_us = to_us(START)
    events = [
        LoggedEvent(UserRow(0), "a", Action.PURCHASE, at_us, ItemRow(0), value=24.0),
        LoggedEvent(UserRow(0), "b", Action.REFUND, at_us + DAY_US, ItemRow(0), value=24.0),
    ]
    state = refold(events, FoldSettings())
    profile = read(state, "x", shop.world.catalogue, shop.population, at_us + DAY_US, yardstick=shop.yardstick)
    assert profile.value.spend == 0.0


def test_money_that_nobody_named_is_unknown_not_nothing(shop):
    at_us = to_us(START)
    events = [LoggedEvent(UserRow(0), "a", Action.PURCHASE, at_us, ItemRow(0), value=0.0)]
    state = refold(events, FoldSettings())
    profile = read(state, "x", shop.world.catalogue, shop.population, at_us, yardstick=shop.yardstick)
    value = profile.value
    assert (value.orders, value.spend, value.average_order, value.rfm) == (1, None, None, None)
    assert "$" not in profile.summary
    assert "1 order." in profile.summary
    assert {"spend", "average_order", "rfm"}.isdisjoint(profile.to_dict()["value"])
    people = [(0, state, User("x"))]
    crowd = Crowd.of(
        people, shop.yardstick, shop.population, len(shop.world.catalogue), at_us, ProfileOptions(), FoldSettings()
    )
    for field in ("spend", "average_order", "rfm.m"):
        assert np.isnan(column(field, crowd)).all(), f"{field} is known to segments"
    assert column("rfm.r", crowd)[0] >= 1


def test_needs(shop):
    ann, en = shop.read("ann").needs, shop.read("恩惠").needs
    assert [(query["query"], query["n"]) for query in ann.queries] == [("coffee", 12)]
    assert ann.queries[0]["evidence"] == ("ann-0520T0800-search-shop",)
    assert {topic["word"] for topic in ann.review_topics} == {"great", "coffee", "beans", "wonderful", "crema"}
    assert [query["query"] for query in en.queries] == ["茶"]
    assert "茶叶" in {topic["word"] for topic in en.review_topics}
    assert "很" not in {topic["word"] for topic in en.review_topics}


def test_newer_queries_come_first(shop):
    at_us = to_us(START)
    old = [LoggedEvent(UserRow(0), f"a{k}", Action.SEARCH, at_us + k, query="Tea ") for k in range(3)]
    new = [LoggedEvent(UserRow(0), f"b{k}", Action.SEARCH, at_us + 90 * DAY_US, query="COFFEE") for k in range(1)]
    state = refold(old + new, FoldSettings())
    profile = read(state, "x", shop.world.catalogue, shop.population, at_us + 90 * DAY_US, yardstick=shop.yardstick)
    # Three queries of 90 days ago, halved every 30 days, weigh 3/8 of a new one.
    assert [query["query"] for query in profile.needs.queries] == ["coffee", "tea"]
    assert [query["n"] for query in profile.needs.queries] == [1, 3]


def test_traits(shop):
    inferred = {trait.name: trait for trait in shop.read("ann").traits}
    assert inferred["day_part"].value == "morning"  # every event was at eight o'clock
    assert inferred["day_part"].confidence > 0.99
    assert "shops_on" not in inferred
    declared = shop.read("ann", user=User("ann", {"day_part": "evening", "age": 40})).traits
    assert {(trait.name, trait.value, trait.source) for trait in declared} == {
        ("day_part", "evening", "declared"),
        ("age", 40, "declared"),
    }


@pytest.mark.parametrize(
    ("first_day", "last_day", "gap", "at_day", "expected"),
    [
        (0, 0, None, 0, "new"),
        (0, 20, 20, 29, "new"),
        (0, 20, 20, 50, "active"),  # away 30 days
        (0, 20, 20, 61, "lapsing"),  # away 41 days, more than 2 · 20
        (0, 20, 20, 140, "lapsing"),  # away 120 days = 6 · 20
        (0, 20, 20, 141, "lost"),
        (0, 60, 60, 180, "active"),  # away 120 days = 2 · 60: who comes rarely is not gone so soon
    ],
)
def test_lifecycle(first_day, last_day, gap, at_day, expected):
    start_us = to_us(datetime(2024, 1, 1, tzinfo=UTC))
    days = sorted({first_day, last_day})
    events = [LoggedEvent(UserRow(0), f"e{day}", Action.PURCHASE, start_us + day * DAY_US, ItemRow(0)) for day in days]
    assert lifecycle(refold(events, FoldSettings()), start_us + at_day * DAY_US) == expected


def test_summary_says_only_what_the_profile_holds(shop):
    profile = shop.read("ann")
    told = telling_tags(profile)
    assert told[0].value == "Drinks/Coffee/Beans"
    for part in (
        "12 orders",
        "$297.00 spent",
        "$24.75 on average",
        "“coffee”",
        "in the morning",
        "brand Northwind",
        "price band 3 of 5",
    ):
        assert part in profile.summary
    spoken = shop.read("ann", language="zh").summary
    for part in (
        "12 笔订单",
        "消费 US$297.00",
        "平均每单 US$24.75",
        "“coffee”",
        "上午",
        "品牌“Northwind”",
        "价格带第 3 档（共 5 档）",
        "活跃用户",
    ):
        assert part in spoken
    assert "1 order," in shop.read("ben", START + timedelta(days=2)).summary


def test_summary_writes_money_and_days_as_its_language_does(shop):
    """A day is that of the shop's zone: half past eleven at night in London is the next morning in Tokyo."""
    profile = shop.read("ann")
    late = replace(profile.activity, first_seen=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    profile = replace(profile, activity=late)
    assert "first seen on 9 Mar 2026," in narrate(profile)
    assert "first seen on 10 Mar 2026," in narrate(profile, zone="Asia/Tokyo")
    assert "首次到访于 2026年3月10日，" in narrate(profile, "zh", zone="Asia/Tokyo")
    assert "最近一次到访：2 天前；" in narrate(profile, "zh")
    assert "£297.00 spent" in narrate(profile, currency="GBP")
    assert "消费 ¥297.00，平均每单 ¥24.75，" in narrate(profile, "zh", currency="CNY")


def test_nobody_is_said_to_like_what_others_choose_more(shop):
    profile = shop.read("ann")
    best, *others = telling_tags(profile)
    less = tuple(replace(tag, lift=0.9) if tag == best else tag for tag in profile.tags)
    told = telling_tags(replace(profile, tags=less))
    assert others[0] in told
    assert all(tag.lift > 1 for tag in told)


def test_deeper_levels_stand_for_the_higher_ones(shop):
    told = [tag.value for tag in telling_tags(shop.read("ann"))]
    assert "Drinks" not in told
    assert "Drinks/Coffee" not in told
