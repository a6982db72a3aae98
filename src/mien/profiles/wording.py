"""What a profile says of itself, in English and Chinese."""

from collections.abc import Mapping

from mien.core.event import Action
from mien.core.phrase import Language as Language
from mien.features.prices import BANDS, PRICE_BAND

FACETS: Mapping[Language, Mapping[str, str]] = {
    "en": {"category": "category", "brand": "brand", "colour": "colour", "price_band": "price band", "price": "price"},
    "zh": {"category": "类目", "brand": "品牌", "colour": "颜色", "price_band": "价格带", "price": "价格"},
}
LIFECYCLES: Mapping[Language, Mapping[str, str]] = {
    "en": {"new": "New", "active": "Active", "lapsing": "Lapsing", "lost": "Lost"},
    "zh": {"new": "新用户", "active": "活跃用户", "lapsing": "正在流失的用户", "lost": "已流失的用户"},
}
DAY_PARTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "night": "at night",
        "morning": "in the morning",
        "afternoon": "in the afternoon",
        "evening": "in the evening",
    },
    "zh": {"night": "夜间", "morning": "上午", "afternoon": "下午", "evening": "晚上"},
}
ACTION_NAMES: Mapping[str, str] = {
    Action.SEARCH: "搜索",
    Action.VIEW: "浏览",
    Action.CART: "加购",
    Action.UNCART: "移出购物车",
    Action.FAVOURITE: "收藏",
    Action.PURCHASE: "购买",
    Action.REFUND: "退款",
    Action.REVIEW: "评价",
    Action.RATE: "评分",
    Action.SHARE: "分享",
    Action.IMPRESSION: "曝光",
    Action.CLICK: "点击",
}
_SENTENCES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "tag_weight": "{tag}: {weight} of what this user chooses, {lift} times the share of everybody.",
        "tag_sure": "That they like it more than others do is {confidence} sure, from {events}.",
        "tag_acts": "Mostly from: {acts}.",
        "tag_rising": "Lately more than before.",
        "tag_falling": "Lately less than before.",
        "tag_expires": "Without a new sign it ends on {date}.",
        "nothing": "Nothing is known of this user yet.",
        "life": "{lifecycle} user, first seen on {first}, last seen {ago}; {visits}, {events}.",
        "orders": "{orders}",
        "spent": "{spend} spent, {average} on average",
        "gap": "one every {gap} days",
        "likes": "Likes {tags}.",
        "tag": "{tag} ({weight}, {lift}× the average)",
        "asks": "Searches for {queries}.",
        "writes": "Writes of {words}.",
        "when": "Usually comes {part}.",
        "next": "Next, most likely: {action} ({chance}).",
    },
    "zh": {
        "tag_weight": "{tag}：占该用户选择的 {weight}，是全体用户占比的 {lift} 倍。",
        "tag_sure": "比一般人更喜欢它的把握为 {confidence}，依据 {events}。",
        "tag_acts": "主要来自：{acts}。",
        "tag_rising": "近期有所上升。",
        "tag_falling": "近期有所下降。",
        "tag_expires": "若无新的行为，将于 {date} 失效。",
        "nothing": "对该用户尚无了解。",
        "life": "{lifecycle}，首次到访于 {first}，最近一次到访：{ago}；{visits}，{events}。",
        "orders": "共 {orders}",
        "spent": "消费 {spend}，平均每单 {average}",
        "gap": "约每 {gap} 天一单",
        "likes": "喜欢{tags}。",
        "tag": "{tag}（{weight}，为平均的 {lift} 倍）",
        "asks": "常搜索{queries}。",
        "writes": "评价中提到{words}。",
        "when": "通常在{part}到访。",
        "next": "下一步最可能是{action}（{chance}）。",
    },
}


def say(language: Language, what: str, **facts: object) -> str:
    """The sentence `what` with its facts filled in."""
    return _SENTENCES[language][what].format(**facts)


def action_name(language: Language, action: str) -> str:
    """An action as people call it."""
    return str(action) if language == "en" else ACTION_NAMES.get(action, action)


def act(language: Language, action: str, n: int, title: str) -> str:
    """ "purchase of Green tea, 3 times", "购买“龙井”3 次"."""
    if language == "zh":
        return f"{action_name(language, action)}“{title}”{n} 次"
    return f"{action} of {title}, {'once' if n == 1 else f'{n} times'}"


def count(language: Language, n: int, what: str) -> str:
    """ "1 visit", "3 visits", "到访 3 次"; `what`: order, visit or event."""
    if language == "zh":
        return {"order": f"{n} 笔订单", "visit": f"到访 {n} 次", "event": f"{n} 个事件"}[what]
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def liking_name(language: Language, facet: str, value: str) -> str:
    """What a tag is called: "brand Northwind", "price band 3 of 5", "品牌“西湖”"."""
    name = FACETS[language].get(facet, facet)
    if facet == PRICE_BAND:
        return f"{name} {value} of {BANDS}" if language == "en" else f"{name}第 {value} 档（共 {BANDS} 档）"
    return f"{name} {value}" if language == "en" else f"{name}“{value}”"


def ago(language: Language, days: int) -> str:
    """ "today", "9 days ago", "9 天前"."""
    if language == "zh":
        return "今天" if days <= 0 else f"{days} 天前"
    return "today" if days <= 0 else "1 day ago" if days == 1 else f"{days} days ago"


def number(value: float) -> str:
    """A number short enough to read: 2.1, 24, 1,050."""
    return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"


def join(language: Language, parts: list[str]) -> str:
    """ "a, b and c", "a、b、c"."""
    if language == "zh":
        return "、".join(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
