"""The words of a judgement, stable for programs, and what they mean in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from mien.core.phrase import Language as Language


class Verdict:
    """Why an event is left out."""

    UNKNOWN_ACTION = "unknown_action"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    NO_ITEM = "no_item"
    REPEATED_ROW = "repeated_row"
    ZERO_QUANTITY = "zero_quantity"
    NEGATIVE_QUANTITY = "negative_quantity"
    NEGATIVE_VALUE = "negative_value"
    MISSING: Mapping[str, str] = MappingProxyType({"quantity": "quantity_missing", "value": "value_missing"})
    OUTLIER: Mapping[str, str] = MappingProxyType({"quantity": "quantity_outlier", "value": "value_outlier"})


class Repair:
    """What was mended, or marked, in an event that is kept."""

    TO_REFUND = "negative_to_refund"
    REFUND_SIGN = "refund_sign"
    NEGATIVE_VALUE = "negative_value_removed"
    ZERO_QUANTITY = "zero_quantity_to_one"
    FILLED: Mapping[str, str] = MappingProxyType({"quantity": "quantity_filled", "value": "value_filled"})
    BOUNDED: Mapping[str, str] = MappingProxyType({"quantity": "quantity_bounded", "value": "value_bounded"})
    OUTLIER: Mapping[str, str] = Verdict.OUTLIER
    BOT = "bot"


_MEANING: Mapping[str, tuple[str, str]] = {
    # rows that could not be read as events
    "missing_user": ("no user", "无用户"),
    "missing_time": ("no time", "无时间"),
    "bad_time": ("unreadable time", "时间无法识别"),
    "time_out_of_range": ("impossible time", "时间超出范围"),
    "missing_action": ("no action", "无行为"),
    "bad_number": ("unreadable number", "数字无法识别"),
    "missing_item_id": ("no item id", "无商品编号"),
    "superseded": ("superseded by a later row", "被后面的行取代"),
    "not_a_product": ("no product", "不是商品"),
    # messages, or parts of them, that could not be used
    "empty_record": ("record without a value", "空记录"),
    "bad_message": ("unreadable message", "消息无法识别"),
    "too_large": ("message too large", "消息过大"),
    "unknown_type": ("unknown type of message", "未知消息类型"),
    "missing_event": ("no name of an event", "无事件名称"),
    "id_too_long": ("id too long", "编号过长"),
    "message_id_too_long": ("message id too long", "消息编号过长"),
    "bad_id": ("id with control characters", "编号含控制字符"),
    "refused_id": ("id of nobody in particular", "编号不代表具体的人"),
    "conflicting_id": ("id taken by another message", "消息编号冲突"),
    "already_joined": ("id of another person", "编号属于另一人"),
    "names_another": ("name of another user", "是另一用户的名称"),
    "too_many_ids": ("too many ids of one person", "一人编号过多"),
    # what the log does with a delivery
    "events": ("events", "事件"),
    "duplicate": ("already known", "重复"),
    "conflict": ("id taken by another message", "编号冲突"),
    "new": ("new", "新增"),
    "duplicates": ("already known", "重复"),
    "conflicts": ("id taken by another event", "编号冲突"),
    "erased": ("user was erased", "用户已被删除"),
    "no_consent": ("user does not let it be kept", "用户未同意留存"),
    "past_retention": ("past retention", "超过保留期限"),
    "erased_since": ("erased since", "后来被删除"),
    "after_as_of": ("after the moment asked for", "晚于所问时刻"),
    # verdicts
    Verdict.UNKNOWN_ACTION: ("unknown action", "未知行为"),
    Verdict.TOO_EARLY: ("too early", "时间过早"),
    Verdict.TOO_LATE: ("in the future", "时间在未来"),
    Verdict.NO_ITEM: ("no item", "无商品"),
    Verdict.REPEATED_ROW: ("exact repeat", "完全重复"),
    Verdict.ZERO_QUANTITY: ("quantity zero", "数量为零"),
    Verdict.NEGATIVE_QUANTITY: ("negative quantity", "数量为负"),
    Verdict.NEGATIVE_VALUE: ("negative amount", "金额为负"),
    "quantity_missing": ("quantity not said", "缺少数量"),
    "value_missing": ("amount not said", "缺少金额"),
    "quantity_outlier": ("quantity far out", "数量异常"),
    "value_outlier": ("amount far out", "金额异常"),
    # repairs and flags
    Repair.TO_REFUND: ("negative purchase became a refund", "负数购买转为退款"),
    Repair.REFUND_SIGN: ("refund made positive", "退款取正"),
    Repair.NEGATIVE_VALUE: ("negative amount removed", "负金额清除"),
    Repair.ZERO_QUANTITY: ("quantity zero became one", "零数量改为一"),
    "quantity_filled": ("quantity filled in", "补全数量"),
    "value_filled": ("amount filled in", "补全金额"),
    "quantity_bounded": ("quantity bounded", "数量截断"),
    "value_bounded": ("amount bounded", "金额截断"),
    Repair.BOT: ("bot-like user", "疑似机器人"),
}


def describe(word: str, language: Language) -> str:
    """What a reason means, for people; a word nobody has described is shown as it is, spaced."""
    english, chinese = _MEANING.get(word, (word.replace("_", " "),) * 2)
    return chinese if language == "zh" else english
