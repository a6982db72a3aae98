"""What reports say, in English and Chinese."""

from collections.abc import Mapping

from mien.profiles.wording import ACTION_NAMES, FACETS, Language

__all__ = ["TEXT", "Language", "action_name", "facet_name", "intent_name", "say", "step_name"]

TEXT: Mapping[str, tuple[str, str]] = {
    "quality": ("Quality of the events", "事件数据质量"),
    "quality_lead": ("What came in, what became of it, and why.", "读入了什么，如何处理，以及原因。"),
    "came_in": ("Rows read", "读入行数"),
    "kept": ("Kept", "保留"),
    "untouched": ("As it came", "未改动"),
    "changed": ("Changed", "修正"),
    "dropped": ("Left out", "剔除"),
    "flagged": ("Flagged", "标记"),
    "rejected": ("Rejected", "拒收"),
    "known": ("Already in the log", "日志中已有"),
    "gone": ("Not judged", "未参与判定"),
    "where_rows_went": ("Where the rows went", "各行去向"),
    "events": ("Events", "事件数"),
    "reason": ("Reason", "原因"),
    "action": ("Action", "行为"),
    "hour": ("Hour", "小时"),
    "day": ("Day", "日期"),
    "week": ("Week from", "周（起始日）"),
    "month": ("Month", "月份"),
    "per_day": ("Kept events per day", "每日保留事件"),
    "per_week": ("Kept events per week", "每周保留事件"),
    "per_month": ("Kept events per month", "每月保留事件"),
    "per_hour": ("Kept events per hour of the day", "一天中各小时的保留事件"),
    "per_action": ("Kept events per action", "各行为的保留事件"),
    "why_rejected": ("Why rows were rejected", "拒收原因"),
    "why_dropped": ("Why events were left out", "剔除原因"),
    "why_changed": ("Why events were changed", "修正原因"),
    "why_flagged": ("Why events were flagged", "标记原因"),
    "several": (
        "An event may have several reasons; it is counted once in the total.",
        "一个事件可有多个原因，总数中只计一次。",
    ),
    "adds_up": ("Every count on this page adds up.", "本页所有计数相互吻合。"),
    "numbers": ("The numbers", "数据表"),
    "refunds": ("Refunds with their purchase", "找到对应购买的退款"),
    "repeats": ("Exact repeats", "完全重复的行"),
    "of": ("of", "/"),
    "traits": ("Traits", "属性"),
    "activity": ("Activity", "活动"),
    "value": ("Value", "价值"),
    "next": ("Next, most likely", "接下来最可能"),
    "next_items": ("Next items", "可能想要的商品"),
    "expected": ("Expected spend", "预期消费"),
    "days": ("days", "天"),
    "segments": ("Segments", "人群"),
    "sessions": ("sessions", "会话"),
    "orders": ("orders", "订单"),
    "weight": ("weight", "权重"),
    "lift": ("lift", "提升度"),
    "confidence": ("sure", "置信度"),
    "personal": ("personalised", "个性化"),
    "not_personal": ("not personalised", "非个性化"),
    "found": ("found", "个匹配"),
    "drafted": (
        "Read with this mapping (drafted from the columns; change it and give it by --map):",
        "按以下列映射读入（根据列名和内容推断；可修改后用 --map 指定）：",
    ),
    "understood": ("Understood:", "理解为："),
    "item": ("Item", "商品"),
    "score": ("Score", "得分"),
    "reasons": ("Reasons", "理由"),
    "other_reasons": ("others", "其他"),
    "model": ("Model", "模型"),
    "facet": ("Profile by facet", "画像维度"),
    "read_under": ("Read as of its time, under", "读取依据："),
    "lifecycle": ("Stage of life", "生命周期"),
    "visits": ("Visits", "到访次数"),
    "orders_n": ("Orders", "订单"),
    "spent": ("Spent", "消费"),
    "average": ("Average order", "平均订单"),
    "trait": ("Trait", "属性"),
    "value_of": ("Value", "值"),
    "declared": ("declared", "声明"),
    "by_hour": ("By hour of the day", "按一天中的小时"),
    "by_weekday": ("By weekday", "按星期"),
    "intents": ("What they may do", "可能的行为"),
    "recommended": ("Recommended, and why", "推荐与理由"),
    "size": ("Users", "用户数"),
    "of_everyone": ("Of everyone", "占全体"),
    "rule": ("Rule", "规则"),
    "apart": ("What tells them apart", "与全体的差异"),
    "facet_of": ("Facet", "维度"),
    "share_in": ("In the segment", "人群占比"),
    "share_of_all": ("Everyone's", "全体占比"),
    "tgi": ("TGI", "TGI 指数"),
    "tgi_is": (
        "TGI: 100 × the share in the segment over everyone's. Sure: the probability that the segment's is higher.",
        "TGI = 100 × 人群占比 ÷ 全体占比。置信度：人群占比更高的概率。",
    ),
    "rfm": ("Users by recency and frequency, quintiles, 5 best", "近度与频度五分位上的用户数，5 为最好"),
    "recency": ("Recency", "近度"),
    "frequency": ("Frequency", "频度"),
    "comes_back": ("The share of each monthly cohort that did anything later", "各月队列之后仍有行为的占比"),
    "cohort": ("Cohort", "队列"),
    "users_n": ("Users", "用户"),
    "intervals": ("In brackets: 95 % intervals over users.", "方括号内为按用户计算的 95% 区间。"),
}


def say(key: str, language: Language) -> str:
    """The words of a key."""
    return TEXT[key][language == "zh"]


STEPS: Mapping[str, str] = {
    "read": "读取",
    "judge events": "检查事件",
    "judge items": "检查商品",
    "judge users": "检查用户",
    "keep events": "保存事件",
    "prepare": "整理",
    "fold profiles": "计算画像",
    "fit the population": "统计总体",
    "index texts": "建立文本索引",
    "index neighbours": "建立近邻索引",
    "index meaning": "建立语义索引",
    "write profiles": "写出画像",
    "consume": "接收",
    "encode texts": "文本编码",
    "train behaviour": "训练行为模型",
    "heads": "训练意图与属性模型",
    "rehearse questions": "从购买中学习搜索排序",
    "rehearse recommendations": "从购买中学习推荐排序",
    "read answers": "读取曝光",
    "fitting models": "拟合模型",
    "ranking baskets": "给购物篮排序",
    "profile accuracy": "检验标签准确度",
}
"""Steps of long work in Chinese; another is shown as it is called."""


def step_name(name: str, language: Language) -> str:
    """A step of long work for people; one that ends in a model's name keeps that."""
    if language == "en" or name in STEPS:
        return name if language == "en" else STEPS[name]
    return f"训练 {name.removeprefix('train ')}" if name.startswith("train ") else name


def action_name(action: str, language: Language) -> str:
    """An action for people."""
    return ACTION_NAMES.get(action, action) if language == "zh" else action


def intent_name(name: str, language: Language) -> str:
    """An intent for people: `purchase_14d` is "buys within 14 days", `category=Tea` "buys from Tea"."""
    kind, sign, value = name.partition("=")
    if sign:
        return f"buys from {value}" if language == "en" else f"购买“{value}”"
    kind, _, days = kind.rpartition("_")
    words = {
        "purchase": ("buys within {n} days", "{n} 天内购买"),
        "churn": ("stays away for {n} days", "{n} 天内不再购买"),
    }
    told = words.get(kind)
    return told[language == "zh"].format(n=days.removesuffix("d")) if told else name


def facet_name(facet: str, language: Language) -> str:
    """A facet for people."""
    return FACETS[language].get(facet, facet)
