"""The storefront's own reckoning: addresses of searches, carts, facets of a path, drawn pictures."""

import re
from datetime import UTC, datetime
from typing import Any, cast

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

from starlette.datastructures import QueryParams

from mien.core.item import Item
from mien.core.profile import Tag
from mien.core.query import Result
from mien.shop.people import Deed
from mien.web.look.pictures import SHAPES, hue, picture, shape
from mien.web.look.words import say
from mien.web.storefront.asked import Search
from mien.web.storefront.box import text_of
from mien.web.storefront.cards import card
from mien.web.storefront.facets import children, entry, value_name
from mien.web.storefront.panel import strongest
from mien.web.storefront.results import following
from mien.web.storefront.shopping import cart_of

AT = datetime(2026, 1, 1, tzinfo=UTC)


def search(address: str) -> Search:
    return Search.of(QueryParams(address.partition("?")[2]))


@pytest.mark.parametrize(
    "one",
    [
        Search(),
        Search("milk & honey"),
        Search("红色 连衣裙", {"brand": ("西湖", "A&B"), "price": ("2..5",)}, "price_up", 24, ("red",)),
        Search("", {"category": ("Grocery/Milk",), "brand!": ("x=y",)}),
    ],
)
def test_an_address_says_what_was_asked(one: Search) -> None:
    assert search(one.address()) == one
    assert text_of(one.address()) == one.text


def test_what_an_address_says_wrongly_is_passed_over() -> None:
    assert search("/search?q=a&sort=sideways&from=-3&brand=") == Search("a")
    assert search("/search?from=99999999999").first == 0


def test_a_filter_is_taken_in_and_left_out_from_the_first_result() -> None:
    one = Search("tea", {"brand": ("A",)}, first=48)
    more = one.toggled("brand", "B")
    assert (more.filters["brand"], more.first) == (("A", "B"), 0)
    assert more.toggled("brand", "A").toggled("brand", "B") == Search("tea")


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        ("2", "5", "2..5"),
        ("", "4,50", "..4.5"),
        ("3", "", "3.."),
        (" ", "", None),
        ("x", "9", "..9"),
        ("-1", "", "0.."),
        ("1234567", "12345678.5", "1234567..12345678.5"),
    ],
)
def test_prices(low: str, high: str, told: str | None) -> None:
    assert Search("a").priced(low, high).filters.get("price") == (None if told is None else (told,))


def deed(action: str, item: str | None = "mug", pieces: float = 1.0) -> Deed:
    return Deed("e", AT, action, item, quantity=pieces)


@pytest.mark.parametrize(
    ("deeds", "left"),
    [
        ([], {}),
        ([deed("cart"), deed("cart", pieces=2)], {"mug": 3}),
        ([deed("cart", pieces=2), deed("uncart")], {"mug": 1}),
        ([deed("cart"), deed("uncart", pieces=5), deed("cart")], {"mug": 1}),
        ([deed("cart"), deed("purchase")], {}),
        ([deed("purchase"), deed("cart")], {"mug": 1}),
        ([deed("cart"), deed("cart", "tea"), deed("purchase", "tea"), deed("search", None)], {"mug": 1}),
        ([deed("uncart"), deed("view")], {}),
    ],
)
def test_a_cart_is_what_the_deeds_leave(deeds: list[Deed], left: dict[str, int]) -> None:
    assert cart_of(list(reversed(deeds))) == left


def test_a_path_is_walked_step_by_step() -> None:
    counts = {"A": 5, "B": 2, "A/x": 3, "A/y": 2, "A/x/1": 3, "B/z": 2}
    assert children(counts, ()) == {"A": 5, "B": 2}
    assert children(counts, ("A",)) == {"A": 5, "A/x": 3, "A/y": 2}
    assert children(counts, ("A/x",)) == {"A/x": 3, "A/x/1": 3}


def test_a_step_down_the_path_takes_the_place_of_the_one_above() -> None:
    """Of values of one facet any will do: beside the whole a part of it would change nothing."""
    top = Search("tea", {"category": ("A", "B")})
    down = top.toggled("category", "A/x")
    assert down.filters == {"category": ("B", "A/x")}
    assert down.toggled("category", "A").filters == {"category": ("B", "A")}
    assert down.toggled("category", "A/xy").filters == {"category": ("B", "A/x", "A/xy")}
    assert Search("tea", {"brand": ("A",)}).toggled("brand", "A/x").filters == {"brand": ("A", "A/x")}


@pytest.mark.parametrize(
    ("first", "total", "on"), [(0, 24, None), (0, 25, 24), (24, 100, 48), (9_960, 39_023, 9_984), (9_984, 39_023, None)]
)
def test_no_page_is_offered_that_no_search_answers(first: int, total: int, on: int | None) -> None:
    assert following(first, total) == on


def test_the_same_item_looks_the_same_and_relatives_alike() -> None:
    milk = Item("1", "Whole milk", category="Grocery/Milk")
    assert picture(milk) == picture(Item("1", "Whole milk", category="Grocery/Milk"))
    other = Item("2", "Skimmed milk", category="Grocery/Milk")
    assert abs(hue(milk) - hue(other)) % 360 in {*range(29), *range(332, 360)}
    assert shape(milk) == shape(other) == "bottle"


@pytest.mark.parametrize(
    ("title", "category", "drawn"),
    [
        ("龙井茶", None, "cup"), ("American flag", "Toys/Flags", None), ("Candy bar", "Sweets/Candy", "bag"),
        ("Salmon", "Seafood/Fish", "fish"), ("红色连衣裙", "女装", "shirt"), ("x", None, None),
    ],
)  # fmt: skip
def test_a_shape_is_told_by_words(title: str, category: str | None, drawn: str | None) -> None:
    found = shape(Item("i", title, category=category))
    assert found in SHAPES
    assert drawn is None or found == drawn


def test_a_colour_gives_its_hue() -> None:
    assert hue(Item("1", "Dress", colour="Dark Red")) == hue(Item("9", "Socks", colour="红色")) == 8


def test_a_picture_of_the_shop_is_shown_and_no_script() -> None:
    assert '<img src="https://shop.example/a.jpg"' in picture(Item("1", "a", image="https://shop.example/a.jpg"))
    assert "javascript" not in picture(Item("1", "a", image="javascript:alert(1)"))
    assert '"onerror' not in picture(Item("1", "a", image='/a.jpg"onerror=x'))


class Visitor:
    """Somebody who reads English and pays in dollars."""

    def say(self, key: str, **facts: object) -> str:
        return say(key, "en", **facts)

    def money(self, amount: float) -> str:
        return f"${amount:.2f}"


def test_a_card_holds_its_item_and_no_markup_of_strangers() -> None:
    evil = '<img src=x onerror=alert(1)>"&'
    item = Item("a&b", evil, category=f"Food/{evil}", brand=evil, price=2.5)
    shown = card(cast(Any, Visitor()), 3, Result(1, "a&b", evil, 1.0, ()), item, "i-1")
    assert shown.count("<img") == 0
    assert 'onerror=alert(1)>"' not in shown
    assert shown.count('href="/item?id=a%26b&amp;from=i-1"') == 2
    assert re.findall(r'data-act="(\w+)" data-place="(\d+)"', shown) == [("why", "3"), ("add", "3")]
    assert '<span class="item-price">$2.50</span>' in shown
    assert shown.count("<li>") == shown.count("</li>") == 1


def test_a_value_of_a_facet_is_a_link_that_takes_it_in_or_out() -> None:
    search = Search("tea", {"brand": ("A&B",)})
    held = entry(cast(Any, Visitor()), search, "brand", "A&B", 1200)
    assert ('href="/search?q=tea"' in held, 'aria-current="true"' in held) == (True, True)
    assert "A&amp;B" in held
    assert "1,200" in held
    other = entry(cast(Any, Visitor()), search, "brand", "<b>", 1)
    assert ('href="/search?q=tea&amp;brand=A%26B&amp;brand=%3Cb%3E"' in other, "aria-current" in other) == (True, False)
    assert "<b>" not in other


@pytest.mark.parametrize(
    ("value", "told"), [("2..5", "$2.00 – $5.00"), ("..3", "up to $3.00"), ("4.5..", "from $4.50"), ("a..b", "a..b")]
)
def test_a_range_of_prices_in_words(value: str, told: str) -> None:
    assert value_name(cast(Any, Visitor()), "price", value) == told


def tag(facet: str, value: str, weight: float, lift: float) -> Tag:
    return Tag(facet, value, weight, lift, 0.9, 3, AT, AT, 1.0, "observed", (), "v", AT)


def test_the_tags_that_tell_most_stand_by_weight() -> None:
    tags = (
        tag("category", "Food", 0.8, 1.0), tag("category", "Food/Tea", 0.2, 5.0), tag("brand", "A", 0.3, 1.1),
        tag("price_band", "1", 0.5, 0.9),
    )  # fmt: skip
    assert [one.value for one in strongest(tags)] == ["A", "Food/Tea"]
    assert [one.value for one in strongest(tags[3:])] == ["1"]
