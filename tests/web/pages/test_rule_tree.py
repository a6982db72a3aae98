"""A rule on its way through the builder comes out as it went in; what is unfinished is left out."""

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

from mien.profiles.rule import read_rule, rule_json
from mien.web.console.rule_tree import Group, Line, json_of, tree_of

KINDS = {"count.purchase.30d": "number", "rfm.r": "number", "tag.category": "name", "lifecycle": "name"}


@pytest.mark.parametrize(
    "text",
    [
        "count.purchase.30d >= 2",
        "count.purchase.30d >= 2 and lifecycle = active",
        "not lifecycle in (lapsing, lost) or (rfm.r in (4, 5) and not count.purchase.30d < 1.5)",
        "tag.category = Drinks/Tea [lift >= 1.5, confidence >= 0.8, weight <= 0.5]",
        "not (lifecycle = new or lifecycle = lost)",
        "count.purchase.30d >= 1234567.25 and rfm.r > 0.123456789",
        'tag.category in ("Dairy, Eggs", "5\\" pots", Tea)',
    ],
)
def test_a_rule_comes_out_as_it_went_in(text: str) -> None:
    rule = rule_json(read_rule(text))
    assert json_of(tree_of(rule), KINDS) == rule


def test_not_of_not_is_the_thing_itself() -> None:
    inner = {"field": "lifecycle", "op": "=", "value": "new"}
    assert json_of(tree_of({"not": {"not": inner}}), KINDS) == inner


def test_unfinished_lines_are_left_out() -> None:
    done = Line("count.purchase.30d", ">=", "2")
    tree = Group("any", [Line(), Line("lifecycle"), Group("all", [Line("rfm.r", "=", " ")]), done])
    assert json_of(tree, KINDS) == {"field": "count.purchase.30d", "op": ">=", "value": 2.0}
    assert json_of(Group("all", [Line(), Group()]), KINDS) is None


def test_what_is_no_number_is_left_to_be_told_so() -> None:
    """The engine has the sentence for it."""
    assert json_of(Line("count.purchase.30d", ">=", "many"), KINDS) == {
        "field": "count.purchase.30d", "op": ">=", "value": "many",
    }  # fmt: skip


def test_a_bound_that_is_no_number_is_not_there_yet() -> None:
    line = Line("tag.category", "=", "Drinks", bounds={("lift", ">="): "", ("confidence", ">="): "0.9"})
    told = json_of(line, KINDS)
    assert told is not None
    assert told["where"] == [{"field": "confidence", "op": ">=", "value": 0.9}]
