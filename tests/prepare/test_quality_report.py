"""The quality report: its counts always add up, and it says so in two languages."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.clock import HOUR_US, parse_time, to_us
from mien.core.errors import MienError
from mien.core.event import ACTIONS
from mien.prepare.clean import Bound, Judgement, judge
from mien.prepare.reasons import Repair, Verdict, describe
from mien.prepare.refunds import RefundCounts
from mien.prepare.report import Arrivals, JudgedCounts, QualityReport, count_judged

LogOf = Callable[[list[dict[str, Any]]], ir.Table]
T0_US = to_us(parse_time("2017-12-04T22:30:00Z"))
JUDGEMENT = Judgement(
    bounds=(Bound("quantity", "purchase", None, 10.0, 30), Bound("value", "purchase", None, 50.0, 30)), bot_users=(3,)
)

rows = st.fixed_dictionaries(
    {
        "user": st.integers(0, 4),
        "action": st.sampled_from([*map(str, ACTIONS), "gaze"]),
        "item": st.one_of(st.none(), st.integers(0, 2)),
        "quantity": st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 1.0, 99.0])),
        "value": st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 1.0, 99.0])),
        "at": st.integers(T0_US - 48 * HOUR_US, T0_US),
    }
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows, max_size=80))
def test_the_counts_always_add_up(log_of: LogOf, given_rows: list[dict[str, Any]]) -> None:
    judged = judge(log_of(given_rows), JUDGEMENT)
    report = QualityReport(count_judged(judged, "Asia/Kolkata")).check()
    assert report.judged.events == len(given_rows)
    assert QualityReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    parts = [judged.filter(judged.user < 2), judged.filter(judged.user >= 2)]
    assert count_judged(parts, "Asia/Kolkata") == report.judged


def _whole() -> QualityReport:
    judged = JudgedCounts(
        events=90,
        kept=80,
        untouched=70,
        changed=10,
        flagged=5,
        dropped={"zero_quantity": 7, "negative_value": 3},
        repairs={"quantity_bounded": 9, "value_bounded": 4},
        flags={"bot": 5},
        days={"2017-12-04": 80},
        hours=(80,) + (0,) * 23,
        actions={"purchase": 60, "refund": 20},
    )
    arrivals = Arrivals(120, 100, {"missing_user": 20}, new=92, duplicates=6, conflicts=1, erased=1)
    return QualityReport(judged, arrivals, {"erased_since": 2}, RefundCounts(15, 5), repeats=4)


def test_five_lines_in_two_languages() -> None:
    assert _whole().check().lines("en") == [
        "Came in: 120 rows; 20 rejected (no user 20); "
        "92 new events (already known 6, id taken by another event 1, user was erased 1)",
        "Kept: 80, of which 70 as they came",
        "Changed: 10 (quantity bounded 9, amount bounded 4)",
        "Left out: 10 (quantity zero 7, negative amount 3)",
        "Flagged: 5 (bot-like user 5); 15 of 20 refunds found their purchase; 4 exact repeats",
    ]
    assert _whole().lines("zh") == [
        "读入：120 行；拒收 20（无用户 20）；新事件 92（重复 6，编号冲突 1，用户已被删除 1）",
        "保留：80（未改动 70）",
        "修正：10（数量截断 9，金额截断 4）",
        "剔除：10（数量为零 7，金额为负 3）",
        "标记：5（疑似机器人 5）；20 笔退款中 15 笔找到对应购买；完全重复的行 4",
    ]


@pytest.mark.parametrize("name", ["events", "kept", "untouched", "changed", "flagged"])
def test_a_wrong_count_is_found(name: str) -> None:
    whole = _whole()
    wrong = replace(whole, judged=replace(whole.judged, **{name: getattr(whole.judged, name) + 10}))
    with pytest.raises(MienError, match="does not add up"):
        wrong.check()


@pytest.mark.parametrize("name", ["read", "accepted", "new", "duplicates", "conflicts", "erased"])
def test_a_wrong_arrival_is_found(name: str) -> None:
    whole = _whole()
    assert whole.arrivals is not None
    wrong = replace(whole, arrivals=replace(whole.arrivals, **{name: getattr(whole.arrivals, name) + 1}))
    with pytest.raises(MienError, match="does not add up"):
        wrong.check()


def test_deliveries_add_up() -> None:
    one = Arrivals(5, 4, {"bad_time": 1}, new=4)
    two = Arrivals(5, 3, {"bad_time": 1, "missing_user": 1}, new=0, duplicates=3)
    assert one + two == Arrivals(10, 7, {"bad_time": 2, "missing_user": 1}, new=4, duplicates=3)


def test_days_and_hours_are_those_of_the_shop(log_of: LogOf) -> None:
    counts = count_judged(judge(log_of([{"at": T0_US}]), Judgement()), "Asia/Shanghai")
    assert counts.days == {"2017-12-05": 1}
    assert counts.hours[6] == 1


def test_every_word_is_described_in_both_languages() -> None:
    words = [
        word
        for kind in (Verdict, Repair)
        for name, part in vars(kind).items()
        if name.isupper()
        for word in ([part] if isinstance(part, str) else part.values())
    ]
    assert len(words) > 15
    for word in words:
        assert describe(word, "zh") != word.replace("_", " ")
        assert describe(word, "en")
    assert describe("something_new", "zh") == "something new"
