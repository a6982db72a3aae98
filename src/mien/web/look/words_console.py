"""What the console says, in English and Chinese."""

from collections.abc import Mapping

CONSOLE: Mapping[str, tuple[str, str]] = {
    "nav_overview": ("Overview", "总览"),
    "nav_users": ("Users", "用户"),
    "nav_tags": ("Tags", "标签"),
    "nav_segments": ("Segments", "人群"),
    "nav_quality": ("Search quality", "搜索质量"),
    "nav_system": ("System", "系统"),
    "sections": ("Sections", "栏目"),
    "pages": ("Pages", "分页"),
    "find": ("Find", "查找"),
    "user": ("User", "用户"),
    "lifecycle": ("Stage of life", "生命周期"),
    "traits": ("Traits", "属性"),
    "orders": ("Orders", "订单"),
    "last_seen": ("Last seen", "最近到访"),
    "users_lead": ("{n} found", "找到 {n} 人"),
    "users_find": ("Id, trait, or name=value such as income=15-24K", "编号、属性，或 属性名=值，例如 income=15-24K"),
    "users_none": ("Nobody is found by “{text}”", "没有与“{text}”相符的用户"),
    "users_none_more": (
        "Look for a part of an id, a declared value, or a trait and its value: age=25-34.",
        "可输入编号的一部分、用户声明的值，或属性及其值：age=25-34。",
    ),
    "no_keys": (
        "No keys are set up: the console is open to whoever uses this machine, and to nobody else.",
        "尚未设置密钥：控制台仅对本机使用者开放，外部无法访问。",
    ),
}
