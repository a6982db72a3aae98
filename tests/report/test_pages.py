"""The page of the quality report: self-contained, well formed, everything escaped, in two languages."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mien.core.errors import MienError
from mien.prepare.refunds import RefundCounts
from mien.prepare.report import Arrivals, JudgedCounts, QualityReport
from mien.report.pages import quality_page
from mien.report.wording import TEXT, Language

JUDGED = JudgedCounts(
    events=90,
    kept=80,
    untouched=70,
    changed=10,
    flagged=5,
    dropped={"zero_quantity": 7, "negative_value": 3},
    repairs={"quantity_bounded": 9, "value_bounded": 4},
    flags={"bot": 5},
    days={"2017-12-04": 30, "2017-12-06": 50},
    hours=(80,) + (0,) * 23,
    actions={"purchase": 60, "refund": 20},
)
ARRIVALS = Arrivals(120, 100, {"missing_user": 17, "<script>alert(1)</script>": 3}, 92, 6, 1, 1)
REPORT = QualityReport(JUDGED, ARRIVALS, {"erased_since": 2}, RefundCounts(15, 5), repeats=4)


class Tags(HTMLParser):
    """Whether every element is closed in order, and what the page would load."""

    VOID = ("meta", "link", "img", "br", "rect_", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.loads += [f"{name}={value}" for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content, such as a line of a drawing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_stands_alone(language: Language) -> None:
    html = quality_page(REPORT, title='A "shop" <b>', language=language)
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    assert tags.loads == []
    assert tags.scripts == 0
    assert "url(" not in html
    assert "@import" not in html
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "A &quot;shop&quot; &lt;b&gt;" in html
    assert "prefers-color-scheme:dark" in html
    assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in html


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["quantity bounded", "quantity zero", "bot-like user", "15 of 20"]),
        ("zh", ["数量截断", "数量为零", "疑似机器人", "购买"]),
    ],
)
def test_it_says_what_became_of_the_rows(language: Language, words: list[str]) -> None:
    text = re.sub(r"<[^>]+>", " ", quality_page(REPORT, language=language))
    for word in [*words, "120", "80", "70", "10", "20"]:
        assert word in text
    assert "{" not in text.split("</style>")[-1].split("@media print")[-1].split("}}")[-1]


def test_counts_that_do_not_add_up_are_never_shown() -> None:
    with pytest.raises(MienError, match="does not add up"):
        quality_page(replace(REPORT, judged=replace(JUDGED, kept=81)))


def test_a_report_of_nothing_is_a_page_too() -> None:
    html = quality_page(QualityReport(JudgedCounts(0, 0, 0, 0, 0)))
    assert "Quality of the events" in html
    assert "<svg" not in html


def test_every_text_exists_in_both_languages() -> None:
    assert all(english and chinese and (english != chinese or english == "/") for english, chinese in TEXT.values())
