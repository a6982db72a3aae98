"""The live half of cleaning: one event judged as `judge.py` judges its row (a law of the tests)."""

import re
from math import nan

import msgspec
from msgspec.structs import replace

from mien.core.event import Action, LoggedEvent
from mien.core.ids import NO_ITEM, ItemRow
from mien.core.tables import LOGGED
from mien.prepare.judgement import Judgement
from mien.prepare.policy import PIECES, CleanPolicy
from mien.prepare.reasons import Repair, Verdict
from mien.prepare.rules import FINITE, NUMBERS, REPEATED_ID

UNSAID = nan
"""The value or quantity of an event whose source did not say it, before it is judged."""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """An event after its judgement: `verdict` is why it is left out (None: kept), `repair` what was mended,
    `flag` what is suspect; several words are joined by commas."""

    event: LoggedEvent
    verdict: str | None = None
    repair: str | None = None
    flag: str | None = None


def judge_event(event: LoggedEvent, judgement: Judgement, *, now_us: int | None = None) -> Judged:
    """One event, judged as `judge` judges its row. A number not said is NaN (`UNSAID`).

    A policy that fills over time has no neighbours here: the fitted or neutral number stands in until the next
    build. Cost: some µs.
    """
    policy = judgement.policy
    verdict = _screen_event(event, judgement, now_us)
    if verdict is not None:
        return Judged(event, verdict)
    action, quantity, value, sign = _signed(event, policy)
    numbers = {LOGGED.QUANTITY: quantity, LOGGED.VALUE: value}
    words = _Words([sign] if sign else [], [])
    verdict = _fill(action, event.item, numbers, judgement, words) or _bound(action, numbers, judgement, words)
    if verdict is None and event.user in judgement.bots and policy.bots.action != "keep":
        words.flags.append(Repair.BOT)
        verdict = Repair.BOT if policy.bots.action == "drop" else None
    if verdict is not None:
        return Judged(event, verdict)
    quantity, value = numbers[LOGGED.QUANTITY], numbers[LOGGED.VALUE]
    if action is not event.action or quantity != event.quantity or value != event.value:
        event = replace(event, action=action, quantity=quantity, value=value)
    return Judged(event, None, ",".join(words.repairs) or None, ",".join(words.flags) or None)


class _Words(msgspec.Struct, frozen=True, gc=False):
    repairs: list[str]
    flags: list[str]


def _screen_event(event: LoggedEvent, judgement: Judgement, now_us: int | None) -> str | None:
    policy = judgement.policy
    if event.at_us < judgement.span_us[0]:
        return Verdict.TOO_EARLY
    if event.at_us >= judgement.limit_us(now_us):
        return Verdict.TOO_LATE
    if event.item == NO_ITEM and event.action in policy.needs_item:
        return Verdict.NO_ITEM
    if policy.repeats == "drop" and re.fullmatch(REPEATED_ID, event.event_id):
        return Verdict.REPEATED_ROW
    quantity, pieces = _said(event.quantity), event.action in PIECES
    if pieces and quantity == 0 and policy.zero_quantity == "drop":
        return Verdict.ZERO_QUANTITY
    returned = _is_return(event.action, quantity, policy)
    if pieces and quantity < 0 and not returned:
        return Verdict.NEGATIVE_QUANTITY
    negative_money = event.action == Action.PURCHASE and _said(event.value) < 0 and not returned
    return Verdict.NEGATIVE_VALUE if negative_money and policy.negative_value == "drop" else None


def _signed(event: LoggedEvent, policy: CleanPolicy) -> tuple[Action, float, float, str | None]:
    """Action, quantity and value with their signs settled, and the word for what that changed."""
    quantity, value = _said(event.quantity), _said(event.value)
    if quantity > 0 and value >= 0:
        return event.action, quantity, value, None
    if _is_return(event.action, quantity, policy):
        turned = event.action == Action.PURCHASE
        word = Repair.TO_REFUND if turned else Repair.REFUND_SIGN if quantity < 0 or value < 0 else None
        quantity, value = abs(quantity), abs(value)
    else:
        word = Repair.NEGATIVE_VALUE if value < 0 else None
        value = UNSAID if value < 0 else value
    if event.action not in PIECES:
        quantity = UNSAID if quantity <= 0 else quantity
    elif quantity == 0:
        word, quantity = word or Repair.ZERO_QUANTITY, 1.0
    return (Action.REFUND if word == Repair.TO_REFUND else event.action), quantity, value, word


def _is_return(action: Action, quantity: float, policy: CleanPolicy) -> bool:
    turned = action == Action.PURCHASE and quantity < 0 and policy.negative_quantity == "refund"
    return turned or action == Action.REFUND


def _fill(action: Action, item: ItemRow, numbers: dict[str, float], judgement: Judgement, words: _Words) -> str | None:
    """Put in what stands for numbers not said; the verdict, where the policy drops the event."""
    for column in NUMBERS:
        if _finite(numbers[column]):
            continue
        unsaid = judgement.unsaid[column, action]
        if unsaid.verdict is not None:
            return unsaid.verdict
        if unsaid.repair is not None:
            words.repairs.append(unsaid.repair)
        of_item = judgement.fill_of.get((column, action, item)) if item != NO_ITEM else None
        numbers[column] = unsaid.number if of_item is None else of_item
    return None


def _bound(action: Action, numbers: dict[str, float], judgement: Judgement, words: _Words) -> str | None:
    """Put the numbers within their bounds; the verdict, where the policy drops the event."""
    if not judgement.bounds:
        return None
    for column in NUMBERS:
        bound = judgement.range_of.get((column, action))
        if bound is None:
            continue
        nearest = _clip(numbers[column], bound.low, bound.high)
        if nearest == numbers[column]:
            continue
        what = judgement.policy.outliers(column).action
        if what == "drop":
            return Verdict.OUTLIER[column]
        if what == "flag":
            words.flags.append(Repair.OUTLIER[column])
        else:
            words.repairs.append(Repair.BOUNDED[column])
            numbers[column] = nearest
    return None


def _finite(number: float) -> bool:
    return -FINITE <= number <= FINITE


def _said(number: float) -> float:
    return number if _finite(number) else UNSAID


def _clip(number: float, low: float | None, high: float | None) -> float:
    if low is not None and number < low:
        return low
    return high if high is not None and number > high else number
