"""What goes wrong on a page is told in the language of the page."""

import html
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

SENTENCE = re.compile(r"\b[A-Z][a-z]+(?: [a-z“”]+){2,}[.:]")
"""An English sentence: a capital, three words or more, an end."""
FRAMEWORK = {"Please use a modern browser."}
"""What NiceGUI says where a browser is too old for it."""


@pytest.fixture(scope="module")
def site(served, toy_folder: Path) -> Iterator[str]:  # type: ignore[no-untyped-def]
    with served(toy_folder) as server:
        yield server.url


def shown(url: str, language: str) -> str:
    """What the first answer of a page holds, its escapes undone."""
    asked = urllib.request.Request(url, headers={"Accept-Language": language, "Accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        text = answer.read().decode()
    text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text))
    return html.unescape(text)


MISTAKES = {
    "/console/user?id=nobody": ("用户“nobody”不存在。", "Unknown user “nobody”."),
    "/console/user?id=1&at=yesterday": ("“yesterday”不是时间。", "“yesterday” is not a time."),
    "/console/segment?name=none": ("人群“none”不存在。", "Unknown segment “none”."),
    "/console/users?q=" + quote("purchase.30d >="): (
        "规则到这里就结束了，还缺值。",
        "The rule ends where a value should stand.",
    ),
}


@pytest.mark.parametrize("address", MISTAKES)
def test_a_mistake_is_told_in_the_language_of_the_page(site: str, address: str) -> None:
    chinese, english = MISTAKES[address]
    assert chinese in shown(site + address, "zh-CN")
    assert english in shown(site + address, "en")
    assert set(SENTENCE.findall(shown(site + address, "zh-CN"))) <= FRAMEWORK
