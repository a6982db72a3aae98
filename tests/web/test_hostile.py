"""Hostile strings in every field of every route: they are only texts, and change nothing that they do not name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from mien.core.tables import ITEMS
from mien.shop import Shop
from mien.testing.world import World
from mien.web.access import ACCESS

TEXTS = [
    "'; DROP TABLE tail; --", "' OR '1'='1", '" OR ""="', "1); DELETE FROM user_ids; --", "%", "_", "\\", "`",
    "../../../../etc/passwd", "..\\..\\mien.toml", "/etc/passwd", "file:///etc/passwd", "sqlite:catalog.sqlite",
    "*:*", "title:(a OR b) AND -c", "[* TO *]", "a~2^9", '"', "((((", "AND OR NOT", "/.*/", "+-&&||!(){}[]^\"~*?:\\/",
    "{{7*7}}", "${jndi:ldap://x/a}", "<script>alert(1)</script>", "%s%n%x", "; rm -rf /", "$(id)", "| id",
    "\r\nX-Injected: 1", "a\x00b", "\x00", "\x1b[31m", "\u202eevil", "\ud800", "e\u0301", "🍵" * 300, "x" * 20_000,
    "__proto__", "constructor", "NaN", "-1", "0", "1e999", "null", "undefined", "true", " ", "",
]  # fmt: skip
LEAKS = ("Traceback", "sqlite3.", ".py", "root:x:", "[shop]", "SELECT ", "INSERT ")


def files(folder: Path) -> set[str]:
    """Everything there is in a folder and beside it; locks and what SQLite puts beside its files left out."""
    found = (path for path in folder.parent.rglob("*") if not path.name.endswith(("-wal", "-shm")))
    return {str(path) for path in found if not path.name.startswith(".")}


def filled(schema: dict[str, Any], document: dict[str, Any], text: str) -> Iterator[Any]:
    """Values of a schema with the text in every place that takes one."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for one in schema.get("anyOf", []):
        yield from filled(one, document, text)
    kind = schema.get("type")
    if kind == "array":
        yield from ([value] for value in filled(schema["items"], document, text))
    elif kind == "object":
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict):
            yield from ({key: value} for value in filled(inner, document, text) for key in (text, "brand", "price"))
    if "anyOf" not in schema:
        yield text  # also where a number or a list is wanted


def requests(document: dict[str, Any], text: str) -> Iterator[tuple[str, str, dict[str, str], Any]]:
    """Every question of the document with the text in one of its fields, the others being good."""
    good = {"query": "tea", "item_id": "teapot", "user_id": "ann", "q": "te"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if ACCESS[f"{method.upper()} {path}"] == "write":
                continue  # messages have a test of their own
            parameters = operation.get("parameters", [])
            in_path = {one["name"]: "teapot" for one in parameters if one["in"] == "path"}
            in_query = {one["name"]: good.get(one["name"], "1") for one in parameters if one.get("required")}
            in_query = {name: value for name, value in in_query.items() if name not in in_path}
            for one in parameters:
                place = in_path | {one["name"]: text} if one["in"] == "path" else in_path
                asked = in_query | {one["name"]: text} if one["in"] == "query" else in_query
                yield method, told(path, place), asked, None
            if "requestBody" not in operation:
                continue
            schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            base = {name: good[name] for name in schema.get("required", []) if name in good}
            for name, inner in schema.get("properties", {}).items():
                for value in filled(inner, document, text):
                    yield method, told(path, in_path), in_query, base | {name: value}
            yield method, told(path, in_path), in_query, base | {text: text}


def told(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(value.encode("utf-8", "surrogatepass"), safe=""))
    return path


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_in_every_field_of_every_route(client: TestClient, shop: Shop, text: str) -> None:
    said = client.put("/v1/profiles/teapot/consent", json={"purposes": {"marketing": True}})
    assert said.status_code == 200  # as some of the texts will say again: 0, true
    users, items, there = len(shop.stock.catalog.users), len(shop.stock.catalog.items), files(shop.workspace.folder)
    for method, path, query, body in requests(client.get("/openapi.json").json(), text):
        if path in ("/healthz", "/readyz"):
            continue
        asked = {name: value.encode("utf-8", "surrogatepass") for name, value in query.items()}
        content = None if body is None else json.dumps(body).encode()
        answer = client.request(
            method, path, params=asked, content=content, headers={"content-type": "application/json"}
        )
        where = f"{method} {path[:80]} {str(query)[:80]} {str(body)[:200]}: {answer.text[:300]}"
        assert answer.status_code < 500, where
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message"}, where
            assert not [leak for leak in LEAKS if leak in answer.text and leak not in text], where
        assert "x-injected" not in answer.headers
    assert (len(shop.stock.catalog.users), len(shop.stock.catalog.items)) == (users, items)
    assert files(shop.workspace.folder) == there


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_in_every_field_of_a_message(client: TestClient, toy: World, text: str) -> None:
    product = {"product_id": text, "sku": text, "name": text, "category": text, "brand": text, "price": text}
    fields = {
        "messageId": text, "userId": text, "anonymousId": text, "previousId": text, "groupId": text, "event": text,
        "name": text, "timestamp": text, "sentAt": text, "type": text, "properties": {text: text, "query": text},
        "traits": {text: text, "address": {text: text}}, "context": {"consent": {"categoryPreferences": {text: True}}},
    }  # fmt: skip
    good = {"type": "track", "event": "Product Viewed", "userId": "ann", "properties": {"product_id": "teapot"}}
    messages = [good | {name: value} for name, value in fields.items()]
    messages += [good | {"event": "Order Completed", "properties": {"products": [product], "query": text}}]
    messages += [{"userId": "ann", "type": "identify", name: fields[name]} for name in ("traits", "context")]
    for message in messages:
        for path, body in (("batch", {"batch": [message]}), ("track", message)):
            answer = client.post(f"/v1/{path}", content=json.dumps(body).encode())
            assert answer.status_code in (200, 400), (message, answer.text)
            assert not [leak for leak in LEAKS if leak in answer.text and leak not in text]
    assert client.get(f"/v1/profiles/{toy.user_ids[0]}").status_code == 200
    assert client.post("/v1/search", json={"query": "teapot"}).json()["results"]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_in_every_field_of_an_item(client: TestClient, shop: Shop, text: str) -> None:
    there = files(shop.workspace.folder)
    for name in ITEMS.names:
        item = {"item_id": "hostile", "title": "An item"} | {name: text}
        for given in (item, item | {"attributes": {text: text}}, {text: text}):
            answer = client.put("/v1/items", content=json.dumps({"items": [given]}).encode())
            assert answer.status_code in (200, 400), (given, answer.text[:300])
            assert not [leak for leak in LEAKS if leak in answer.text and leak not in text]
    assert {path for path in files(shop.workspace.folder) - there if "index" not in path} == set()
    assert (
        client.post("/v1/search", json={"query": text[:20_000].encode("utf-8", "replace").decode()}).status_code == 200
    )


def test_every_route_was_asked(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert len(list(requests(document, "x"))) > 50
    asked = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    hidden = {"GET /docs", "GET /docs/oauth2-redirect", "GET /redoc", "GET /openapi.json"}
    short = {entry for entry in ACCESS if len(entry.rpartition("/")[2]) == 1 or entry.startswith("OPTIONS")}
    assert set(ACCESS) == asked | hidden | short
