"""What the command line prints, read back as text."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from mien.core.profile import Activity, Behaviour, Profile, Tag, Trait, Value
from mien.core.query import Answer, Reason, Result
from mien.prepare.report import JudgedCounts, QualityReport
from mien.report.terminal import print_answer, print_evaluation, print_profile, print_quality
from mien.report.wording import Language

AT = datetime(2017, 12, 4, tzinfo=UTC)


def _tag(facet: str, value: str, weight: float) -> Tag:
    return Tag(facet, value, weight, 2.5, 0.97, 12, AT, AT, 1.1, "observed", ("e1",), "p-1", AT)


PROFILE = Profile(
    "user [1]",
    "p-20171204",
    AT,
    30,
    traits=(Trait("age", "35-44", "declared"),),
    activity=Activity(AT, AT, "active", {"view": {"all": 20}, "purchase": {"all": 1_000}}, 4, (0,) * 24, (0,) * 7),
    value=Value(3, 120.5, 40.17, 9.0, "5-3-4"),
    behaviour=Behaviour({"view": 0.7, "purchase": 0.3}, {}),
    tags=(_tag("category", "Home/[Mugs]", 0.2), _tag("category", "服装", 0.6), _tag("brand", "Acme", 0.5)),
    summary="Likes [bold] things.",
)
ANSWER = Answer(
    "i1",
    True,
    1.6,
    177,
    (
        Result(
            1,
            "101",
            "Red [dress]",
            0.9,
            (
                Reason("base", "Base", 0.05),
                Reason("text", "matches “red”", 0.5),
                Reason("repeat", "bought before", 0.3),
                Reason("popular", "popular", 0.05),
            ),
        ),
    ),
    notes=("Unknown user [x]",),
)
EVALUATION: dict[str, Any] = {
    "split": {"at": "2017-12-04"},
    "models": [
        {"model": "popular", "ndcg@10": {"mean": 0.086, "low": 0.08, "high": 0.092}, "coverage@10": 0.01, "note": None},
        {"model": "repeat", "ndcg@10": {"mean": 0.226, "low": 0.219, "high": 0.234}, "coverage@10": 0.4},
        {"model": "ease", "coverage@10": 0.2},
    ],
    "profile": [
        {"facet": "category", "auroc": {"mean": 0.8, "low": 0.79, "high": 0.81}, "baseline_auroc": 0.7, "n": 1900}
    ],
}


def _printed(show: Any, *arguments: Any, language: Language = "en") -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    show(console, *arguments, language=language)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_quality_is_five_lines() -> None:
    report = QualityReport(JudgedCounts(10, 9, 9, 0, 0, {"zero_quantity": 1}))
    assert _printed(print_quality, report).splitlines() == report.lines("en")
    assert _printed(print_quality, report, language="zh").splitlines() == report.lines("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_profile_is_shown_with_its_tags_strongest_first(language: Language) -> None:
    text = _printed(print_profile, PROFILE, language=language)
    for part in (
        "user [1]",
        "Likes [bold] things.",
        "age 35-44",
        "1,000",
        "RFM 5-3-4",
        "Home/[Mugs]",
        "60.0%",
        "2.5×",
        "97%",
    ):
        assert part in text
    assert text.index("服装") < text.index("Home/[Mugs]") < text.index("Acme")
    assert ("购买" in text) == (language == "zh")


def test_a_profile_of_nothing_is_a_line() -> None:
    assert _printed(print_profile, Profile("u", "p-1", AT, 0)).split() == ["u", "p-1"]


def test_an_answer_shows_reasons_that_add_up_to_its_score() -> None:
    text = _printed(print_answer, ANSWER, "red dress")
    assert "Red [dress]" in text
    assert "Unknown user [x]" in text
    assert "personalised · 177 found · 2 ms" in text
    flat = " ".join(text.split())
    for part in ("matches “red” +0.500", "bought before +0.300", "others +0.050"):
        assert part in flat
    assert "非个性化" in _printed(print_answer, Answer("i", False, 1.0, 0, ()), "x", language="zh")


def test_the_honest_table_shows_intervals() -> None:
    lines = _printed(print_evaluation, EVALUATION).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["popular", "repeat", "ease"]
    assert ".226 [.219, .234]" in lines[2]
    assert lines[3].split() == ["ease", "–", ".200"]
    assert "note" not in lines[0]
    assert any(".800 [.790, .810]" in line for line in lines)
    assert _printed(print_evaluation, {}).strip() == "In brackets: 95 % intervals over users."
