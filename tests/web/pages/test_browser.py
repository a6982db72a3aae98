"""Storefront and console as somebody meets them: a real browser, a real server, the demo's data."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from mien.shop import open_shop

pytestmark = pytest.mark.service

Opened = Callable[..., Any]
Serving = Callable[..., Any]
Server = Any
HOUSEHOLD = "1004"


def api(server: Server, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the API answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def status(server: Server, path: str) -> int:
    """The status that the API answers with."""
    try:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def shopper(page: Any) -> str:
    """Who shops, as the browser remembers."""
    return next(one["value"] for one in page.context.cookies() if one["name"] == "mien_shopper")


def titles(page: Any) -> list[str]:
    """The items on the page, in their order."""
    page.wait_for_selector(".results .item")
    found: list[str] = page.locator(".results .item-title").all_inner_texts()
    return found


def number(text: str) -> float:
    """A figure as pages write it."""
    return float(text.replace("−", "-").replace(",", ""))


def lightness(page: Any, selector: str, style: str) -> float:
    """How light a colour of an element is, 0 black … 1 white: the mean of its channels."""
    colour = page.locator(selector).first.evaluate("(one, style) => getComputedStyle(one)[style]", style)
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (red + green + blue) / 765


# ── the storefront ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_newcomer_shops_and_a_profile_appears(demo: Server, opened: Opened) -> None:
    page = opened(demo.url)
    page.wait_for_selector(".item")
    assert "Nothing is known of you yet" in page.inner_text(".panel")
    page.fill("#q", "chocolate milk")
    page.press("#q", "Enter")
    titles(page)
    page.wait_for_selector(".panel-deeds >> text=chocolate milk")
    page.click(".results .item-title >> nth=0")
    page.wait_for_selector(".about")
    page.wait_for_selector(".panel-tags")
    assert "Milk" in page.inner_text(".panel-tags")
    page.click(".about >> text=Add to cart")
    page.wait_for_selector(".badge >> text=1")
    page.click(".cart-link")
    page.wait_for_selector(".cart-line")
    page.click(".cart-total >> text=Buy")
    page.wait_for_selector("text=Bought. Thank you!")
    page.wait_for_selector(".panel-deeds >> text=purchase")
    guest = shopper(page)
    assert re.fullmatch(r"guest-[0-9a-f]{32}", guest)
    counts = api(demo, f"/v1/profiles/{guest}")["activity"]["counts"]
    assert {action: n["all"] for action, n in counts.items()} == {"search": 1, "view": 1, "cart": 1, "purchase": 1}
    events = api(demo, f"/v1/profiles/{guest}/export")["events"]
    assert next(event for event in events if event["action"] == "view")["impression_id"]
    asked = {one["query"]: one for one in api(demo, "/v1/quality/searches")["queries"]}
    assert asked["chocolate milk"]["click_rate"] > 0


def test_a_cart_outlives_the_page(demo: Server, opened: Opened) -> None:
    page = opened(f"{demo.url}/search?q=bread")
    first, second = page.locator(".results .item").nth(0), page.locator(".results .item").nth(1)
    held = [
        (one.locator(".item-title").inner_text(), one.locator(".item-price").inner_text()) for one in (first, second)
    ]
    for pieces, one in enumerate((first, second, second), start=1):
        one.locator(".item-acts .icon-only").click()
        page.wait_for_selector(f".badge:text-is('{pieces}')")
    page.wait_for_selector(".panel-deeds >> text=add to cart")
    page.reload()
    page.wait_for_selector(".badge:text-is('3')")
    page.goto(f"{demo.url}/cart")
    page.wait_for_selector(".cart-line >> nth=1")
    lines = page.locator(".cart-line")
    shown = {line.locator(".item-title").get_attribute("href"): line for line in lines.all()}
    assert len(shown) == 2
    assert [line.locator(".item-title").inner_text() for line in lines.all()] == [title for title, _ in held]
    assert lines.locator(".cart-pieces .n").all_inner_texts() == ["1", "2"]
    prices = [number(price.strip("$")) for _, price in held]
    whole = prices[0] + 2 * prices[1]
    assert number(page.inner_text(".cart-total strong").strip("$")) == pytest.approx(whole)
    lines.nth(1).locator(".cart-pieces button").nth(0).click()
    page.wait_for_selector(".badge:text-is('2')")
    page.wait_for_function("[...document.querySelectorAll('.cart-pieces .n')].every((one) => one.textContent === '1')")
    assert number(page.inner_text(".cart-total strong").strip("$")) == pytest.approx(sum(prices))
    for left in (1, 0):
        page.click(".cart-pieces button >> nth=0")
        page.wait_for_selector(f".badge:text-is('{left}')" if left else "text=The cart is empty")
    counts = api(demo, f"/v1/profiles/{shopper(page)}")["activity"]["counts"]
    assert {action: n["all"] for action, n in counts.items() if "cart" in action} == {"cart": 3, "uncart": 3}


def test_why_adds_up_to_the_score(demo: Server, opened: Opened) -> None:
    page = opened(f"{demo.url}/search?q=milk", shopper=HOUSEHOLD)
    first = titles(page)[0]
    page.click(".results .item >> nth=0 >> text=Why?")
    page.wait_for_selector(".sums")
    figures = [number(text) for text in page.locator(".sum-value").all_inner_texts()]
    assert len(figures) > 3
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.0006 * len(figures))
    told = api(demo, "/v1/search", {"query": "milk", "user_id": HOUSEHOLD, "k": 1})["results"][0]
    assert (told["title"], round(told["score"], 2)) == (first, round(figures[-1], 2))
    page.wait_for_selector(".evidence li")
    assert "purchase" in page.inner_text(".evidence")


def test_without_personalisation_is_what_anybody_sees(demo: Server, opened: Opened) -> None:
    anybody = opened(f"{demo.url}/search?q=milk")
    anonymous = titles(anybody)
    page = opened(f"{demo.url}/search?q=milk", shopper=HOUSEHOLD)
    assert titles(page) != anonymous
    page.click("text=Without personalisation")
    page.wait_for_selector("text=ranked as for anybody")
    assert titles(page) == anonymous
    page.reload()
    page.wait_for_selector("text=ranked as for anybody")
    assert titles(page) == anonymous


def test_a_search_is_completed_corrected_understood_and_filtered(demo: Server, opened: Opened) -> None:
    page = opened(demo.url)
    page.wait_for_selector(".item")
    page.type("#q", "choco", delay=20)
    page.wait_for_selector(".offer >> nth=0 >> text=/^Choco/")
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#q", "aria-activedescendant") == "offer-0"
    offered = page.inner_text(".offer[aria-selected=true] span >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"h1 >> text={offered}")
    page.goto(f"{demo.url}/search?q=mlik")
    page.wait_for_selector(".meant >> text=milk")
    page.goto(f"{demo.url}/search?q={quote('milk under 3')}")
    page.wait_for_selector(".chosen .chip.accent")
    before = page.inner_text(".page-head .note")
    page.click(".chosen .chip.accent button")
    page.wait_for_selector(".chosen", state="detached")
    assert page.inner_text(".page-head .note") != before
    page.click(".facet-value >> nth=0")
    page.wait_for_selector(".chosen .chip")
    assert "category=" in page.url
    page.select_option(".choice select", "price_up")
    page.wait_for_url("**sort=price_up**")
    page.wait_for_selector(".results .item-price")
    prices = [number(text.strip("$")) for text in page.locator(".results .item-price").all_inner_texts() if "$" in text]
    assert prices == sorted(prices)


def test_both_languages(demo: Server, opened: Opened) -> None:
    page = opened(demo.url, locale="zh-CN")
    page.wait_for_selector("text=为您推荐")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.click("text=English")
    page.wait_for_selector("text=For you")
    assert page.get_attribute("html", "lang") == "en-US"
    page.goto(f"{demo.url}/console/users")
    page.wait_for_selector("h1 >> text=Users")
    page.click("text=中文")
    page.wait_for_selector("h1 >> text=用户")


def test_light_and_dark(demo: Server, opened: Opened) -> None:
    page = opened(demo.url, dark=True)
    page.wait_for_selector("body.body--dark .item")
    assert lightness(page, "body", "background-color") < 0.1
    assert lightness(page, ".item-title", "color") > 0.8
    assert page.locator(".to-light").is_visible()
    assert not page.locator(".to-dark").is_visible()
    page.click(".to-light")
    page.wait_for_selector("body.body--light .item")
    page.reload()
    page.wait_for_selector("body.body--light .item")
    assert lightness(page, "body", "background-color") > 0.9
    assert lightness(page, ".item-title", "color") < 0.2
    page.goto(f"{demo.url}/console")
    page.wait_for_selector("body.body--light .card")
    assert lightness(page, ".card", "background-color") > 0.9


# ── the console ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_now_and_as_of_a_day(demo: Server, opened: Opened) -> None:
    page = opened(f"{demo.url}/console/users?q={HOUSEHOLD}")
    page.click(f"th >> text={HOUSEHOLD}")
    page.wait_for_selector(".likings .liking")
    profile = api(demo, f"/v1/profiles/{HOUSEHOLD}")
    assert page.inner_text(".stats .stat-value >> nth=0") == f"{profile['events']:,}"
    page.click(".liking-name >> nth=0")
    page.wait_for_selector(".sheet .evidence li")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sheet", state="hidden")
    page.locator(".slider").evaluate("one => { one.value = 60; one.dispatchEvent(new Event('change')); }")
    page.wait_for_selector("text=Back to now")
    day = re.search(r"at=([\d-]+)", page.url)
    assert day is not None
    then = api(demo, f"/v1/profiles/{HOUSEHOLD}?as_of={day[1]}T23:59:59Z")
    assert page.inner_text(".stats .stat-value >> nth=0") == f"{then['events']:,}"
    assert then["events"] < profile["events"]


def test_people_are_found_by_a_rule(demo: Server, opened: Opened) -> None:
    page = opened(f"{demo.url}/console/users?q={quote('spend > 9000 and lifecycle = active')}")
    page.wait_for_selector(".table.lines tbody tr")
    total = int(page.inner_text(".page-head .note").split()[0].replace(",", ""))
    assert 0 < total < 500
    page.goto(f"{demo.url}/console/users?q={quote('spent > 9000')}")
    page.wait_for_selector("text=Nearest: spend")


def test_who_is_erased_is_found_nowhere(demo: Server, opened: Opened) -> None:
    gone = "101"
    page = opened(f"{demo.url}/console/user?id={gone}")
    page.click(".page-head >> text=Erase")
    erase = page.locator(".sheet .button.danger")
    assert erase.is_disabled()
    page.fill(".sheet input", gone)
    erase.click()
    page.wait_for_selector("text=Forgotten")
    assert status(demo, f"/v1/profiles/{gone}") == 404
    page.goto(f"{demo.url}/console/user?id={gone}")
    page.wait_for_selector("text=Unknown user")
    page.goto(f"{demo.url}/console/users?q={gone}")
    page.wait_for_selector("h1")
    page.wait_for_selector(".page-head .note")
    assert gone not in page.locator("th a").all_inner_texts()


# ── everywhere ───────────────────────────────────────────────────────────────────────────────────────────────────

ADDRESSES = (
    "/", "/search?q=milk", "/search?q=zzzzqqqq&brand=x", "/item?id=995242", "/item?id=nothing", "/cart", "/console",
    "/console/users", f"/console/user?id={HOUSEHOLD}", "/console/user?id=nobody", "/console/nothing-here",
    "/console/tags", "/console/segments",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_phone_never_scrolls_sideways(demo: Server, opened: Opened, address: str) -> None:
    page = opened(demo.url + address, width=360, height=740)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def settled(page: Any) -> None:
    """Wait until the page's own content stands."""
    page.wait_for_selector("#main")
    page.wait_for_function("!document.querySelector('.stage-waiting:only-child')")
    page.wait_for_timeout(300)


def test_on_a_phone_the_panel_is_a_sheet(demo: Server, opened: Opened) -> None:
    page = opened(demo.url, width=360, height=740, shopper=HOUSEHOLD)
    page.wait_for_selector(".item")
    assert not page.is_visible(".panel h2")
    page.click(".panel-open")
    page.wait_for_selector(".panel .panel-tags")
    assert page.is_visible(".panel h2")
    assert not page.locator(".panel-open").is_visible()
    page.click(".panel-close")
    page.wait_for_selector(".panel h2", state="hidden")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("address", [one for one in ADDRESSES if "nothing" not in one and "nobody" not in one])
def test_no_serious_fault_of_accessibility(demo: Server, opened: Opened, address: str, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(demo.url + address, dark=dark, shopper=HOUSEHOLD)
    settled(page)
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in serious]


def test_a_page_outlives_the_server(demo: Server, opened: Opened) -> None:
    """The server goes and comes back under an open page: the page says so, comes back by itself and works."""
    page = opened(f"{demo.url}/search?q=bread")
    before = titles(page)
    demo.stop()
    page.wait_for_selector("#popup[aria-hidden=false]", state="attached")
    demo.start()
    page.wait_for_selector("#popup[aria-hidden=true]", state="attached", timeout=60_000)
    assert titles(page) == before
    page.click(".results .item-title >> nth=0")
    page.wait_for_selector(".about")


def test_only_a_key_opens_the_console(served: Serving, toy_folder: Any, opened: Opened) -> None:
    with open_shop(toy_folder) as shop:
        admin, read, write = (shop.keys.add(scope, scope, 1)[0] for scope in ("admin", "read", "write"))
        user = shop.people.find().people[0].user_id
    with served(toy_folder) as server:
        page = opened(f"{server.url}/console/users?q=a")
        for wrong in ("mien_a_00000000_" + "0" * 48, write):
            page.fill("input[name=key]", wrong)
            page.click("button[type=submit]")
            page.wait_for_selector("text=This key opens nothing here")
        page.fill("input[name=key]", read)
        page.click("button[type=submit]")
        page.wait_for_selector("h1 >> text=Users")
        assert page.url.endswith("/console/users?q=a")
        page.goto(f"{server.url}/console/user?id={quote(user)}")
        page.wait_for_selector(".page-head h1")
        assert page.locator("text=Erase").count() == page.locator("text=Export").count() == 0
        page.click("text=Sign out")
        page.wait_for_selector("h1 >> text=Sign in")
        page.fill("input[name=key]", admin)
        page.click("button[type=submit]")
        page.wait_for_selector("text=which may change everything")
        cookie = next(one for one in page.context.cookies() if one["name"] == "mien_session")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.goto(f"{server.url}/console/user?id={quote(user)}")
        page.wait_for_selector("text=Erase")
        stranger = opened(f"{server.url}/", shopper=user)
        stranger.wait_for_selector(".panel")
        assert "Nothing is known of you yet" in stranger.inner_text(".panel")
        with open_shop(toy_folder) as shop:
            for key in shop.keys.list():
                shop.keys.revoke(key.key_id, 2)
        page.wait_for_timeout(1500)
        page.goto(f"{server.url}/console")
        page.wait_for_selector("h1 >> text=Sign in")
