"""First paint of each page, and how long it answers a hand, measured in the browser by its own clock.

python benchmarks/console.py WORKSPACE [--rounds 5]

A page is opened in a browser without a cache: *paint* is the first content (First Contentful Paint), *drawn* when the
page's own content stands, *server* what the server's cores gave it, from the question to two seconds after. An
interaction is timed from the event to the frame after its effect is on the page. Medians, with the longest in brackets;
the machine's load is told, since a browser and a server share its cores.
"""

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.browser import HOUSEHOLD, Served, chromium, served

PAGES = (
    ("/console/nothing-here", ".state"),
    ("/", ".item"),
    ("/search?q=milk", ".results .item"),
    ("/item?id=995242", ".about"),
    ("/cart", ".state, .cart-line"),
    ("/console", ".card"),
    ("/console/users", ".table tbody tr"),
    (f"/console/user?id={HOUSEHOLD}", ".liking"),
    ("/console/tags", ".card"),
    ("/console/segments", ".card, .state"),
)
"""Address, and what shows that its content stands; the first is the frame without any, to compare with."""
WAIT = """
async ([act, done]) => {
  const seen = () => document.querySelector(done.selector) &&
    (!done.text || document.querySelector(done.selector).textContent.includes(done.text)) &&
    (!done.path || location.href.includes(done.path));
  const begun = performance.now();
  const one = document.querySelector(act.selector);
  if (act.value !== undefined) {
    one.value = act.value;
    one.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (act.submit) one.closest("form").requestSubmit();
  else if (act.value === undefined) one.click();
  while (!seen()) await new Promise((go) => setTimeout(go, 4));
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  return performance.now() - begun;
}
"""
DEEDS = (
    ("type in the box, see what is offered", "/", ".item", {"selector": "#q", "value": "choc"}, {"selector": ".offer"}),
    ("search, see the results", "/", ".item", {"selector": "#q", "value": "milk", "submit": True},
     {"selector": ".results .item"}),
    ("choose a facet", "/search?q=milk", ".results .item", {"selector": ".facet-value"},
     {"selector": ".chosen .chip"}),
    ("open an item", "/search?q=milk", ".results .item", {"selector": ".results .item-title"}, {"selector": ".about"}),
    ("put it into the cart", "/item?id=995242", ".about", {"selector": ".about .button.primary"},
     {"selector": ".badge", "text": "1"}),
    ("ask why", "/search?q=milk", ".results .item", {"selector": ".item-acts .quiet"}, {"selector": ".sums"}),
    ("see the click in the profile", "/item?id=995242", ".about", {"selector": ".about .button.primary"},
     {"selector": ".panel-deeds li:first-child", "text": "add to cart"}),
    ("tags of another facet", f"/console/user?id={HOUSEHOLD}", ".liking",
     {"selector": ".card .segmented button:first-child"},
     {"selector": ".segmented button:first-child[aria-pressed=true]"}),
    ("turn the timeline's page", f"/console/user?id={HOUSEHOLD}", ".liking",
     {"selector": ".card nav .button:last-child"}, {"selector": ".card nav .note", "text": "21–40"}),
    ("find users", "/console/users", ".table tbody tr",
     {"selector": "input[name=q]", "value": "25-34", "submit": True},
     {"selector": ".table tbody tr", "path": "q=25-34"}),
)  # fmt: skip
"""What is done, on which page, what is acted on, and what shows that it was done."""


def opened(browser: Any, url: str, ready: str, shopper: str) -> tuple[Any, float, float]:
    """A page in a browser of its own: the page, first paint and drawn (ms)."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    if shopper:
        context.add_cookies([{"name": "mien_shopper", "value": shopper, "url": url}])
    context.add_init_script(
        f"""(() => {{ const look = () => document.querySelector({ready!r})
        ? requestAnimationFrame(() => {{ window.drawnAt = performance.now(); }}) : setTimeout(look, 4); look(); }})()"""
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("window.drawnAt")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return page, float(paint), float(page.evaluate("window.drawnAt"))


def told(figures: list[float]) -> str:
    return f"{statistics.median(figures):.0f} ({max(figures):.0f})"


def measure(server: Served, browser: Any, rounds: int) -> None:
    url = server.url
    print("| page | paint, ms | drawn, ms | server, ms of CPU |\n|---|---|---|---|")
    for address, ready in PAGES:
        times = []
        for _ in range(rounds + 1):
            before = server.cpu_ms()
            page, paint, drawn = opened(browser, url + address, ready, HOUSEHOLD)
            time.sleep(2.0)
            times.append((paint, drawn, server.cpu_ms() - before))
            page.context.close()
        figures = zip(*times[1:], strict=True)  # the first one opens what the server keeps
        print(f"| `{address}` | {' | '.join(told(list(one)) for one in figures)} |", flush=True)
    print("\n| what is done | ms |\n|---|---|")
    for name, address, ready, act, done in DEEDS:
        times = []
        for _ in range(rounds):
            page, _, _ = opened(browser, url + address, ready, "" if "cart" in name or "profile" in name else HOUSEHOLD)
            page.wait_for_function("window.did_handshake")
            page.wait_for_timeout(400)
            times.append(float(page.evaluate(WAIT, [act, done])))
            page.context.close()
        print(f"| {name} | {told(times)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="a built shop: the demo's, ./demo-shop")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with served(given.workspace) as server, chromium() as browser:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)
        measure(server, browser, given.rounds)
        print(f"\nload {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
