"""The console's pages about the whole shop, in a real browser beside the API of the same server."""

import csv
import json
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mien.shop import create, open_shop
from mien.testing.world import World, world

pytestmark = pytest.mark.service

Opened = Callable[..., Any]
Serving = Callable[..., Any]
Server = Any
ADDRESSES = (
    "/console", "/console?days=7", "/console/tags", "/console/tags?facet=price_band&level=0", "/console/segments",
    "/console/segment?name=tea", "/console/segment?name=nobody", "/console/segments/new",
    "/console/segments/new?name=tea",
    "/console/quality", "/console/quality?q=tea", "/console/system",
)  # fmt: skip


def api(server: Server, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the API answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def made(folder: Path) -> Path:
    """The toy shop, its history moved to end now, evaluated once, with two segments and a search that was clicked."""
    toy: World = world()
    with create(folder) as shop:
        shop.ingest(events=toy.event_table, items=toy.items, shift_to=datetime.now(UTC))
        shop.build()
        shop.evaluate(models=("popular", "repeat"))
        shop.segments.save("tea", "category = Drinks/Tea [lift >= 1.1]", "first")
        shop.segments.save("tea", "category = Drinks/Tea and orders >= 1", "second")
        shop.segments.save("nobody", "spend > 1000000")
        shop.segments.save("coffee", "category = Drinks/Coffee")
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, served: Serving) -> Iterator[Server]:
    with served(made(tmp_path_factory.mktemp("desk") / "shop")) as server:
        yield server


def figure(page: Any, label: str) -> str:
    """The value under a label of the figures on top."""
    text: str = page.locator(f".stat:has(.stat-label:text-is('{label}')) .stat-value").inner_text()
    return text.replace(",", "")


def settled(page: Any) -> None:
    page.wait_for_selector(".page-head h1")
    page.wait_for_function("!document.querySelector('.waiting:not(.stage-waiting)')")
    page.wait_for_timeout(300)


def fields(page: Any) -> list[str]:
    """What each line of the rule is about."""
    return [one.input_value() for one in page.locator(".rule-line [aria-label='What is tested']").all()]


def test_the_overview_says_what_the_api_says(shop: Server, opened: Opened) -> None:
    page = opened(f"{shop.url}/console?days=28")
    settled(page)
    told = api(shop, "/v1/overview?days=28")
    assert figure(page, "Users") == str(told["users"])
    assert figure(page, "Events in 28 days") == str(told["pulse"]["events"]) != "0"
    assert figure(page, "Active in 28 days") == str(told["active"]["28"])
    steps = [
        int(one) for one in page.locator(".card:has(h2:text-is('From view to purchase')) .bar-value").all_inner_texts()
    ]
    assert steps == list(told["pulse"]["funnel"].values())
    page.click("text=The numbers >> nth=0")
    rows = page.locator("table:has(caption:text-is('Events by action, events a day')) tbody tr")
    heads = page.locator("table:has(caption:text-is('Events by action, events a day')) thead th").all_inner_texts()
    shown = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}
    views = [int(shown[day][heads.index("view") - 1]) for day in shown]
    assert sum(views) == sum(told["pulse"]["counts"]["view"])
    api(
        shop,
        "/v1/track",
        {"event": "Product Viewed", "userId": "ann", "messageId": "o1", "properties": {"product_id": "x"}},
    )
    page.click("text=7 days")
    page.wait_for_selector(
        "nav .choices a[aria-current=true]:text-is('7 days'), .choices a[aria-current=true]:text-is('7 days')"
    )
    settled(page)
    assert figure(page, "Events in 7 days") == str(api(shop, "/v1/overview?days=7")["pulse"]["events"])


def test_tags_are_those_of_the_api_a_facet_at_a_time(shop: Server, opened: Opened) -> None:
    page = opened(f"{shop.url}/console/tags")
    settled(page)
    told = {(one["facet"], one["level"]): one for one in api(shop, "/v1/tags")["facets"]}
    page.click("th a >> text=Brand")
    page.wait_for_selector("h2.section-title >> text=Brand")
    settled(page)
    bars = page.locator(".card:has(h2:text-is('What most users have')) .bar-row")
    names = [row.locator(".bar-name").inner_text() for row in bars.all()]
    users = [int(row.locator(".bar-value").inner_text()) for row in bars.all()]
    top = told["brand", 0]["top"]
    assert list(zip(names, users, strict=True)) == [(one["value"], one["users"]) for one in top]
    page.click("th a >> text=Category, level 2")
    page.wait_for_selector("a.chip >> text=tea")


def test_a_segment_is_built_saved_handed_out_and_deleted(shop: Server, opened: Opened, tmp_path: Path) -> None:
    page = opened(f"{shop.url}/console/segments")
    settled(page)
    page.click("text=New segment")
    page.wait_for_selector("text=Finish a line to see whom it fits.")
    page.select_option("[aria-label='What is tested']", label="How often")
    page.wait_for_selector("[aria-label='Window']")
    page.select_option("[aria-label='Action']", label="purchase")
    page.fill("[aria-label='Value']", "2")
    page.press("[aria-label='Value']", "Tab")
    rule = "count.purchase.90d >= 2"
    size = api(shop, "/v1/segments", {"rule": rule})["size"]
    page.wait_for_selector(f"p.big:text-is('{size}')")
    page.wait_for_function(f"document.querySelector('textarea').value === '{rule}'")
    page.click("text=Add a line")
    page.wait_for_selector(".rule-line >> nth=1")
    second = page.locator(".rule-line").nth(1)
    second.locator("[aria-label='What is tested']").select_option(label="category")
    page.wait_for_selector(".rule-bound")
    second.locator("[aria-label='Value']").select_option("Drinks/Tea")
    page.wait_for_function(f"document.querySelector('textarea').value === '{rule} and tag.category = Drinks/Tea'")
    page.locator(".rule-line").nth(1).locator("button.negate").click()
    page.wait_for_selector(".rule-line >> nth=1 >> button.negate[aria-pressed=true]")
    whole = f"{rule} and not tag.category = Drinks/Tea"
    page.wait_for_function(f"document.querySelector('textarea').value === '{whole}'")
    found = api(shop, "/v1/segments", {"rule": whole})
    assert 0 < found["size"] < size
    page.wait_for_selector(f"p.big:text-is('{found['size']}')")
    page.fill(".card:has(h2:text-is('Save')) input >> nth=0", "no tea")
    page.click(".card:has(h2:text-is('Save')) button")
    page.wait_for_selector("h1:text-is('no tea')")
    settled(page)
    assert figure(page, "Size") == str(found["size"])
    with page.expect_download() as download:
        page.click("button:has-text('CSV')")
    download.value.save_as(tmp_path / "members.csv")
    with (tmp_path / "members.csv").open(encoding="utf-8", newline="") as file:
        members = {row["user_id"] for row in csv.DictReader(file)}
    assert members == {one["user_id"] for one in api(shop, "/v1/segments/no%20tea/members")["members"]}
    assert len(members) == found["size"]
    assert api(shop, "/v1/audit?limit=5")["entries"][0]["action"] == "segment.export"
    page.click("button:has-text('Delete')")
    page.click("[role=alertdialog] button:has-text('Delete')")
    page.wait_for_selector("h1:text-is('Segments')")
    assert "no tea" not in [one["name"] for one in api(shop, "/v1/segments")["segments"]]


def test_a_rule_may_be_written_and_mistakes_are_told(shop: Server, opened: Opened) -> None:
    page = opened(f"{shop.url}/console/segments/new")
    settled(page)
    page.fill("textarea", "ordres >= 2")
    page.click("button:has-text('Apply')")
    page.wait_for_selector("[role=alert] >> text=orders")
    assert page.input_value("textarea") == "ordres >= 2", "what was typed stays, to be mended"
    assert page.locator("p.big").count() == 0
    assert fields(page) == [""]
    rule = "orders >= 1 and (lifecycle = active or not lifecycle = new)"
    page.fill("textarea", rule)
    page.click("button:has-text('Apply')")
    page.wait_for_selector(".rule-group .rule-group")
    assert page.locator("[role=alert]").count() == 0
    assert fields(page) == ["orders", "lifecycle", "lifecycle"]
    lines = page.locator(".rule-line")
    assert lines.nth(0).locator("[aria-label=Value]").input_value() == "1"
    assert [lines.nth(k).locator("[aria-label=Value]").input_value() for k in (1, 2)] == ["active", "new"]
    negated = [line.locator("button.negate").get_attribute("aria-pressed") for line in lines.all()]
    assert negated == ["false", "false", "true"]
    inner = page.locator(".rule-group .rule-group")
    assert inner.locator(".choices [aria-pressed=true]").inner_text() == "Any of these"
    assert inner.locator(".rule-line").count() == 2
    told = api(shop, "/v1/segments", {"rule": rule})
    assert 0 < told["size"] <= told["of"]
    page.wait_for_selector(f"p.big:text-is('{told['size']}')")
    assert page.input_value("textarea") == told["text"]


def test_a_rule_built_by_clicks_may_be_applied_as_its_text_says(shop: Server, opened: Opened) -> None:
    page = opened(f"{shop.url}/console/segments/new?name=tea")
    settled(page)
    page.wait_for_function("document.querySelector('textarea').value.includes('orders')")
    before = page.input_value("textarea")
    page.click("button:has-text('Apply')")
    page.wait_for_timeout(500)
    assert page.locator("[role=alert]").count() == 0
    assert page.input_value("textarea") == before
    page.fill("textarea", "orders >= 99999")
    page.click("button:has-text('Apply')")
    page.wait_for_selector("p.big:text-is('0')")
    assert fields(page) == ["orders"]


def test_a_dead_letter_is_mended_and_read_again(shop: Server, opened: Opened) -> None:
    bad = {"event": "Product Viewed", "userId": "zoe", "messageId": "dead-1", "timestamp": "no time",
           "properties": {"product_id": "mug"}}  # fmt: skip
    api(shop, "/v1/batch", {"batch": [{"type": "track", **bad}]})
    page = opened(f"{shop.url}/console/system")
    page.wait_for_selector("tr:has-text('no time')")
    page.click("tr:has-text('no time') >> text=Mend")
    page.wait_for_selector("[role=dialog] textarea")
    told = json.loads(page.input_value("[role=dialog] textarea"))
    page.fill("[role=dialog] textarea", "{not json")
    page.click("[role=dialog] >> text=Save and read again")
    page.wait_for_selector("[role=dialog] >> text=This is not a JSON object")
    page.fill("[role=dialog] textarea", json.dumps({**told, "timestamp": datetime.now(UTC).isoformat()}))
    page.click("[role=dialog] >> text=Save and read again")
    page.wait_for_selector("text=1 read again, 1 could be used.")
    assert page.locator("tr:has-text('no time')").count() == 0
    assert api(shop, "/v1/profiles/zoe")["events"] == 1
    page.click("text=Check the chain")
    page.wait_for_selector("text=The chain is sound")


def test_two_ways_stand_side_by_side(shop: Server, opened: Opened) -> None:
    api(shop, "/v1/search", {"query": "tea", "user_id": "ann"})
    page = opened(f"{shop.url}/console/quality?q=tea")
    page.wait_for_selector(".side li")
    sides = [[one.inner_text() for one in side.locator(".side-title").all()] for side in page.locator(".side").all()]
    plain = api(shop, "/v1/search", {"query": "tea", "personalise": False})["results"]
    assert sides[0] == [one["title"] for one in plain]
    assert sides[1] == sides[0]
    page.wait_for_selector("text=Both ways answer alike.")
    page.fill(".compare input >> nth=1", "恩惠")
    page.click("text=Compare")
    page.wait_for_selector("text=Both ways answer alike.", state="detached")
    own = api(shop, "/v1/search", {"query": "tea", "user_id": "恩惠"})["results"]
    other = page.locator("section.stack.half").nth(1)
    assert other.locator(".side-title").all_inner_texts() == [one["title"] for one in own]
    assert other.locator(".side-score").all_inner_texts() == [f"{one['score']:.2f}" for one in own]
    assert other.locator(".side-move").count() > 0


def test_a_side_may_have_weights_of_its_own(shop: Server, opened: Opened) -> None:
    page = opened(f"{shop.url}/console/quality?q=tea")
    page.wait_for_selector(".side li")
    first, other = page.locator("section.stack.half").nth(0), page.locator("section.stack.half").nth(1)
    before = [side.locator(".side-score").all_inner_texts() for side in (first, other)]
    assert before[0] == before[1]
    first.locator("summary").click()
    first.locator("input[name=popular]").fill("0")
    first.locator("input[name=popular]").press("Tab")
    page.wait_for_function(
        "then => document.querySelectorAll('.side')[0].querySelector('.side-score').textContent !== then",
        arg=before[0][0],
    )
    assert other.locator(".side-score").all_inner_texts() == before[1]
    first.locator("input[name=popular]").fill("99")
    first.locator("input[name=popular]").press("Tab")
    first.locator(".state.failed >> text=weights").wait_for()
    assert other.locator(".side-score").all_inner_texts() == before[1]
    first.locator("input[name=popular]").fill("1")
    first.locator("input[name=popular]").press("Tab")
    first.locator(".side").wait_for()
    assert first.locator(".side-score").all_inner_texts() == before[0]


def test_a_key_is_shown_once_and_shuts_the_door(tmp_path: Path, served: Serving, opened: Opened) -> None:
    folder = made(tmp_path / "keys")
    with served(folder) as server:
        page = opened(f"{server.url}/console/system")
        page.wait_for_selector("text=Make a key")
        page.select_option("form select", "read")
        page.fill("form.compare input", "reader")
        page.click("text=Make a key")
        page.wait_for_selector("text=Make an admin key first")
        page.select_option("form select", "admin")
        page.fill("form.compare input", "boss")
        page.click("text=Make a key")
        key = page.inner_text(".once code")
        assert key.startswith("mien_a_")
        page.goto(f"{server.url}/console/system")
        page.wait_for_selector("h1 >> text=Sign in")
        page.fill("input[name=key]", key)
        page.click("button[type=submit]")
        page.wait_for_selector("th:text-is('boss')")
        assert key not in page.content()
        page.click("tr:has-text('boss') >> text=Revoke")
        page.wait_for_selector("[role=alertdialog] >> text=It is the last admin key")
        with open_shop(folder) as shop:
            reader = shop.keys.add("reader", "read", 1)[0]
        page.goto(f"{server.url}/console")
        page.click("text=Sign out")
        page.fill("input[name=key]", reader)
        page.click("button[type=submit]")
        page.goto(f"{server.url}/console/system")
        page.wait_for_selector("text=shown to an admin key only")
        assert page.locator("text=Make a key").count() == 0
        page.goto(f"{server.url}/console/segment?name=tea")
        settled(page)
        assert page.locator("button:has-text('CSV')").count() == page.locator("button:has-text('Delete')").count() == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_phone_never_scrolls_sideways(shop: Server, opened: Opened, address: str) -> None:
    page = opened(shop.url + address, width=360, height=740, locale="zh-CN")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_serious_fault_of_accessibility(shop: Server, opened: Opened, address: str, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(shop.url + address, dark=dark)
    settled(page)
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in serious]
