"""The API answers in the language that is asked for; what programs match on is the same in each."""

import re

import pytest
from starlette.testclient import TestClient

from mien.shop import create
from mien.web.app import create_app
from mien.web.languages import preferred

CHINESE = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"}
HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
ENGLISH_SENTENCE = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN", "zh"),
        ("zh-Hant-TW,zh;q=0.9", "zh"),
        ("en-GB,zh;q=0.8", "en"),
        ("en;q=0.2, zh;q=0.8", "zh"),
        ("fr, zh;q=0.3", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("", "en"),
        ("zh;q=much", "en"),
    ],
)
def test_what_is_accepted(accepted: str, language: str) -> None:
    assert preferred(accepted, "en") == language


MISTAKES = {
    "unknown user": ("GET", "/v1/profiles/nobody", None, "用户“nobody”不存在。"),
    "unknown item": ("GET", "/v1/similar/nothing", None, "商品“nothing”不存在。"),
    "too many": ("GET", "/v1/similar/nothing?k=0", None, "query.k：不能小于 1"),
    "no number": ("GET", "/v1/similar/nothing?k=a", None, "query.k：应为整数"),
    "no route": ("GET", "/v1/nowhere", None, "没有这个地址"),
    "no method": ("DELETE", "/v1/search", None, "不支持这种请求方法"),
    "bad rule": ("POST", "/v1/segments", {"rule": "purchase.30d >="}, "规则到这里就结束了，还缺值。"),
    "bad batch": ("POST", "/v1/batch", {"batch": 3}, "正文不是一批消息：$.batch 处应为 array，而不是 int。"),
    "nothing there": ("POST", "/v1/search", {"query": "a", "sort": "odd"}, "排序方式“odd”不存在。"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_either_language(client: TestClient, name: str) -> None:
    method, path, body, told = MISTAKES[name]
    english = client.request(method, path, json=body)
    chinese = client.request(method, path, json=body, headers=CHINESE)
    assert english.status_code == chinese.status_code >= 400
    assert english.json()["code"] == chinese.json()["code"]
    assert told in chinese.json()["message"]
    assert not ENGLISH_SENTENCE.search(chinese.json()["message"])
    assert not HAN.search(english.json()["message"])
    assert (english.headers["content-language"], chinese.headers["content-language"]) == ("en", "zh")
    assert chinese.headers["vary"] == "Accept-Language"


def test_what_is_not_built_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with create(tmp_path_factory.mktemp("empty") / "shop") as shop, TestClient(create_app(shop)) as client:
        assert client.get("/readyz", headers=CHINESE).json()["message"] == "尚未构建。请运行：mien build"
        assert client.get("/readyz").json()["message"] == "Nothing is built yet. Run: mien build"
