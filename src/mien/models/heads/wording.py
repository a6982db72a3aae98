"""Reasons of a head in the shop's language: what a feature is, what its value was, and which way it pulled."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mien.core.phrase import Language as Language
from mien.models.heads.classifier import Contribution

_DIRECTION: Mapping[Language, tuple[str, str]] = {"en": ("raises it", "lowers it"), "zh": ("提高", "降低")}
_SENTENCE: Mapping[Language, str] = {"en": "{what}: {way}", "zh": "{what}：{way}"}
_UNKNOWN: Mapping[Language, str] = {"en": "unknown", "zh": "未知"}
_ACTIONS_ZH = {
    "search": "搜索",
    "view": "浏览",
    "cart": "加购",
    "uncart": "移出购物车",
    "favourite": "收藏",
    "purchase": "购买",
    "refund": "退款",
    "review": "评价",
    "rate": "评分",
    "share": "分享",
    "impression": "曝光",
    "click": "点击",
    "events": "行为",
    "orders": "订单",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS = "|".join(_ACTIONS_ZH)
# (pattern of the feature's name, English, Chinese); {v} is the value, {1} and {2} what the pattern caught.
_PATTERNS: tuple[tuple[str, str, str], ...] = (
    (r"(?:.+:)?vector\.\d+", "the pattern of what was done", "行为模式"),
    (r"ease|ease\.sum|forward|vector.*", "what people alike buy", "相似用户的购买"),
    (rf"({_WORDS})\.all", "{1} × {v} in all", "累计{1} {v} 次"),
    (rf"({_WORDS})\.(\d+)d", "{1} × {v} in the last {2} days", "近 {2} 天{1} {v} 次"),
    (rf"({_WORDS})\.half(\d+)", "how often {1} lately (half-life {2} days): {v}", "近期{1}频率（半衰期 {2} 天）{v}"),
    (r"spend\.all", "{v} spent in all", "累计消费 {v}"),
    (r"spend\.(\d+)d", "{v} spent in the last {1} days", "近 {1} 天消费 {v}"),
    (r"(?:spend|value|lines)\.half(\d+)", "how much is bought lately: {v}", "近期购买量 {v}"),
    (r"(?:orders|spend)\.trend", "lately {v} times the long run", "近期为长期水平的 {v} 倍"),
    (r"recency_days", "last seen {v} days ago", "距上次到访 {v} 天"),
    (r"order_recency_days|since", "last order {v} days ago", "距上次下单 {v} 天"),
    (r"tenure_days|tenure", "known for {v} days", "已认识 {v} 天"),
    (r"gap_days|gap", "an order every {v} days", "平均每 {v} 天下单"),
    (r"gap\.(?:late|last)_days", "lately an order every {v} days", "近期每 {v} 天下单"),
    (r"gap\.longest_days", "longest pause {v} days", "最长间隔 {v} 天"),
    (r"gap\.(?:spread|irregularity).*", "how regularly orders come: {v}", "下单规律性 {v}"),
    (r"(?:own\.)?due[._]spread", "beyond the usual pause, in its spread: {v}", "超出通常间隔的程度（以其波动计）{v}"),
    (r"due.*", "time since the last order, {v} of the usual pause", "距上次下单为通常间隔的 {v} 倍"),
    (r"order_(\d+)_back_days", "the last {1} orders within {v} days", "最近 {1} 单在 {v} 天内"),
    (r"orders|orders\.n", "{v} orders", "共 {v} 笔订单"),
    *(
        (rf"orders\.weekday{k}", f"share of orders on a {day}: {{v}}", f"星期{sign}下单占比 {{v}}")
        for k, (day, sign) in enumerate(zip(_DAYS, "一二三四五六日", strict=True))
    ),
    (r"orders\.quarter(\d)|hour\..*|weekday\..*|weekend", "the hours and days of shopping", "购物的时段"),
    (r"weeks_with_orders.*", "orders in {v} of the last 12 weeks", "近 12 周有 {v} 周下单"),
    (r"active_days", "active on {v} days", "活跃 {v} 天"),
    (r"items(?:\..*)?", "how many different items: {v}", "不同商品数 {v}"),
    (r"repeat\..*", "share bought again: {v}", "复购占比 {v}"),
    (r"(?:average_order|order\.value.*)", "an order is worth {v}", "客单价 {v}"),
    (r"(?:order\.(?:lines|pieces).*|small_orders|price_of_piece)", "the size of an order: {v}", "订单大小 {v}"),
    (r"own\.since", "last bought {v} days ago", "距上次购买 {v} 天"),
    (r"own\.(?:due|orders_due).*", "it is {v} of the way to being due", "已到通常复购间隔的 {v} 倍"),
    (r"own\.gap.*", "bought every {v} days", "每 {v} 天购买"),
    (r"own\.(\d+)d", "bought {v} times in the last {1} days", "近 {1} 天购买 {v} 次"),
    (r"own\.half(\d+)", "bought lately (half-life {1} days) {v} times", "近期（半衰期 {1} 天）购买 {v} 次"),
    (r"own\.(?:per_order\d+|orders_share)", "in {v} of the orders", "出现在 {v} 的订单中"),
    (r"own\.(?:share|place)", "its place among what is bought: {v}", "在所购商品中的占比或名次 {v}"),
    (r"own\.orders_since", "orders since it was bought: {v}", "上次购买后又下了 {v} 单"),
    (r"own\..*", "how often it was bought before: {v}", "以往购买频率 {v}"),
    (r"label\..*", "how much it is bought by everybody: {v}", "整体购买热度 {v}"),
    (r"[\w.]+\.(?:half\d+|since)", "what else of its kind was bought: {v}", "同类商品的购买 {v}"),
    (r"(.+)=(.+)\.recency_days", "{2}: last {v} days ago", "“{2}”距上次 {v} 天"),
    (r"(.+)=(.+)", "{2} is {v} of the liking", "“{2}”偏好占比 {v}"),
    (r"(\w+)>(\w+)", "{2} follows {1}: {v}", "{1}之后{2}：{v}"),
)


def reason(language: Language, told: Contribution) -> str:
    """ "last order 3 days ago: raises it", "距上次下单 3 天：提高"."""
    way = _DIRECTION[language][0 if told.contribution > 0 else 1]
    return _SENTENCE[language].format(what=phrase(language, told.name, told.value), way=way)


@lru_cache(maxsize=4096)
def kind(name: str) -> str:
    """What sort of reason a feature is: two of one sort say nearly the same."""
    return next((pattern for pattern, _, _ in _PATTERNS if re.fullmatch(pattern, name)), name)


def reasons(language: Language, told: Iterable[Contribution], k: int) -> tuple[str, ...]:
    """The first k contributions in words, one of each sort."""
    first: dict[str, Contribution] = {}
    for one in told:
        first.setdefault(kind(one.name), one)
    return tuple(reason(language, one) for one in list(first.values())[:k])


def phrase(language: Language, name: str, value: float) -> str:
    """A feature and its value in words; a name of no known pattern stands as it is."""
    shown = _UNKNOWN[language] if math.isnan(value) else number(value)
    for pattern, english, chinese in _PATTERNS:
        found = re.fullmatch(pattern, name)
        if found:
            caught = tuple(part or "" for part in found.groups())
            if language == "zh":
                caught = tuple(_ACTIONS_ZH.get(part, part) for part in caught)
            return (english if language == "en" else chinese).format("", *caught, v=shown)
    return f"{name} {shown}"


def number(value: float) -> str:
    """A number short enough to read: 0.25, 2.1, 24, 1,050."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"
