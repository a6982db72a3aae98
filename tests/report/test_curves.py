"""The learning curve as a page: every number is there, in both languages, and nothing reaches outside."""

import re

import pytest

from mien.models.behaviour.curve import Curve, Point
from mien.report.curves import curve_page, lines

CURVE = Curve((Point(0, 8.0, 9.0, 0.1, 0.2, 3.0), Point(1, 7.0, 8.5, 0.15, 0.25, 6.0)), 1, 2)


@pytest.mark.parametrize(("language", "words"), [("en", "held-out behaviour"), ("zh", "留出行为")])
def test_every_number_is_on_the_page(language, words) -> None:  # type: ignore[no-untyped-def]
    page = curve_page(CURVE, title="Tea <&> Mugs", language=language)
    assert words in page
    assert CURVE.words(language) in page
    assert "Tea &lt;&amp;&gt; Mugs" in page
    for figure in ("8.0000", "8.5000", "0.1500", "0.2500"):
        assert figure in page
    assert page.count("<polyline") == 3
    assert not re.search(r"https?://(?!www\.w3\.org)|<script", page)


def test_higher_values_stand_higher() -> None:
    drawn = lines("loss", "epoch", [("seen", "plain", [1.0, 3.0, None, 2.0])])
    (points,) = re.findall(r'points="([^"]+)"', drawn)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) == 3
    assert heights[1] < heights[2] < heights[0]  # the higher, the nearer to the top
    assert lines("loss", "epoch", [("seen", "plain", [None])]) == ""


def test_without_held_out_behaviour_there_is_one_line() -> None:
    page = curve_page(Curve((Point(0, 8.0, None, None, None, 3.0),), 0, 1), title="Shop")
    assert page.count("<polyline") == 1
