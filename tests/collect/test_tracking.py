"""A message becomes events, items, traits, stitches or a verdict, as the specification says."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.collect.spec import MEANINGS, REFUSED_IDS
from mien.collect.tracking import EVENT_BYTES, read_message, time_us
from mien.core.clock import HOUR_US, SECOND_US, from_us
from mien.core.event import Action
from mien.core.tracked import Refusal, Tracked

NOW_US = 1_790_000_000 * SECOND_US


def read(received_us: int = NOW_US, **message: Any) -> Tracked | Refusal:
    return read_message(msgspec.json.encode(message), source="http", received_us=received_us)


def tracked(received_us: int = NOW_US, **message: Any) -> Tracked:
    found = read(received_us, **message)
    assert isinstance(found, Tracked), found
    return found


def track(event: str, received_us: int = NOW_US, **properties: Any) -> Tracked:
    return tracked(received_us, type="track", event=event, messageId="m", userId="ann", properties=properties)


def iso(at_us: int) -> str:
    return from_us(at_us).isoformat()


def test_an_order_is_one_purchase_for_each_product() -> None:
    products = [
        {"product_id": "mug", "name": "A mug", "price": "2.50", "quantity": 2, "brand": "Acme"},
        {"sku": "pot", "price": 30},
    ]
    found = track("Order Completed", order_id=7, total=99, products=products)
    assert [(e.event_id, e.action, e.item_id, e.value, e.quantity) for e in found.events] == [
        ("m#1", Action.PURCHASE, "mug", 5.0, 2.0),
        ("m#2", Action.PURCHASE, "pot", 30.0, None),
    ]
    assert found.items == {"mug": {"title": "A mug", "price": 2.5, "brand": "Acme"}}
    first = msgspec.json.decode(found.events[0].properties or "")
    assert first["order_id"] == 7
    assert first["name"] == "A mug"
    assert "products" not in first


def test_one_product_keeps_the_messages_id_and_takes_the_orders_money() -> None:
    (event,) = track("Order Completed", total="12.5", products=[{"product_id": "mug"}]).events
    assert (event.event_id, event.value) == ("m", 12.5)
    (whole,) = track("Order Refunded", order_id=3, total=8).events
    assert (whole.action, whole.item_id, whole.value) == (Action.REFUND, None, 8.0)


def test_words_and_stars() -> None:
    (search,) = track("products searched", query=" red \x00 mug").events
    assert (search.action, search.query) == (Action.SEARCH, " red   mug")
    (review,) = track("Product Reviewed", product_id="mug", review_body="Nice", rating="5").events
    assert (review.action, review.text, review.rating) == (Action.REVIEW, "Nice", 5.0)
    seen = track("Product List Viewed", products=[{"product_id": "a"}, {"product_id": "b"}]).events
    assert [(e.action, e.item_id) for e in seen] == [(Action.IMPRESSION, "a"), (Action.IMPRESSION, "b")]


@pytest.mark.parametrize("name", MEANINGS)
def test_every_name_of_the_table_makes_its_action(name: str) -> None:
    (event,) = track(name, product_id="mug", query="mug").events
    assert event.action is MEANINGS[name].action


def test_what_the_table_does_not_know_is_kept_with_its_properties() -> None:
    found = track("Lamp Rubbed", wishes=3)
    assert found.events == []
    assert found.other is not None
    assert (found.other.name, msgspec.json.decode(found.other.properties)) == ("Lamp Rubbed", {"wishes": 3})
    page = tracked(type="page", name="Home", userId="ann", properties={"url": "/"})
    assert page.other is not None
    assert page.other.name == "page Home"


def test_traits_consents_and_joins() -> None:
    consent = {"consent": {"categoryPreferences": {"personalisation": False, "ads": "maybe"}}}
    traits = {"age": 41, "vip": True, "address": {"city": "苏州"}, "tags": ["a"], "empty": ""}
    found = tracked(type="identify", userId="ann", anonymousId="a-1", traits=traits, context=consent)
    assert found.traits == {"age": 41, "vip": True, "address.city": "苏州"}
    assert found.consents == {"personalisation": False}
    assert (found.user_id, found.joins) == ("ann", "a-1")
    rudder = tracked(type="identify", userId="ann", context={"traits": {"age": 41}})
    assert rudder.traits == {"age": 41}
    alias = tracked(type="alias", userId="ann", previousId="a-2")
    assert (alias.user_id, alias.joins) == ("ann", "a-2")


@pytest.mark.parametrize("nobody", sorted(REFUSED_IDS - {""}))
def test_ids_of_nobody_are_refused(nobody: str) -> None:
    alone = read(type="track", event="Product Viewed", userId=nobody.upper())
    assert isinstance(alone, Refusal)
    assert alone.reason == "refused_id"
    beside = tracked(type="track", event="Product Viewed", userId=nobody, anonymousId="a-1")
    assert (beside.user_id, beside.joins) == ("a-1", None)
    assert [refusal.reason for refusal in beside.refused] == ["refused_id"]


def test_a_clock_that_is_wrong_is_put_right() -> None:
    """By hand: the client's clock runs 3 h ahead; it sent 10 s after the event."""
    wrong_us = NOW_US + 3 * HOUR_US
    found = tracked(type="page", userId="ann", timestamp=iso(wrong_us - 10 * SECOND_US), sentAt=iso(wrong_us))
    assert found.at_us == NOW_US - 10 * SECOND_US
    assert found.flag is None


def test_the_future_is_bounded_and_flagged() -> None:
    found = track("Product Viewed", product_id="mug")
    assert found.flag is None
    ahead = tracked(
        type="track", event="Product Viewed", userId="ann", timestamp=iso(NOW_US + HOUR_US), properties={"sku": "mug"}
    )
    assert (ahead.at_us, ahead.flag) == (NOW_US, "future")
    assert msgspec.json.decode(ahead.events[0].properties or "")["flag"] == "future"


@pytest.mark.parametrize(
    ("said", "us"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045_000_000),
        ("2026-01-02T03:04:05.678+08:00", 1_767_294_245_678_000),
        (1_767_323_045, 1_767_323_045_000_000),
        (1_767_323_045_678, 1_767_323_045_678_000),
        ("soon", None),
        (-1, None),
        ("", None),
    ],
)
def test_times_as_clients_write_them(said: Any, us: int | None) -> None:
    assert time_us(said) == us


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("missing_user", {"type": "track", "event": "Product Viewed"}),
        ("missing_event", {"type": "track", "userId": "ann"}),
        ("unknown_type", {"type": "dance", "userId": "ann"}),
        ("message_id_too_long", {"type": "page", "userId": "ann", "messageId": "m" * 101}),
        ("id_too_long", {"type": "page", "userId": "a" * 1001}),
        ("bad_id", {"type": "page", "userId": "a\x00b"}),
        ("bad_time", {"type": "page", "userId": "ann", "timestamp": "soon"}),
        ("time_out_of_range", {"type": "page", "userId": "ann", "timestamp": "0001-01-01T00:00:00Z"}),
        ("bad_message", {"type": "track", "userId": "ann", "properties": [1]}),
        ("too_large", {"type": "page", "userId": "ann", "properties": {"x": "y" * EVENT_BYTES}}),
    ],
)
def test_what_cannot_be_used_says_why(reason: str, message: dict[str, Any]) -> None:
    refusal = read(**message)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


@pytest.mark.parametrize("depth", [100, 1_000, 15_000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    body = b'{"type":"page","userId":"ann","properties":{"x":' + b"[" * depth + b"]" * depth + b"}}"
    assert isinstance(read_message(body, source="http", received_us=NOW_US), Tracked | Refusal)


def test_the_same_message_sent_again_is_the_same() -> None:
    message = {"type": "page", "userId": "ann", "timestamp": iso(NOW_US - HOUR_US)}
    first, again = tracked(**message, sentAt=iso(NOW_US)), tracked(NOW_US + 5, **message, sentAt=iso(NOW_US + 5))
    assert (first.message_id, first.digest) == (again.message_id, again.digest)
    assert tracked(**message | {"userId": "bob"}).digest != first.digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("type", "messageId", "userId", "anonymousId", "previousId", "event", "properties", "traits", "context")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "timestamp", "sentAt", "name"]), JSON))
def test_any_json_is_a_message_or_a_refusal(message: dict[str, Any]) -> None:
    found = read_message(msgspec.json.encode(message), source="http", received_us=NOW_US)
    assert isinstance(found, Tracked | Refusal)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(MEANINGS)), st.dictionaries(st.sampled_from(["products", "price", "quantity", "sku"]), JSON)
)
def test_events_of_any_properties_are_sound(name: str, properties: dict[str, Any]) -> None:
    message = {"type": "track", "event": name, "userId": "ann", "messageId": "m", "properties": properties}
    found = read_message(msgspec.json.encode(message), source="http", received_us=NOW_US)
    if isinstance(found, Tracked):
        assert found.events
        assert len({event.event_id for event in found.events}) == len(found.events)
        for event in found.events:
            assert "\x00" not in (event.item_id or "") + (event.properties or "")
            assert event.value is None or abs(event.value) <= 1e300


@given(st.binary(max_size=200))
def test_any_bytes_are_a_refusal_or_a_message(body: bytes) -> None:
    assert isinstance(read_message(body, source="http", received_us=NOW_US), Tracked | Refusal)
