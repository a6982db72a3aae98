"""Every phrase of storefront and console, in English and Chinese: one table, put together from its parts."""

from collections.abc import Mapping

from mien.profiles.wording import Language
from mien.web.look.words_console import CONSOLE
from mien.web.look.words_desk import DESK
from mien.web.look.words_store import STORE

SHARED: Mapping[str, tuple[str, str]] = {
    "skip": ("Skip to content", "跳到正文"),
    "language": ("Language", "语言"),
    "other_language": ("中文", "English"),
    "theme_dark": ("Dark colours", "深色"),
    "theme_light": ("Light colours", "浅色"),
    "store": ("Store", "商城"),
    "console": ("Console", "控制台"),
    "api": ("API", "接口"),
    "close": ("Close", "关闭"),
    "cancel": ("Cancel", "取消"),
    "loading": ("Loading", "加载中"),
    "again": ("Try again", "重试"),
    "previous": ("Previous", "上一页"),
    "next_page": ("Next", "下一页"),
    "page_of": ("{first}–{last} of {total}", "第 {first}–{last} 项，共 {total} 项"),
    "of": ("{what}: {text}", "{what}：{text}"),
    "numbers": ("The numbers", "数据表"),
    "base": ("Base: where every item begins", "基础分：每件商品的起点"),
    "score": ("Score", "得分"),
    "failed": ("This could not be shown", "无法显示"),
    "failed_more": ("Something went wrong inside. The server's log says what.", "内部出错，详情见服务器日志。"),
    "missing_page": ("There is no such page", "没有这个页面"),
    "missing_page_more": ("The address may be mistyped, or the page was moved.", "地址可能有误，或页面已移动。"),
    "not_built": ("Nothing is built yet", "尚未构建"),
    "to_store": ("To the store", "前往商城"),
    "today": ("today", "今天"),
    "unknown": ("unknown", "未知"),
    "category": ("Category", "类目"),
    "brand": ("Brand", "品牌"),
    "colour": ("Colour", "颜色"),
    "price_band": ("Price band", "价格带"),
    "price": ("Price", "价格"),
    "band_of": ("Band {value} of 5", "第 {value} 档（共 5 档）"),
    "facet": ("Facet", "维度"),
    "value": ("Value", "值"),
    "events": ("Events", "事件"),
    "users": ("Users", "用户"),
    "day_0": ("Mon", "周一"),
    "day_1": ("Tue", "周二"),
    "day_2": ("Wed", "周三"),
    "day_3": ("Thu", "周四"),
    "day_4": ("Fri", "周五"),
    "day_5": ("Sat", "周六"),
    "day_6": ("Sun", "周日"),
    "act_search": ("search", "搜索"),
    "act_view": ("view", "浏览"),
    "act_cart": ("add to cart", "加购"),
    "act_uncart": ("take out of cart", "移出购物车"),
    "act_favourite": ("favourite", "收藏"),
    "act_purchase": ("purchase", "购买"),
    "act_refund": ("refund", "退款"),
    "act_review": ("review", "评价"),
    "act_rate": ("rating", "评分"),
    "act_share": ("share", "分享"),
    "act_impression": ("impression", "曝光"),
    "act_click": ("click", "点击"),
}
TEXT: Mapping[str, tuple[str, str]] = {**SHARED, **STORE, **CONSOLE, **DESK}


def say(key: str, language: Language, **facts: object) -> str:
    """The phrase of a key with its facts filled in."""
    phrase = TEXT[key][language == "zh"]
    return phrase.format(**facts) if facts else phrase
