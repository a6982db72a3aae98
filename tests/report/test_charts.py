"""Charts as text, by hand."""

import xml.etree.ElementTree as ET

import pytest

from mien.report.charts import bar_table, by_period, columns, shares


def _parsed(html: str) -> ET.Element:
    return ET.fromstring(f"<div>{html}</div>")


def test_bars_are_rows_of_a_table_largest_first() -> None:
    table = _parsed(bar_table("Reasons", ("Reason", "Events"), {"b": 5, "a": 10, "c<&": 10}))
    assert [row.findtext("th") for row in table.iterfind(".//tbody/tr")] == ["a", "c<&", "b"]
    assert [bar.get("style") for bar in table.iterfind(".//i")] == ["width:100.00%", "width:100.00%", "width:50.00%"]
    assert table.findtext(".//caption") == "Reasons"


def test_columns_are_as_tall_as_their_counts_and_have_a_table() -> None:
    figure = _parsed(columns("Per day", ("Day", "Events"), [("a", 0), ("b", 20), ("c", 10)], "The numbers"))
    assert [rect.get("height") for rect in figure.iterfind(".//rect")] == ["0.0", "166.0", "83.0"]
    assert [text.text for text in figure.iterfind(".//svg/text")] == ["0", "10", "20", "a", "b", "c"]
    assert [cell.text for cell in figure.iterfind(".//tbody/tr/td")] == ["0", "20", "10"]
    assert figure.find(".//svg").get("aria-label") == "Per day"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("most", "top"), [(0, "2"), (3, "4"), (10, "10"), (11, "20"), (61_000, "80k"), (2_000_001, "4M")]
)
def test_the_axis_ends_at_a_round_number(most: int, top: str) -> None:
    figure = _parsed(columns("c", ("a", "b"), [("x", most)], "t"))
    assert [text.text for text in figure.iterfind(".//svg/text")][2] == top


def test_parts_of_nothing_are_left_out() -> None:
    strip = _parsed(shares("Where", [("kept", "good", 999), ("dropped", "bad", 0), ("changed", "warm", 1)]))
    assert ["".join(part.itertext()) for part in strip.iterfind(".//li")] == ["kept 999 99.9 %", "changed 1 0.1 %"]
    assert shares("Where", [("kept", "good", 0)]) == ""
    assert columns("c", ("a", "b"), [], "t") == ""
    assert bar_table("c", ("a", "b"), {}) == ""


def test_a_gap_in_the_days_is_shown() -> None:
    assert by_period({"2017-12-04": 3, "2017-12-06": 1}) == (
        "day",
        [("2017-12-04", 3), ("2017-12-05", 0), ("2017-12-06", 1)],
    )


def test_long_spans_are_drawn_by_week_and_month() -> None:
    unit, weeks = by_period({"2017-01-01": 1, "2017-12-31": 2})
    assert (unit, weeks[0], weeks[-1], len(weeks)) == ("week", ("2016-12-26", 1), ("2017-12-25", 2), 53)
    unit, months = by_period({"2010-01-31": 1, "2017-12-31": 2})
    assert (unit, months[0], months[-1], len(months)) == ("month", ("2010-01", 1), ("2017-12", 2), 96)
    assert by_period({}) == ("day", [])
