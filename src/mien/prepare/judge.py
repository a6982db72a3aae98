"""The table half of cleaning: a whole log judged in one projection. Its twin for one event: `judge_event.py`.

as it came → signs (a negative purchase is a refund) → numbers not said → bounds → words
"""

from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from mien.core.clock import from_us
from mien.core.event import ACTIONS, Action
from mien.core.tables import JUDGED, JUDGED_LOG, LOGGED
from mien.prepare.judgement import Fill, Judgement
from mien.prepare.missing import fill_over_time
from mien.prepare.policy import NEUTRAL, PIECES, CleanPolicy
from mien.prepare.reasons import Repair, Verdict
from mien.prepare.rules import FINITE, NUMBERS, REPEATED_ID

NEW_ACTION, SCREEN, REPAIRS = "judged_action", "judged_screen", "judged_repairs"
"""Columns that live between the steps only: the action after signs, the verdict so far, the repairs so far."""


def judge(log: ir.Table, judgement: Judgement, *, now_us: int | None = None) -> ir.Table:
    """A log (schema LOG) as schema JUDGED_LOG, lazily: numbers repaired, and `verdict`, `repair`, `flag` beside them.

    `now_us`: µs of the moment of judging; events further than `slack_days` after it are too late (None: the clock
    is not asked). Cost: one projection, no sort, unless a policy fills over time.
    """
    table = bounded(filled(screened(log, judgement.policy, now_us), judgement), judgement)
    kept = table[JUDGED.VERDICT].isnull()
    came = {LOGGED.ACTION: NEW_ACTION, **{column: new_column(column) for column in NUMBERS}}
    settled = {name: ibis.ifelse(kept, table[new], table[name]) for name, new in came.items()}
    words = {name: ibis.ifelse(kept, _words(table[name]), ibis.null("string")) for name in (JUDGED.REPAIR, JUDGED.FLAG)}
    return table.mutate(**settled, **words).select(*JUDGED_LOG.names)


def screened(log: ir.Table, policy: CleanPolicy, now_us: int | None = None) -> ir.Table:
    """The log with what one can say without fitting: new action, signed numbers and a first verdict."""
    finite = {
        new_column(c): ibis.ifelse(log[c].between(-FINITE, FINITE), log[c], ibis.null("float64")) for c in NUMBERS
    }
    log = log.mutate(**finite)
    action, quantity, value = log[LOGGED.ACTION], log[new_column(LOGGED.QUANTITY)], log[new_column(LOGGED.VALUE)]
    pieces = _is_in(action, PIECES)
    negative, zero, negative_money = _holds(quantity < 0), _holds(quantity == 0), _holds(value < 0)
    turned = negative & (action == Action.PURCHASE) & ibis.literal(policy.negative_quantity == "refund")
    returned = (action == Action.REFUND) | turned
    # Nearly every row is plain: asking that first, of numbers only, spares it the comparisons of words.
    plain_quantity, plain_value = (quantity > 0).fill_null(True), (value >= 0).fill_null(True)
    plain = plain_quantity & plain_value
    none, unsaid = ibis.null("string"), ibis.null("float64")
    sign = ibis.cases(
        (plain, none),
        (turned, Repair.TO_REFUND),
        (returned & (negative | negative_money), Repair.REFUND_SIGN),
        (negative_money, Repair.NEGATIVE_VALUE),
        (pieces & zero, Repair.ZERO_QUANTITY),
        else_=none,
    )
    new_quantity = ibis.cases(
        (plain_quantity, quantity),
        (returned & negative, quantity.abs()),
        (pieces & zero, ibis.literal(1.0, "float64")),
        (~pieces, unsaid),
        else_=quantity,
    )
    new_value = ibis.cases((plain_value, value), (returned, value.abs()), else_=unsaid)
    screen = [*_first_verdicts(log, policy, now_us), (plain, none)]
    screen += [(pieces & zero, Verdict.ZERO_QUANTITY)] if policy.zero_quantity == "drop" else []
    screen.append((pieces & negative & ~returned, Verdict.NEGATIVE_QUANTITY))
    if policy.negative_value == "drop":
        screen.append(((action == Action.PURCHASE) & negative_money & ~returned, Verdict.NEGATIVE_VALUE))
    return log.mutate(
        **{
            NEW_ACTION: ibis.ifelse(turned, Action.REFUND.value, action),
            new_column(LOGGED.QUANTITY): new_quantity,
            new_column(LOGGED.VALUE): new_value,
            REPAIRS: _listed([sign]),
            SCREEN: ibis.cases(*screen, else_=none),
        }
    )


def _first_verdicts(log: ir.Table, policy: CleanPolicy, now_us: int | None) -> list[tuple[ir.Value, Any]]:
    """What is asked before the numbers are looked at."""
    action, at = log[LOGGED.ACTION], log[LOGGED.AT]
    rules = [
        (~_is_in(action, ACTIONS), Verdict.UNKNOWN_ACTION),
        (at < _time(policy.first_us), Verdict.TOO_EARLY),
        (at >= _time(policy.limit_us(now_us)), Verdict.TOO_LATE),
        (log[LOGGED.ITEM].isnull() & _is_in(action, policy.needs_item), Verdict.NO_ITEM),
    ]
    if policy.repeats == "drop":
        rules.append((log[LOGGED.EVENT_ID].re_search(f"^{REPEATED_ID}$"), Verdict.REPEATED_ROW))
    return rules


def filled(table: ir.Table, judgement: Judgement) -> ir.Table:
    """The screened table with numbers for those not said, and the verdict or repair that this means."""
    repairs: list[ir.Value] = []
    verdict = table[SCREEN]
    for column in NUMBERS:
        policy = judgement.policy.missing(column)
        said = table[new_column(column)]
        concerned = said.isnull() & _is_in(table[NEW_ACTION], policy.actions)
        if policy.how == "drop":
            verdict = ibis.coalesce(verdict, ibis.ifelse(concerned, Verdict.MISSING[column], ibis.null("string")))
        elif column in judgement.filled_columns:
            repairs.append(ibis.ifelse(concerned, Repair.FILLED[column], ibis.null("string")))
    table = table.mutate(**{SCREEN: verdict, REPAIRS: table[REPAIRS] + _listed(repairs)})
    for column in NUMBERS:
        series = (LOGGED.USER, NEW_ACTION, LOGGED.ITEM)
        table = fill_over_time(table, new_column(column), judgement.policy.missing(column).how, series)
        table = _with_fills(table, column, judgement)
    return table


def _with_fills(table: ir.Table, column: str, judgement: Judgement) -> ir.Table:
    """Item fills by a small join, then action fills, then the neutral number."""
    general = {fill.action: fill.value for fill in judgement.fills if fill.column == column and fill.item is None}
    by_item = [fill for fill in judgement.fills if fill.column == column and fill.item is not None]
    choices: list[ir.Value] = [table[new_column(column)]]
    if by_item:
        table = _join_item_fills(table, column, by_item)
        choices = [table[new_column(column)], table[_item_fill(column)]]
    if general:
        choices.append(_by_action(table, general))
    return table.mutate(**{new_column(column): ibis.coalesce(*choices, ibis.literal(NEUTRAL[column], "float64"))})


def _join_item_fills(table: ir.Table, column: str, fills: list[Fill]) -> ir.Table:
    key_action, key_item = f"{column}_fill_action", f"{column}_fill_item"
    small = ibis.memtable(
        {
            key_action: [fill.action for fill in fills],
            key_item: [fill.item for fill in fills],
            _item_fill(column): [fill.value for fill in fills],
        },
        schema={key_action: "string", key_item: "int32", _item_fill(column): "float64"},
    )
    on = [table[NEW_ACTION] == small[key_action], table[LOGGED.ITEM] == small[key_item]]
    return table.left_join(small, on).drop(key_action, key_item)


def bounded(table: ir.Table, judgement: Judgement) -> ir.Table:
    """The filled table within its bounds, with `verdict`, `repair` and `flag`."""
    verdict = table[SCREEN]
    repairs: list[ir.Value] = []
    flags: list[ir.Value] = []
    numbers = {}
    for column in NUMBERS:
        lows = {b.action: b.low for b in judgement.bounds if b.column == column and b.low is not None}
        highs = {b.action: b.high for b in judgement.bounds if b.column == column and b.high is not None}
        if not lows and not highs:
            continue
        number = table[new_column(column)]
        low, high = _by_action(table, lows), _by_action(table, highs)
        # The widest bounds first, again to spare most rows the comparisons of words.
        far = ibis.literal(False)
        far = far | (number < max(lows.values())) if lows else far
        far = far | (number > min(highs.values())) if highs else far
        outside = far & (_holds(number < low) | _holds(number > high))
        what = judgement.policy.outliers(column).action
        if what == "drop":
            word = ibis.ifelse(outside, Verdict.OUTLIER[column], ibis.null("string"))
            verdict = ibis.coalesce(verdict, word)
        elif what == "flag":
            flags.append(ibis.ifelse(outside, Repair.OUTLIER[column], ibis.null("string")))
        else:
            numbers[new_column(column)] = ibis.cases(
                (~far, number), (_holds(number < low), low), (_holds(number > high), high), else_=number
            )
            repairs.append(ibis.ifelse(outside, Repair.BOUNDED[column], ibis.null("string")))
    if judgement.bot_users and judgement.policy.bots.action != "keep":
        word = ibis.ifelse(table[LOGGED.USER].isin(judgement.bot_users), Repair.BOT, ibis.null("string"))
        if judgement.policy.bots.action == "drop":
            verdict = ibis.coalesce(verdict, word)
        else:
            flags.append(word)
    return table.mutate(
        **numbers,
        **{JUDGED.VERDICT: verdict, JUDGED.REPAIR: table[REPAIRS] + _listed(repairs), JUDGED.FLAG: _listed(flags)},
    )


def new_column(column: str) -> str:
    """Where the repaired numbers of a column stand between the steps."""
    return f"judged_{column}"


def _item_fill(column: str) -> str:
    return f"{column}_of_item"


def _is_in(action: ir.Value, actions: Iterable[str]) -> ir.Value:
    words = [str(word) for word in actions]
    return action.isin(words) if words else ibis.literal(False)


def _holds(condition: ir.Value) -> ir.Value:
    """A condition on a number that was not said does not hold."""
    return condition.fill_null(False)


def _by_action(table: ir.Table, numbers: Mapping[str, float]) -> ir.Value:
    if not numbers:
        return ibis.null("float64")
    action = table[NEW_ACTION]
    cases = [(action == name, ibis.literal(number, "float64")) for name, number in sorted(numbers.items())]
    return ibis.cases(*cases, else_=ibis.null("float64"))


def _listed(words: list[ir.Value]) -> ir.Value:
    """Each word that is not null, with a comma before it."""
    listed = ibis.literal("")
    for word in words:
        listed = listed + (ibis.literal(",") + word).fill_null("")
    return listed


def _words(listed: ir.Value) -> ir.Value:
    """The list without its first comma; null where it is empty."""
    return listed.substr(1).nullif("")


def _time(at_us: int) -> ir.Value:
    return ibis.literal(from_us(at_us).isoformat()).cast("timestamp('UTC')")
