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
    "sign_in": ("Sign in", "登录"),
    "sign_in_more": (
        "With an admin key, or a read key to look and change nothing. Make one with: mien keys add NAME --scope admin",
        "请使用 admin 密钥；read 密钥只能查看，不能修改。创建密钥：mien keys add NAME --scope admin",
    ),
    "key": ("Key", "密钥"),
    "wrong_key": (
        "This key opens nothing here: it is mistyped, revoked, or its scope is neither admin nor read.",
        "此密钥无法登录：输入有误、已被吊销，或权限既非 admin 也非 read。",
    ),
    "sign_out": ("Sign out", "退出"),
    "signed_in_admin": (
        "Signed in by the key “{name}”, which may change everything",
        "已用密钥“{name}”登录，可修改一切",
    ),
    "signed_in_read": (
        "Signed in by the key “{name}”, which may look; personal data is masked",
        "已用密钥“{name}”登录，仅可查看；个人数据已遮盖",
    ),
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
