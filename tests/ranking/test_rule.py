"""Rules of the shop: what they say in a settings file, when they hold, what they do and how they are told."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mien.core.clock import to_us
from mien.core.errors import UnknownName, UsageError
from mien.ranking.kinds import KINDS
from mien.ranking.rule import read_rules
from mien.testing.world import START

NOW = START + timedelta(weeks=12)


def rules(*given, zone="UTC"):
    return read_rules(list(given), tuple(KINDS), zone)


def kinds_of(result):
    return {reason.kind: reason for reason in result.reasons}


def test_a_day_counts_whole_in_the_shops_zone():
    (rule,) = rules(
        {"do": "boost", "items": ["a"], "from": date(2024, 5, 1), "until": date(2024, 5, 3)}, zone="Asia/Shanghai"
    )
    held = [
        rule.holds("for-you", "", to_us(datetime(2024, *day, tzinfo=UTC)))
        for day in ((4, 30, 15, 59), (4, 30, 16, 0), (5, 3, 15, 59), (5, 3, 16, 0))
    ]
    assert held == [False, True, True, False]
    assert rule.until == date(2024, 5, 3)


def test_a_time_is_exact():
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    (rule,) = rules({"do": "hide", "items": ["a"], "until": at})
    assert rule.holds("popular", "", to_us(at) - 1)
    assert not rule.holds("popular", "", to_us(at))


def test_where_a_rule_holds():
    (rule,) = rules({"do": "pin", "items": ["a"], "kinds": ["search"], "queries": ["Green  Tea", "龍井"]})
    assert rule.holds("search", "green tea", 0)
    assert rule.holds("search", "ＧＲＥＥＮ ＴＥＡ", 0)
    assert not rule.holds("search", "tea", 0)
    assert not rule.holds("for-you", "green tea", 0)


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        ({"items": ["a"]}, UsageError, "pin, boost, hide"),
        ({"do": "boots", "items": ["a"]}, UnknownName, "boost"),
        ({"do": "boost"}, UsageError, "names no items"),
        ({"do": "boost", "item": ["a"]}, UnknownName, "items"),
        ({"do": "boost", "items": "a"}, UsageError, "list of texts"),
        ({"do": "boost", "where": {"brnd": ["A"]}}, UnknownName, "brand"),
        ({"do": "boost", "items": ["a"], "kinds": ["trendin"]}, UnknownName, "trending"),
        ({"do": "boost", "items": ["a"], "weight": 9}, UsageError, "between"),
        ({"do": "boost", "items": ["a"], "weight": 0}, UsageError, "between"),
        ({"do": "boost", "items": ["a"], "weight": "high"}, UsageError, "number"),
        ({"do": "hide", "items": ["a"], "from": "tomorrow"}, UsageError, "not a time"),
        ({"do": "hide", "items": ["a"], "from": 3}, UsageError, "days or times"),
        (
            {"do": "hide", "items": ["a"], "from": date(2024, 5, 2), "until": date(2024, 5, 1)},
            UsageError,
            "ends before",
        ),
    ],
)
def test_mistakes_are_named(given, error, named):
    with pytest.raises(error, match=named):
        rules(given)
    with pytest.raises(UsageError, match="rules"):
        read_rules({"do": "pin"}, ())


def test_pins_stand_first_even_where_no_source_brings_them(stocked, ids):
    pins = rules({"do": "pin", "items": ["biscuits", "gone"], "kinds": ["buy-again"]})
    assert ids(stocked.ask(user_id="ann", kind="buy-again", rules=pins))[0] == "biscuits"
    assert "biscuits" not in ids(stocked.ask(user_id="ann", kind="trending", rules=pins))[:1]


def test_boosts_by_facet_say_until_when(stocked):
    boost = rules({"do": "boost", "name": "advent", "where": {"brand": ["西湖"]}, "until": NOW.date(), "weight": 2.0})
    plain = {one.item_id: one.score for one in stocked.ask(user_id="ann", k=20).results}
    for one in stocked.ask(user_id="ann", k=20, rules=boost).results:
        boosted = one.item_id in ("longjing", "cup-zh")
        assert one.score == pytest.approx(plain[one.item_id] + 2.0 * boosted)
        assert ("boost" in kinds_of(one)) == boosted
        if boosted:
            assert kinds_of(one)["boost"].text == "placed higher by the shop until 27 May: advent"
    spoken = stocked.ask(user_id="ann", k=20, rules=boost, language="zh").results
    assert "由店铺前移，至 5 月 27 日：advent" in {r.text for one in spoken for r in one.reasons}


def test_several_boosts_of_one_item_stay_within_five(stocked):
    many = rules(*({"do": "boost", "items": ["teapot"], "weight": 4.0} for _ in range(3)))
    (found,) = [one for one in stocked.ask(k=20, rules=many).results if one.item_id == "teapot"]
    assert sum(reason.contribution for reason in found.reasons if reason.kind == "boost") == pytest.approx(5.0)


def test_hidden_is_hidden_everywhere(stocked, ids):
    hide = rules({"do": "hide", "items": ["green-tea"]})
    for asked in ({"text": "tea"}, {"kind": "popular"}, {"kind": "similar", "cart": ("longjing",)}):
        assert "green-tea" in ids(stocked.ask(k=20, **asked))
        assert "green-tea" not in ids(stocked.ask(k=20, rules=hide, **asked))
