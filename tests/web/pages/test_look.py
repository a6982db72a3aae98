"""What pages are drawn from: the table of phrases, and bars that add up."""

import re
from string import Formatter

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

from mien.core.query import Reason
from mien.web.look.bars import Bar, Span, ranking, signed, spans, strip, summands
from mien.web.look.charts import FAMILY
from mien.web.look.frame import FOLDER
from mien.web.look.upset import upset
from mien.web.look.words import SHARED, TEXT, say
from mien.web.look.words_console import CONSOLE
from mien.web.look.words_desk import DESK
from mien.web.look.words_store import STORE


def test_every_phrase_is_there_in_both_languages_with_the_same_facts() -> None:
    for key, (english, chinese) in TEXT.items():
        assert english.strip(), key
        assert chinese.strip(), key
        facts = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, chinese)]
        assert facts[0] == facts[1], key


def test_no_phrase_is_said_twice() -> None:
    assert len(TEXT) == len(SHARED) + len(STORE) + len(CONSOLE) + len(DESK)


def test_a_phrase_has_its_facts() -> None:
    assert say("page_of", "en", first=1, last=25, total=60) == "1–25 of 60"
    assert say("page_of", "zh", first=1, last=25, total=60) == "第 1–25 项，共 60 项"


def test_summands_end_at_the_score() -> None:
    """Each bar begins where the one before it ended; the last one ends where the total does."""
    reasons = [Reason("base", "b", 0.5), Reason("repeat", "bought", 2.0), Reason("price", "dear", -1.0)]
    drawn = summands("Why", reasons, 1.5, ("Base", "Score"))
    places = [tuple(map(float, one)) for one in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", drawn)]
    assert places == [(0.0, 20.0), (20.0, 80.0), (60.0, 40.0), (0.0, 60.0)]
    assert re.findall(r'sum-value">([^<]+)', drawn) == ["+0.500", "+2.000", "−1.000", "1.500"]
    assert 'class="down"' in drawn


def test_a_score_below_nothing_has_its_place() -> None:
    drawn = summands("Why", [Reason("base", "b", 1.0), Reason("rule", "lower", -3.0)], -2.0, ("Base", "Score"))
    places = [tuple(map(float, one)) for one in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", drawn)]
    assert places == [(66.67, 33.33), (0.0, 100.0), (0.0, 66.67)]


def test_names_of_strangers_are_no_markup() -> None:
    evil = '<img src=x onerror=alert(1)>"'
    for drawn in (
        ranking(evil, [Bar(evil, 1.0, evil, evil)]),
        summands(evil, [Reason("tag", evil, 1.0)], 1.0, (evil, evil)),
    ):
        assert "<img" not in drawn
        assert 'alert(1)>"' not in drawn


def test_bars_are_relative_to_the_longest() -> None:
    drawn = ranking("Tags", [Bar("a", 0.4, "40%"), Bar("b", 0.1, "10%"), Bar("c", 0.0, "0%")])
    assert re.findall(r"width:([\d.]+)%", drawn) == ["100.00", "25.00", "0.00"]


@pytest.mark.parametrize(("value", "text"), [(0.25, "+0.250"), (-0.0314, "−0.031"), (0.0, "0.000"), (0.0001, "0.000")])
def test_signs(value: float, text: str) -> None:
    assert signed(value) == text


def test_the_parts_of_a_strip_are_counted() -> None:
    drawn = strip("Rows", [("kept", "good", 3), ("gone", "bad", 0), ("<b>", "warm", 1)])
    assert re.findall(r"flex-grow:(\d+)", drawn) == ["3", "1"]
    assert "75.0%" in drawn
    assert "&lt;b&gt;" in drawn
    assert "gone" not in drawn


def test_whiskers_stand_where_the_interval_is() -> None:
    """The longest interval ends at 0.8, which is the whole width."""
    drawn = spans("Models", [Span("a", 0.4, 0.2, 0.8, "0.4"), Span("b", 0.2, 0.2, 0.2, "0.2")])
    assert re.findall(r"style=\"width:([\d.]+)%", drawn) == ["50.00", "25.00"]
    assert re.findall(r"left:([\d.]+)%;width:([\d.]+)%", drawn) == [("25.00", "75.00"), ("25.00", "0.00")]


def test_an_upset_has_a_column_for_each_intersection() -> None:
    drawn = upset("Overlap", {"a": 3, "b<": 5}, [(("b<",), 4), (("a",), 2), (("a", "b<"), 1)])
    assert len(re.findall("upset-bar", drawn)) == 3
    assert len(re.findall('"upset-on"', drawn)) == 4
    assert len(re.findall('"upset-off"', drawn)) == 2
    assert len(re.findall("upset-link", drawn)) == 1
    heights = [float(one) for one in re.findall(r'height="([\d.]+)"/>', drawn)]
    assert heights == [150.0, 75.0, 37.5]
    assert "b<" not in drawn


def test_style_sheets_do_not_meet() -> None:
    """A class belongs to one sheet, so that no page is changed by what was written for another one."""
    sheets = sorted(FOLDER.glob("*.css"))
    assert len(sheets) > 1
    owners: dict[str, set[str]] = {}
    for sheet in sheets:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}]+)\{", text):
            for selector in selectors.split(","):
                if found := re.match(r"\s*\.([a-z][\w-]*)\s*$", selector):
                    owners.setdefault(found[1], set()).add(sheet.name)
    assert not {name for name, held in owners.items() if len(held) > 1}


def test_charts_are_measured_in_the_fonts_of_the_page() -> None:
    """A canvas has no parent to inherit from: what a chart measures with must name what the style sheet names."""
    style = re.sub(r"\s+", " ", (FOLDER / "look.css").read_text(encoding="utf-8"))
    assert f"{FAMILY};" in style
