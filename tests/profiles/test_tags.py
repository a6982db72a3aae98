"""What must hold of tags whatever a user did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.clock import DAY_US, to_us
from mien.core.errors import UnknownName, UsageError
from mien.core.event import Action, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.features.fold import refold
from mien.features.state import FoldSettings
from mien.profiles.explain import explain_tag
from mien.profiles.local import day
from mien.profiles.options import ProfileOptions
from mien.profiles.tags import confidence, read_facet, read_tags, support

EVERYTHING = ProfileOptions(tags_per_facet=1000, min_weight=0.0, expires_days=100_000)
START_US = to_us(datetime(2024, 1, 1, tzinfo=UTC))

acts = st.builds(
    lambda number, action, minutes, item: LoggedEvent(
        UserRow(0), f"e{number:06}", action, START_US + minutes * 60_000_000, ItemRow(item)
    ),
    st.integers(0, 999_999),
    st.sampled_from(list(Action)),
    st.integers(0, 200_000),
    st.integers(-1, 13),
)
histories = st.lists(acts, max_size=40, unique_by=lambda event: event.event_id)


def tags_of(events, shop, options=EVERYTHING, at_us=None):
    state = refold(events, FoldSettings())
    at_us = at_us or START_US + 200 * DAY_US
    liking = support(state, shop.yardstick.weights, len(shop.world.catalogue), at_us)
    return read_tags(liking, shop.yardstick, at_us, options)


@given(events=histories)
def test_a_tag_is_what_it_says(shop, events):
    tags = tags_of(events, shop)
    ids = {event.event_id for event in events}
    for tag in tags:
        assert 0.0 < tag.weight <= 1.0 + 1e-12
        assert 0.0 <= tag.confidence <= 1.0
        assert tag.lift > 0.0
        assert tag.trend >= 0.0
        assert tag.first_seen <= tag.last_seen < tag.expires
        assert 1 <= len(tag.evidence) <= 5
        assert set(tag.evidence) <= ids


@given(events=histories)
def test_the_weights_of_a_level_sum_to_one(shop, events):
    state = refold(events, FoldSettings())
    liking = support(state, shop.yardstick.weights, len(shop.world.catalogue), START_US + 200 * DAY_US)
    for facet in shop.yardstick.facets:
        weight = read_facet(facet, liking).weight
        assert weight.sum() == pytest.approx(1.0) or weight.sum() == 0.0


@given(events=histories, seed=st.randoms())
def test_the_order_of_events_changes_nothing(shop, events, seed):
    shuffled = list(events)
    seed.shuffle(shuffled)
    for one, other in zip(tags_of(events, shop), tags_of(shuffled, shop), strict=True):
        assert (one.facet, one.value, one.evidence, one.n) == (other.facet, other.value, other.evidence, other.n)
        assert one.weight == pytest.approx(other.weight)


@given(n=st.floats(0, 50), more=st.floats(0.5, 10), share=st.floats(0.01, 0.99))
def test_confidence_grows_with_support(n, more, share):
    less, greater = confidence(np.array([n, n + more]), 100.0, np.array([share, share]), 10.0)
    assert greater > less or greater == pytest.approx(1.0) or less == pytest.approx(0.0, abs=1e-12)


def test_a_facet_with_one_value_says_nothing():
    assert confidence(np.array([50.0]), 50.0, np.array([1.0]), 10.0).tolist() == [0.0]


def test_what_was_taken_back_does_not_count(shop):
    teapot = shop.world.item_row("teapot")
    bought = LoggedEvent(UserRow(0), "a", Action.PURCHASE, START_US, teapot)
    returned = LoggedEvent(UserRow(0), "b", Action.REFUND, START_US, teapot)
    assert [tag.value for tag in tags_of([bought], shop) if tag.facet == "category"][-1] == "Kitchen/Tea/Pots"
    assert tags_of([bought, returned], shop) == ()


def test_impressions_and_searches_are_no_liking(shop):
    shown = LoggedEvent(UserRow(0), "a", Action.IMPRESSION, START_US, shop.world.item_row("teapot"))
    searched = LoggedEvent(UserRow(0), "b", Action.SEARCH, START_US, query="tea")
    assert tags_of([shown, searched], shop) == ()


def test_expired_tags_vanish(shop):
    event = LoggedEvent(UserRow(0), "a", Action.PURCHASE, START_US, shop.world.item_row("teapot"))
    options = ProfileOptions(expires_days=180, expires_days_by_facet={"brand": 30})
    on_day = {day: {t.facet for t in tags_of([event], shop, options, START_US + day * DAY_US)} for day in (29, 30, 180)}
    assert on_day[29] == {"category", "brand", "colour", "price_band"}
    assert on_day[30] == {"category", "colour", "price_band"}
    assert on_day[180] == set()
    expires = {tag.facet: tag.expires for tag in tags_of([event], shop, options, START_US + DAY_US)}
    assert expires["brand"] == datetime(2024, 1, 31, tzinfo=UTC)


def test_trend_follows_what_is_new(shop):
    coffee, tea = shop.world.item_row("grinder"), shop.world.item_row("teapot")
    early = [LoggedEvent(UserRow(0), f"a{k}", Action.VIEW, START_US, coffee) for k in range(4)]
    late = [LoggedEvent(UserRow(0), f"b{k}", Action.VIEW, START_US + 90 * DAY_US, tea) for k in range(2)]
    tags = {
        tag.value: tag for tag in tags_of(early + late, shop, at_us=START_US + 90 * DAY_US) if tag.facet == "category"
    }
    # By the slow half-life the four old views count two, by the fast one almost nothing.
    assert tags["Kitchen/Tea"].weight == pytest.approx(0.5)
    assert tags["Kitchen/Tea"].trend == pytest.approx(1 / (1 + 2 * 2 ** -(90 / 14)) / 0.5)
    assert tags["Kitchen/Coffee"].trend < 0.1


def test_limits_hold(shop):
    tags = shop.read("ben", options=ProfileOptions(tags_per_facet=1, min_weight=0.5, evidence=2)).tags
    assert {(tag.facet, tag.value.count("/")) for tag in tags} >= {("category", 0)}
    assert all(tag.weight >= 0.5 and len(tag.evidence) <= 2 for tag in tags)


@pytest.mark.parametrize(
    "wrong", [{"min_weight": 2.0}, {"prior_strength": 0.0}, {"expires_days": -1.0}, {"evidence": -1}]
)
def test_senseless_options_are_refused(wrong):
    with pytest.raises(UsageError):
        ProfileOptions(**wrong)


def test_why_this_tag(shop):
    profile, state = shop.read("ann"), shop.world.state("ann")
    found = explain_tag(profile, "brand", "Northwind", state, shop.world.catalogue, shop.yardstick, shop.world.at_us)
    assert sum(witness.share for witness in found.witnesses) == pytest.approx(1.0)
    best = found.witnesses[0]
    assert (best.item_id, best.action, best.n) == ("bean-dark", "purchase", 12)
    assert best.event_id in found.tag.evidence
    assert "purchase of Dark roast coffee beans 1kg, 12 times" in found.reading
    assert f"it ends on {day(found.tag.expires, 'UTC', 'en')}." in found.reading
    spoken = explain_tag(
        profile, "brand", "Northwind", state, shop.world.catalogue, shop.yardstick, shop.world.at_us, language="zh"
    )
    assert "品牌“Northwind”" in spoken.reading
    assert "购买“Dark roast coffee beans 1kg”12 次" in spoken.reading
    assert f"将于 {day(found.tag.expires, 'UTC', 'zh')} 失效" in spoken.reading


def test_why_a_tag_they_do_not_have(shop):
    with pytest.raises(UnknownName, match="brand=Northwind"):
        explain_tag(
            shop.read("ann"),
            "brand",
            "Northwimd",
            shop.world.state("ann"),
            shop.world.catalogue,
            shop.yardstick,
            shop.world.at_us,
        )


def test_a_later_catalogue_changes_tags_without_a_refold(shop):
    """State is kept per item: a corrected brand shows at once."""
    state, at_us = shop.world.state("ann"), shop.world.at_us
    codes = np.where(shop.yardstick.facets[3].codes >= 0, 0, -1).astype(np.int32)
    corrected = replace(shop.yardstick.facets[3], codes=codes)
    assert corrected.name == "brand"
    yardstick = replace(shop.yardstick, facets=(corrected,), shares=(shop.yardstick.shares[3],))
    liking = support(state, yardstick.weights, len(shop.world.catalogue), at_us)
    assert [tag.value for tag in read_tags(liking, yardstick, at_us, ProfileOptions())] == ["Altura"]


def test_tags_fade_only_with_time(shop):
    """Weights are shares: when nothing new happens, they stay as they are."""
    later = shop.world.at + timedelta(days=60)
    now, then = shop.read("ann").tags, shop.read("ann", later).tags
    assert [tag.weight for tag in now] == pytest.approx([tag.weight for tag in then])
    assert all(tag.confidence >= other.confidence - 1e-9 for tag, other in zip(now, then, strict=True) if tag.lift > 1)
