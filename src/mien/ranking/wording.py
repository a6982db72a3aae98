"""What a reason says, in English and Chinese."""

from collections.abc import Mapping

from mien.core.clock import DAY_US
from mien.core.event import Action
from mien.profiles.wording import Language
from mien.profiles.wording import ago as days_ago
from mien.ranking.lexical import Tier

_EN = {
    "base": "where every item begins",
    "text": "its words match your search",
    "understood": "what your search names: {named}",
    "nearest": "Nothing holds the words of “{query}”; these are nearest in meaning.",
    "popular": "number {rank} of all by popularity",
    "repeat": "you bought this {times}, last {ago}",
    "seen": "you {did} this {times}, last {ago}",
    "neighbour": "people who choose {title} choose this too; you {did} that {ago}",
    "category": "it is of {category}, which you searched for",
    "fresh": "{short} of its {long} sales of 90 days fall in the last 28",
    "taste": "it goes with what you choose, above all with {title}",
    "price_above": "it costs more than you usually pay here (about {usual})",
    "price_below": "it costs no more than you usually pay here (about {usual})",
    "brand": "{brand} is {share} of what you buy here",
    "tag": "you like {tag} ({share} of what you choose)",
    "pin": "placed first by the shop",
    "diversity": "moved down: {n} others of {category} come before it",
    "alike": "like {title}: {shared}",
    "shared_buyers": "chosen by the people who choose {title}",
    "empty": "Nothing matches “{query}”; these are suggestions instead.",
    "relaxed": "Few items match every word of “{query}”; items that match some of them follow.",
    "corrected": "Nothing is called “{query}”; shown is “{corrected}”.",
    "unknown_user": "This user is not known; the answer is that of an anonymous visitor.",
    "unavailable": "This item is not available and would not be shown.",
}
_ZH = {
    "base": "每件商品的起点",
    "text": "文字与搜索相符",
    "understood": "正是搜索所说的{named}",
    "nearest": "没有商品含有“{query}”的词语，以下是意思最接近的商品。",
    "popular": "热度排名第 {rank} 位",
    "repeat": "您购买过 {times}，最近一次在{ago}",
    "seen": "您{did}过 {times}，最近一次在{ago}",
    "neighbour": "选择“{title}”的人也选择它；您{ago}{did}过那件商品",
    "category": "属于您搜索的“{category}”",
    "fresh": "90 天内售出 {long} 件，其中 {short} 件在最近 28 天",
    "taste": "与您的选择相配，尤其与“{title}”相配",
    "price_above": "高于您在此类商品上的通常价位（约 {usual}）",
    "price_below": "不高于您在此类商品上的通常价位（约 {usual}）",
    "brand": "{brand}占您此类购买的 {share}",
    "tag": "您喜欢{tag}（占您选择的 {share}）",
    "pin": "由店铺置顶",
    "diversity": "后移：前面已有 {n} 件{category}",
    "alike": "与“{title}”相似：{shared}",
    "shared_buyers": "选择“{title}”的人也选择它",
    "empty": "没有与“{query}”相符的商品，以下是推荐。",
    "relaxed": "完全符合“{query}”的商品很少，后面是部分符合的商品。",
    "corrected": "没有找到“{query}”，显示的是“{corrected}”。",
    "unknown_user": "没有这位用户的资料，按匿名访客回答。",
    "unavailable": "此商品不可售，不会展示。",
}
_TIERS: Mapping[Language, Mapping[Tier, str]] = {
    "en": {
        Tier.EXACT_TITLE: "its title is exactly what you searched for",
        Tier.ALL_CHARACTERS: "it holds the characters of your search, not its words",
        Tier.SOME_WORDS: "it holds only some words of your search",
        Tier.NO_WORD: "it holds no word of your search",
    },
    "zh": {
        Tier.EXACT_TITLE: "标题与搜索完全一致",
        Tier.ALL_CHARACTERS: "只含有搜索的单字",
        Tier.SOME_WORDS: "只符合搜索的部分词语",
        Tier.NO_WORD: "不含搜索的任何词语",
    },
}
_DID: Mapping[Language, Mapping[str, str]] = {
    "en": {
        Action.VIEW: "viewed",
        Action.CLICK: "clicked on",
        Action.CART: "put in the cart",
        Action.FAVOURITE: "saved",
        Action.PURCHASE: "bought",
        Action.REVIEW: "reviewed",
        Action.RATE: "rated",
        Action.SHARE: "shared",
    },
    "zh": {
        Action.VIEW: "浏览",
        Action.CLICK: "点击",
        Action.CART: "加购",
        Action.FAVOURITE: "收藏",
        Action.PURCHASE: "购买",
        Action.REVIEW: "评价",
        Action.RATE: "评分",
        Action.SHARE: "分享",
    },
}


def say(language: Language, what: str, **facts: object) -> str:
    """The sentence `what` with its facts filled in."""
    return (_EN if language == "en" else _ZH)[what].format(**facts)


def tier(language: Language, which: Tier) -> str:
    """Why an item stands above or below those that hold every word."""
    return _TIERS[language][which]


def did(language: Language, action: str) -> str:
    """What the user did, as a participle."""
    return _DID[language].get(action, "chose" if language == "en" else "选择")


def times(language: Language, n: int) -> str:
    """ "once", "3 times", "3 次"."""
    if language == "zh":
        return f"{n} 次"
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def ago(language: Language, then_us: int, now_us: int) -> str:
    """ "today", "9 days ago", "9 天前"."""
    return days_ago(language, (now_us - then_us) // DAY_US)
