"""Rules of segments: read from text and JSON, written back, and refused in a sentence."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core.errors import UsageError
from mien.profiles.rule import Bound, Condition, Join, Rule, read_rule, rule_json, rule_text


def test_by_hand() -> None:
    rule = read_rule("category = Drinks/Tea [lift >= 1.5, n > 2] and purchase.30d >= 2 or not lifecycle in (lost, new)")
    tea = Condition("category", "=", "Drinks/Tea", (Bound("lift", ">=", 1.5), Bound("n", ">", 2.0)))
    gone = Join("not", (Condition("lifecycle", "in", ("lost", "new")),))
    assert rule == Join("any", (Join("all", (tea, Condition("purchase.30d", ">=", 2.0))), gone))


def test_not_binds_closest_and_brackets_group() -> None:
    a, b, c = (Condition(name, "=", 1.0) for name in "abc")
    assert read_rule("not a = 1 and b = 1") == Join("all", (Join("not", (a,)), b))
    assert read_rule("not (a = 1 or b = 1) and c = 1") == Join("all", (Join("not", (Join("any", (a, b)),)), c))


def test_quoted_names_hold_anything() -> None:
    assert read_rule('"trait.a b" = "in (x) \\" 茶"') == Condition("trait.a b", "=", 'in (x) " 茶')
    assert read_rule('age = "35"') == Condition("age", "=", "35")
    assert read_rule("age = 35") == Condition("age", "=", 35.0)
    assert read_rule("trait.vip = true") == Condition("trait.vip", "=", True)


values = st.one_of(st.text(min_size=1, max_size=20), st.floats(-1e12, 1e12), st.booleans())
names = st.text(min_size=1, max_size=20).filter(lambda name: bool(name.strip()))
bounds = st.builds(Bound, names, st.sampled_from(["=", ">=", "<"]), st.integers(-99, 99).map(float))
leaves = st.one_of(
    st.builds(
        Condition, names, st.sampled_from(["=", "!=", ">", "<="]), values, st.lists(bounds, max_size=2).map(tuple)
    ),
    st.builds(Condition, names, st.just("in"), st.lists(values, min_size=1, max_size=3).map(tuple)),
)


def joined(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    many = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Join, st.sampled_from(["all", "any"]), many), st.builds(Join, st.just("not"), st.tuples(parts))
    )


rules = st.recursive(leaves, joined, max_leaves=8)


@given(rules)
def test_json_reads_back(rule: Rule) -> None:
    assert read_rule(rule_json(rule)) == rule


@given(rules)
def test_text_says_the_same(rule: Rule) -> None:
    """Written as text and read again, it is the same rule: text is quoted where it would be read as anything else."""
    assert read_rule(rule_text(rule)) == rule


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("spend", "comparison"),
        ("spend >", "ends where a value"),
        ("spend > 5 5", "should end before"),
        ("(spend > 5", "“)” should stand"),
        ("a = 1 and", "ends where"),
        ("a in 5", "“(” should stand"),
        ("a = 1 [lift]", "comparison"),
        ("a = 1 [lift > high]", "number"),
        ('a = "x', "cannot be read"),
        ("not " * 40 + "a = 1", "nested"),
        ("(" * 40 + "a = 1" + ")" * 40, "nested"),
        ({}, "test is"),
        ({"all": []}, "not empty"),
        ({"all": [], "any": []}, "stands alone"),
        ({"field": "a", "op": "~", "value": 1}, "comparison"),
        ({"field": "a", "op": "in", "value": 1}, "list of values"),
        ({"field": "a", "op": "=", "value": None}, "a value is"),
        ({"field": "a", "op": "=", "value": float("inf")}, "a value is"),
        ({"field": "a", "op": "=", "value": 1, "where": [{"field": "lift"}]}, "where holds"),
        ({"field": "a", "op": "=", "value": 1, "x": 1}, "test is"),
        (7, "object or a text"),
        ({"any": [{"field": "a", "op": "=", "value": 1}] * 301}, "300 tests"),
    ],
)
def test_what_is_no_rule_is_told_so(said: object, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        read_rule(said)


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_sentence(text: str) -> None:
    with suppress(UsageError):
        assert read_rule(rule_text(read_rule(text))) == read_rule(text)
