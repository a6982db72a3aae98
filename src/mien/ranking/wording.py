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
    "meaning": "it means nearly what you searched for (cosine {cosine})",
    "words": "it holds {n} of the {of} words of your search; which, and where, counts as judges taught",
    "spelling": "letter by letter its words are {n}% those of your search",
    "reranker": "read together with your search, it fits ({share})",
    "understood": "what your search names: {named}",
    "popular": "number {rank} of all by popularity",
    "repeat": "you bought this {times}, last {ago}",
    "seen": "you {did} this {times}, last {ago}",
    "neighbour": "people who choose {title} choose this too; you {did} that {ago}",
    "category": "it is of {category}, which you searched for",
    "fresh": "{short} of its {long} sales of 90 days fall in the last 28",
    "behaviour": "it often comes next after what you did lately; you {did} {title} {ago}",
    "taste": "it goes with what you choose, above all with {title}",
    "price_above": "it costs more than you usually pay here (about {usual})",
    "price_below": "it costs no more than you usually pay here (about {usual})",
    "brand": "{brand} is {share} of what you buy here",
    "tag": "you like {tag} ({share} of what you choose)",
    "pin": "placed first by the shop",
    "cap": "moved down: {n} others of {value} come before it",
    "variety": "moved down: it is like {title}, which comes before it",
    "visit_own": "you looked at this just now",
    "visit": "goes well with {title}, which you looked at just now",
    "segment": "popular among people who told us the same as you ({traits})",
    "content": "described like {title}",
    "complement": "bought together with {title} {times}, at least {lift} times as often as by chance",
    "due": "you buy this about every {gap} days, last {ago}; {chance} likely within {days} days",
    "due_once": "you bought this once, {ago}; others again after about {gap} days; {chance} likely within {days} days",
    "trend": "on the rise: chosen {recent} times in {days} days, {past} before; at least {growth}× the shop's growth",
    "new": "new: came {ago}, chosen {acts}; places among the new are drawn by lot each hour, so that each is seen",
    "bought_once": "you bought this {ago}; of those who buy such a thing {share} buy it again within {days} days",
    "bought_wait": "not due yet: you buy this about every {gap} days, last {ago}",
    "bought_durable": "you bought {title} {ago}; {share} of buyers buy from {category} again within {days} days",
    "rule_higher": "placed higher by the shop{until}",
    "rule_lower": "placed lower by the shop{until}",
    "rule_hidden": "hidden by the shop{until}",
    "rule_until": " until {day}",
    "nothing_of_kind": "There is nothing to show of the kind {kind}; what is popular is shown instead.",
    "without": "without “{reason}” it would be {place}",
    "once_more_bought": "with one more purchase of it today it would be {place}",
    "once_more_seen": "looked at once more today it would be {place}",
    "sold_out": "it is sold out",
    "filtered": "the filter {facet} asks for {asked}; this is {own}",
    "excluded": "the filter {facet} leaves out {asked}; this is {own}",
    "bought_never": "you have bought it, and this shop shows nothing twice",
    "in_cart": "it is in the cart already",
    "not_found": "the search does not find it",
    "no_candidate": "no source of candidates brings it ({sources})",
    "nearly_popular": "; by popularity it is number {rank}, the first {limit} are looked at",
    "below": "it is {place} of {total}; the first {k} are shown",
    "source_popular": "what is popular",
    "source_own": "what you bought or looked at",
    "source_bought": "what you bought",
    "source_neighbours": "what people with the same things choose",
    "source_favourite": "your favourite categories",
    "source_behaviour": "what often comes next",
    "source_visit": "this visit",
    "source_segment": "people who told the same",
    "source_alike": "what is alike",
    "source_complements": "what is bought together",
    "source_rising": "what is on the rise",
    "source_new": "what is new",
    "alike": "like {title}: {shared}",
    "shared_buyers": "chosen by the people who choose {title}",
    "empty": "Nothing matches “{query}”; these are suggestions instead.",
    "relaxed": "Few items match every word of “{query}”; items that match some of them follow.",
    "by_meaning": "Few items hold every word of “{query}”; items that mean nearly the same follow.",
    "corrected": "Nothing is called “{query}”; shown is “{corrected}”.",
    "unknown_user": "This user is not known; the answer is that of an anonymous visitor.",
    "unavailable": "This item is not available and would not be shown.",
}
_ZH = {
    "base": "每件商品的起点",
    "text": "文字与搜索相符",
    "meaning": "含义与搜索相近（余弦 {cosine}）",
    "words": "含有搜索的 {of} 个词中的 {n} 个；是哪些、在何处，按人工评判计入",
    "spelling": "逐字母看，它的词与搜索的词相合 {n}%",
    "reranker": "与搜索放在一起读，相符程度 {share}",
    "understood": "正是搜索所说的{named}",
    "popular": "热度排名第 {rank} 位",
    "repeat": "您购买过 {times}（最近一次：{ago}）",
    "seen": "您{did}过 {times}（最近一次：{ago}）",
    "neighbour": "选择“{title}”的人也选择它；您{did}过那件商品（{ago}）",
    "category": "属于您搜索的“{category}”",
    "fresh": "90 天内售出 {long} 件，其中 {short} 件在最近 28 天",
    "behaviour": "在您最近的行为之后常常轮到它；您{did}过“{title}”（{ago}）",
    "taste": "与您的选择相配，尤其与“{title}”相配",
    "price_above": "高于您在此类商品上的通常价位（约 {usual}）",
    "price_below": "不高于您在此类商品上的通常价位（约 {usual}）",
    "brand": "{brand}占您此类购买的 {share}",
    "tag": "您喜欢{tag}（占您选择的 {share}）",
    "pin": "由店铺置顶",
    "cap": "后移：前面已有 {n} 件{value}",
    "variety": "后移：与前面的“{title}”相似",
    "visit_own": "您刚刚看过",
    "visit": "与您刚刚看过的“{title}”相配",
    "segment": "在与您情况相同（{traits}）的人中受欢迎",
    "content": "描述与“{title}”相近",
    "complement": "与“{title}”一起买过 {times}，至少是偶然情况的 {lift} 倍",
    "due": "您大约每 {gap} 天买一次（上一次：{ago}）；{days} 天内再买的可能为 {chance}",
    "due_once": "您买过一次（{ago}）；再买的人大约隔 {gap} 天，{days} 天内再买的可能为 {chance}",
    "trend": "正在上升：最近 {days} 天被选择 {recent} 次，此前同样时长 {past} 次；增速至少是全店的 {growth} 倍",
    "new": "新品：{ago}上架，至今被选择 {acts}；新品的位置每小时抽签决定，让每件都有机会被看到",
    "bought_once": "您已买过（{ago}）；此类商品的买家有 {share} 在 {days} 天内再买同一件",
    "bought_wait": "还没到时候：您大约每 {gap} 天买一次（上一次：{ago}）",
    "bought_durable": "您买过“{title}”（{ago}）；买家有 {share} 在 {days} 天内再买{category}",
    "rule_higher": "由店铺前移{until}",
    "rule_lower": "由店铺后移{until}",
    "rule_hidden": "由店铺隐藏{until}",
    "rule_until": "，至 {day}",
    "nothing_of_kind": "没有可展示的 {kind} 推荐，以下是热门商品。",
    "without": "如果没有“{reason}”，它会排{place}",
    "once_more_bought": "如果今天再买一次，它会排{place}",
    "once_more_seen": "如果今天再看一次，它会排{place}",
    "sold_out": "已售完",
    "filtered": "筛选条件 {facet} 要求 {asked}，这件是{own}",
    "excluded": "筛选条件 {facet} 排除了 {asked}，这件是{own}",
    "bought_never": "您已买过，本店不再展示买过的商品",
    "in_cart": "已在购物车中",
    "not_found": "这次搜索找不到它",
    "no_candidate": "没有任何候选来源包含它（{sources}）",
    "nearly_popular": "；它的热度排第 {rank} 位，只看前 {limit} 位",
    "below": "它在 {total} 件中排{place}；只展示前 {k} 件",
    "source_popular": "热门商品",
    "source_own": "您买过或看过的",
    "source_bought": "您买过的",
    "source_neighbours": "选择相同商品的人所选的",
    "source_favourite": "您偏爱的类目",
    "source_behaviour": "常常接着发生的",
    "source_visit": "本次访问",
    "source_segment": "情况相同的人",
    "source_alike": "相似商品",
    "source_complements": "常一起购买的",
    "source_rising": "正在上升的",
    "source_new": "新品",
    "alike": "与“{title}”相似：{shared}",
    "shared_buyers": "选择“{title}”的人也选择它",
    "empty": "没有与“{query}”相符的商品，以下是推荐。",
    "relaxed": "完全符合“{query}”的商品很少，后面是部分符合的商品。",
    "by_meaning": "含有“{query}”所有词语的商品很少，后面是含义相近的商品。",
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


def ordinal(language: Language, n: int) -> str:
    """ "1st", "14th", "第 14 位"."""
    if language == "zh":
        return f"第 {n} 位"
    last = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{last}"


def ago(language: Language, then_us: int, now_us: int) -> str:
    """ "today", "9 days ago", "9 天前"."""
    return days_ago(language, (now_us - then_us) // DAY_US)
