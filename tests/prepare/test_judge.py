"""Cleaning by hand: one rule at a time, on rows whose right answer a reader can see."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import pytest

from mien.core.clock import DAY_US, parse_time, to_us
from mien.core.errors import UsageError
from mien.core.tables import JUDGED_LOG, LOG
from mien.prepare.clean import (
    BotPolicy,
    Bound,
    CleanPolicy,
    Judgement,
    MissingPolicy,
    OutlierPolicy,
    fit_judgement,
    judge,
)

LogOf = Callable[[list[dict[str, Any]]], ir.Table]
RowsOf = Callable[[ir.Table], list[dict[str, Any]]]
T0_US = to_us(parse_time("2017-12-04T09:30:00Z"))

PURCHASES = [
    # what came → action, quantity, value, verdict, repair
    ({"quantity": 2.0, "value": 9.0}, ("purchase", 2.0, 9.0, None, None)),
    ({"quantity": None, "value": None}, ("purchase", 1.0, 0.0, None, None)),
    ({"quantity": 1.0, "value": 0.0}, ("purchase", 1.0, 0.0, None, None)),
    ({"quantity": float("nan"), "value": float("inf")}, ("purchase", 1.0, 0.0, None, None)),
    ({"quantity": -3.0, "value": -9.0}, ("refund", 3.0, 9.0, None, "negative_to_refund")),
    ({"quantity": -3.0, "value": 9.0}, ("refund", 3.0, 9.0, None, "negative_to_refund")),
    ({"quantity": -3.0, "value": None}, ("refund", 3.0, 0.0, None, "negative_to_refund")),
    ({"quantity": 0.0, "value": 2.61}, ("purchase", 0.0, 2.61, "zero_quantity", None)),
    ({"quantity": 1.0, "value": -11_062.06}, ("purchase", 1.0, -11_062.06, "negative_value", None)),
    ({"action": "refund", "quantity": -2.0, "value": -5.0}, ("refund", 2.0, 5.0, None, "refund_sign")),
    ({"action": "refund", "quantity": 2.0, "value": 5.0}, ("refund", 2.0, 5.0, None, None)),
    ({"action": "cart", "quantity": -1.0}, ("cart", -1.0, None, "negative_quantity", None)),
    ({"action": "cart", "item": None}, ("cart", None, None, "no_item", None)),
    ({"action": "view", "quantity": 0.0, "value": 199.0}, ("view", 1.0, 199.0, None, None)),
    ({"action": "view", "value": -1.0}, ("view", 1.0, 0.0, None, "negative_value_removed")),
    ({"action": "gaze"}, ("gaze", None, None, "unknown_action", None)),
    ({"at": to_us(parse_time("1900-01-01"))}, ("purchase", None, None, "too_early", None)),
    ({"at": to_us(parse_time("2999-12-31"))}, ("purchase", None, None, "too_late", None)),
]


@pytest.mark.parametrize(("row", "expected"), PURCHASES, ids=lambda part: str(part)[:60])
def test_one_row(log_of: LogOf, rows_of: RowsOf, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    [found] = rows_of(judge(log_of([row]), Judgement()))
    assert tuple(found[name] for name in ("action", "quantity", "value", "verdict", "repair")) == expected


def test_the_schema_is_the_log_and_three_columns(log_of: LogOf) -> None:
    judged = judge(log_of([{}]), Judgement())
    assert tuple(judged.columns) == (*LOG.names, "verdict", "repair", "flag")
    assert judged.schema().to_pyarrow().types == JUDGED_LOG.types


def test_what_the_policy_says_instead(log_of: LogOf, rows_of: RowsOf) -> None:
    policy = CleanPolicy(
        repeats="drop",
        negative_quantity="drop",
        zero_quantity="one",
        negative_value="zero",
        missing_value=MissingPolicy("drop"),
    )
    rows = [
        {"event_id": "0123456789abcdef0123", "value": 1.0},
        {"event_id": "0123456789abcdef0123-1", "value": 1.0},
        {"event_id": "a", "quantity": -1.0, "value": 1.0},
        {"event_id": "b", "quantity": 0.0, "value": 1.0},
        {"event_id": "c", "quantity": 1.0, "value": None},
        {"event_id": "d", "action": "view", "value": None},
    ]
    found = rows_of(judge(log_of(rows), Judgement(policy)))
    assert [(row["verdict"], row["repair"], row["quantity"]) for row in found] == [
        (None, None, 1.0),
        ("repeated_row", None, None),
        ("negative_quantity", None, -1.0),
        (None, "zero_quantity_to_one", 1.0),
        ("value_missing", None, 1.0),
        (None, None, 1.0),
    ]


def test_now_limits_the_future(log_of: LogOf, rows_of: RowsOf) -> None:
    rows = [{"at": T0_US + DAY_US}, {"at": T0_US + DAY_US + 2_000_000}]
    found = rows_of(judge(log_of(rows), Judgement(), now_us=T0_US))
    assert [row["verdict"] for row in found] == [None, "too_late"]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("bound", (100.0, None, "quantity_bounded,value_bounded", None)),
        ("flag", (89_638.0, None, None, "quantity_outlier,value_outlier")),
        ("drop", (89_638.0, "quantity_outlier", None, None)),
    ],
)
def test_numbers_too_far_out(log_of: LogOf, rows_of: RowsOf, action: str, expected: tuple[Any, ...]) -> None:
    policy = CleanPolicy(outlier_quantity=OutlierPolicy(action=action), outlier_value=OutlierPolicy(action=action))
    bounds = (Bound("quantity", "purchase", None, 100.0, 30), Bound("value", "purchase", None, 10.0, 30))
    [found] = rows_of(judge(log_of([{"quantity": 89_638.0, "value": 250.0}]), Judgement(policy, bounds)))
    assert (found["quantity"], found["verdict"], found["repair"], found["flag"]) == expected


def test_a_fitted_bound_by_hand(log_of: LogOf, rows_of: RowsOf) -> None:
    """Values e^0 … e^4, ten each: median e², MAD of the logarithms 1; six deviations end at e^(2 + 6·1.4826)."""
    rows = [{"value": 2.718281828459045 ** (k % 5)} for k in range(50)] + [{"value": 1e9}]
    judgement = fit_judgement(log_of(rows))
    bound, of_refunds = (bound for bound in judgement.bounds if bound.column == "value")
    assert bound.high == pytest.approx(53_916.4, rel=1e-3)
    assert (bound.action, bound.low, bound.n) == ("purchase", None, 51)
    assert (of_refunds.action, of_refunds.high) == ("refund", bound.high)
    assert rows_of(judge(log_of(rows[-1:]), judgement))[0]["value"] == bound.high


def test_few_values_have_no_bounds(log_of: LogOf) -> None:
    assert fit_judgement(log_of([{"value": 1.0}] * 28 + [{"value": 1e9}])).bounds == ()


def test_values_not_said_take_the_median_of_their_item(log_of: LogOf, rows_of: RowsOf) -> None:
    rows = [{"item": 1, "value": value} for value in (1.0, 2.0, 9.0)] + [{"item": 2, "value": 7.0}] * 4
    asked = [{"item": 1}, {"item": 2}, {"item": 3}, {"item": None}, {"item": 1, "action": "view"}]
    judgement = fit_judgement(log_of(rows), CleanPolicy(missing_value=MissingPolicy("median", by="item")))
    found = rows_of(judge(log_of(asked), judgement))
    assert [row["value"] for row in found] == [2.0, 7.0, 7.0, 7.0, 0.0]
    assert [row["repair"] for row in found] == ["value_filled"] * 4 + [None]


def test_a_category_answers_for_items_never_bought(log_of: LogOf, rows_of: RowsOf) -> None:
    rows = [{"item": 1, "quantity": quantity} for quantity in (3.0, 3.0, 9.0)] + [{"item": 2, "quantity": 5.0}]
    policy = CleanPolicy(missing_quantity=MissingPolicy("mode", by="category"))
    judgement = fit_judgement(log_of(rows), policy, category_of={1: "tea", 7: "tea", 2: "mugs", 9: "never sold"})
    found = rows_of(judge(log_of([{"item": 7}, {"item": 2}, {"item": 9}]), judgement))
    assert [row["quantity"] for row in found] == [3.0, 5.0, 3.0]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("forward", [0.0, 10.0, 10.0, 10.0, 40.0, 40.0]), ("linear", [0.0, 10.0, 20.0, 30.0, 40.0, 40.0])],
)
def test_a_measured_value_is_filled_over_time(log_of: LogOf, rows_of: RowsOf, how: str, expected: list[float]) -> None:
    measured = [None, 10.0, None, None, 40.0, None]
    rows = [{"at": T0_US + k * 60_000_000, "value": value} for k, value in enumerate(measured)]
    rows.append({"user": 1, "at": T0_US, "value": None})
    found = rows_of(judge(log_of(rows[::-1]), Judgement(CleanPolicy(missing_value=MissingPolicy(how)))))
    of_first_user = sorted((row["at"], row["value"]) for row in found if row["user"] == 0)
    assert [value for _, value in of_first_user] == expected
    assert [row["value"] for row in found if row["user"] == 1] == [0.0]


def test_a_program_among_shoppers_is_found(log_of: LogOf, rows_of: RowsOf) -> None:
    shoppers = [
        {"user": user, "action": action, "at": T0_US + k * 1_000_000}
        for user in range(20)
        for k, action in enumerate(["view", "view", "cart", "view"] * (1 + user % 3))
    ]
    program = [{"user": 99, "action": "view", "at": T0_US + k * 1_000_000} for k in range(300)]
    keen = [{"user": 98, "action": "purchase", "at": T0_US + k * 1_000_000} for k in range(300)]
    log = log_of(shoppers + program + keen)
    judgement = fit_judgement(log)
    assert judgement.bot_users == (99,)
    assert judgement.bot_per_day is not None
    assert 100.0 <= judgement.bot_per_day < 300.0
    assert {row["user"] for row in rows_of(judge(log, judgement)) if row["flag"] == "bot"} == {99}
    dropping = fit_judgement(log, CleanPolicy(bots=BotPolicy(action="drop")))
    assert sum(row["verdict"] == "bot" for row in rows_of(judge(log, dropping))) == 300
    assert fit_judgement(log, CleanPolicy(bots=BotPolicy(action="keep"))).bot_users == ()


def test_rows_with_a_verdict_teach_nothing(log_of: LogOf) -> None:
    good = [{"value": float(1 + k % 9)} for k in range(60)]
    future = [{"value": 1e9, "at": to_us(parse_time("2999-01-01"))}] * 60
    assert fit_judgement(log_of(good + future)) == fit_judgement(log_of(good))


def test_an_empty_log_is_fitted_and_judged(log_of: LogOf, rows_of: RowsOf) -> None:
    judgement = fit_judgement(log_of([]))
    assert judgement.bounds == ()
    assert rows_of(judge(log_of([]), judgement)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CleanPolicy(repeats="maybe"),
        lambda: CleanPolicy(earliest="2100-01-01", latest="2000-01-01"),
        lambda: CleanPolicy(slack_days=-1.0),
        lambda: CleanPolicy(needs_item=("gaze",)),
        lambda: CleanPolicy.from_dict({"zero_qantity": "drop"}),
        lambda: MissingPolicy("guess"),
        lambda: OutlierPolicy(quantile=1.5),
        lambda: OutlierPolicy(threshold=0.0),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()
