"""Pictures of every page in both languages: `make screenshots`, or python -m benchmarks.screenshots WORKSPACE OUT.

WebP, made by the browser itself, so that nothing else is needed.
"""

import argparse
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.browser import HOUSEHOLD, chromium, served

LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
TO_WEBP = """
async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality: 0.82 })).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown. `ready`: what shows that its content stands; `click`: what is pressed before, in turn."""

    name: str
    address: str
    ready: str
    width: int = 1440
    height: int = 900
    dark: bool = False
    click: tuple[str, ...] = ()


PICTURES = (
    Picture("store", "/", ".panel-tags"),
    Picture("store-search", "/search?q=milk", ".panel-tags"),
    Picture("store-why", "/search?q=milk", ".panel-tags", click=(".item-acts .quiet",)),
    Picture("store-item", "/item?id=995242", ".panel-tags"),
    Picture("store-phone", "/search?q=milk", ".results .item", 390, 844, dark=True),
    Picture("overview", "/console", ".card"),
    Picture("users", "/console/users", ".table tbody tr"),
    Picture("user", f"/console/user?id={HOUSEHOLD}", ".alike li", height=1500),
    Picture("user-dark", f"/console/user?id={HOUSEHOLD}", ".alike li", dark=True),
    Picture("tags", "/console/tags", ".card"),
    Picture("segments", "/console/segments", ".card, .state"),
)


def take(browser: Any, url: str, one: Picture, locale: str) -> bytes:
    """A picture as PNG."""
    context = browser.new_context(
        viewport={"width": one.width, "height": one.height}, locale=locale,
        color_scheme="dark" if one.dark else "light", reduced_motion="reduce",
    )  # fmt: skip
    context.add_cookies([{"name": "mien_shopper", "value": HOUSEHOLD, "url": url}])
    page = context.new_page()
    page.goto(url + one.address)
    page.wait_for_selector(one.ready)
    page.wait_for_timeout(1200)
    for selector in one.click:
        page.click(f"{selector} >> nth=0")
        page.wait_for_timeout(1500)
    png: bytes = page.screenshot()
    context.close()
    return png


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with served(given.workspace) as server, chromium() as browser:
        dark_room = browser.new_page()
        for language, locale in LANGUAGES.items():
            for one in PICTURES:
                png = base64.b64encode(take(browser, server.url, one, locale)).decode()
                path = given.out / f"{one.name}.{language}.webp"
                path.write_bytes(base64.b64decode(dark_room.evaluate(TO_WEBP, png)))
                print(f"{path}  {path.stat().st_size / 1024:.0f} KB", flush=True)


if __name__ == "__main__":
    main()
