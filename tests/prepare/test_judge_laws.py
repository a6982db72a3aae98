"""The law of cleaning: the table and the single event get the same answer, whatever the policy."""

import json
import math
from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.clock import DAY_US, parse_time, to_us
from mien.core.event import ACTIONS, LoggedEvent
from mien.core.ids import ItemRow, UserRow
from mien.prepare.clean import (
    BotPolicy,
    Bound,
    CleanPolicy,
    Fill,
    Judgement,
    MissingPolicy,
    OutlierPolicy,
    fit_judgement,
    judge,
    judge_event,
)

T0_US = to_us(parse_time("2017-12-04T09:30:00Z"))

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 2.5, 89_638.0, -80_995.0, 1e308, -1e308, math.nan, math.inf, -math.inf, 1e-12]),
    st.floats(-1e6, 1e6, allow_nan=False),
)
times = st.one_of(
    st.integers(T0_US - 40 * DAY_US, T0_US + 40 * DAY_US),
    st.sampled_from([to_us(parse_time(text)) for text in ("1900-01-01", "1969-12-31T23:59:59.999999", "2999-12-31")]),
)
ids = st.one_of(
    st.text("abcdef0123456789-", min_size=1, max_size=24),
    st.sampled_from(["0123456789abcdef0123", "0123456789abcdef0123-1", "0123456789abcdef0123-12\n", "x-1"]),
)
events = st.builds(
    LoggedEvent,
    user=st.integers(0, 5).map(UserRow),
    event_id=ids,
    action=st.sampled_from(ACTIONS),
    at_us=times,
    item=st.integers(-1, 3).map(ItemRow),
    value=numbers,
    quantity=numbers,
)
actions = st.lists(st.sampled_from(ACTIONS), unique=True, max_size=4).map(tuple)
missing = st.builds(
    MissingPolicy, how=st.sampled_from(["drop", "constant", "median"]), by=st.just("item"), actions=actions
)
outliers = st.builds(OutlierPolicy, action=st.sampled_from(["bound", "drop", "flag"]))
policies = st.builds(
    CleanPolicy,
    repeats=st.sampled_from(["keep", "drop"]),
    latest=st.sampled_from(["2018-01-01", "2100-01-01"]),
    needs_item=actions,
    negative_quantity=st.sampled_from(["refund", "drop"]),
    zero_quantity=st.sampled_from(["drop", "one"]),
    negative_value=st.sampled_from(["drop", "zero"]),
    missing_value=missing,
    missing_quantity=missing,
    outlier_value=outliers,
    outlier_quantity=outliers,
    bots=st.builds(BotPolicy, action=st.sampled_from(["flag", "drop", "keep"])),
)
limits = st.one_of(st.none(), st.floats(0.5, 1e5).map(lambda x: float(f"{x:.6g}")))
columns = st.sampled_from(["value", "quantity"])
bounds = st.builds(Bound, columns, st.sampled_from(ACTIONS).map(str), st.none(), limits, st.just(30))
fills = st.builds(
    Fill,
    columns,
    st.sampled_from(ACTIONS).map(str),
    st.floats(0, 1e4).map(lambda x: float(f"{x:.6g}")),
    st.one_of(st.none(), st.integers(0, 3)),
)
judgements = st.builds(
    Judgement,
    policy=policies,
    bounds=st.lists(bounds, max_size=6, unique_by=lambda b: (b.column, b.action)).map(tuple),
    fills=st.lists(fills, max_size=6, unique_by=lambda f: (f.column, f.action, f.item)).map(tuple),
    bot_per_day=st.none(),
    bot_users=st.lists(st.integers(0, 5), unique=True).map(sorted).map(tuple),
)
LogOf = Callable[[list[dict[str, Any]]], ir.Table]
many = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@many
@given(st.lists(events, min_size=1, max_size=60), judgements, st.one_of(st.none(), times))
def test_the_table_and_the_single_event_agree(
    log_of: LogOf,
    as_row: Callable[[LoggedEvent], dict[str, Any]],
    given_events: list[LoggedEvent],
    judgement: Judgement,
    now_us: int | None,
) -> None:
    log = log_of([{**as_row(event), "fingerprint": k} for k, event in enumerate(given_events)])
    table = judge(log, judgement, now_us=now_us)
    rows = sorted(table.to_pyarrow().to_pylist(), key=lambda row: int(row["fingerprint"]))
    for event, row in zip(given_events, rows, strict=True):
        judged = judge_event(event, judgement, now_us=now_us)
        assert (judged.verdict, judged.repair, judged.flag) == (row["verdict"], row["repair"], row["flag"])
        expected = as_row(judged.event)
        assert {name: row[name] for name in ("action", "value", "quantity")} == {
            name: expected[name] for name in ("action", "value", "quantity")
        }
        if judged.verdict is None:
            assert row["value"] >= 0
            assert row["quantity"] >= 0


@many
@given(judgements)
def test_json_there_and_back_is_exact(judgement: Judgement) -> None:
    assert Judgement.from_dict(json.loads(json.dumps(judgement.to_dict()))) == judgement


@settings(max_examples=4, deadline=None)
@given(st.lists(events, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_does_not_change_what_is_fitted(
    log_of: LogOf, as_row: Callable[[LoggedEvent], dict[str, Any]], given_events: list[LoggedEvent], random: Any
) -> None:
    policy = CleanPolicy(
        missing_value=MissingPolicy("median", by="item"),
        outlier_value=OutlierPolicy(min_count=3),
        bots=BotPolicy(min_per_day=2.0),
    )
    fitted = fit_judgement(log_of([as_row(event) for event in given_events]), policy)
    random.shuffle(given_events)
    assert fit_judgement(log_of([as_row(event) for event in given_events]), policy) == fitted


@pytest.mark.parametrize("action", ["bound", "flag", "drop"])
def test_a_fitted_judgement_agrees_too(
    log_of: LogOf, as_row: Callable[[LoggedEvent], dict[str, Any]], action: str
) -> None:
    """Bounds as they come out of a fit, 6 digits and all, are read alike by the engine and by Python."""
    made = [
        LoggedEvent(UserRow(k % 7), f"e{k}", ACTIONS[k % 12], T0_US + k, ItemRow(k % 3), 1.1**k, (k * 37 % 11) / 3)
        for k in range(1, 400)
    ]
    log = log_of([as_row(event) for event in made])
    policy = CleanPolicy(
        outlier_value=OutlierPolicy(action=action, threshold=1.0, side="both"),
        outlier_quantity=OutlierPolicy(action=action, threshold=1.0, side="both"),
    )
    judgement = fit_judgement(log, policy)
    assert len(judgement.bounds) >= 20
    rows = {row["event_id"]: row for row in judge(log, judgement).to_pyarrow().to_pylist()}
    for event in made:
        judged = judge_event(event, judgement)
        row = rows[event.event_id]
        assert (judged.verdict, judged.repair, judged.flag) == (row["verdict"], row["repair"], row["flag"])
        assert (judged.event.value, judged.event.quantity) == (row["value"], row["quantity"])
