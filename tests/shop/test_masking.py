"""Direct identifiers that a user declared are shown to who may see them, and to nobody else by any way."""

import json

import pytest
from starlette.testclient import TestClient

from mien.core.user import User
from mien.shop import Shop
from mien.web.app import create_app

SECRET = ("ann.smith@private.example", "13800138000", "Ann Smith")


@pytest.fixture
def declared(fresh: Shop) -> Shop:
    row = fresh.stock.catalog.users.row("ann")
    assert row is not None
    traits = dict(zip(("email", "phone", "name"), SECRET, strict=True)) | {"age": 40}
    fresh.stock.catalog.declare([(row, User("ann", traits))])
    return fresh


def test_over_http_by_the_scope_of_the_key(declared: Shop) -> None:
    keys = {scope: declared.keys.add(scope, scope, 1)[0] for scope in ("read", "admin")}
    with TestClient(create_app(declared)) as client:
        seen = {
            scope: client.get("/v1/profiles/ann", headers={"Authorization": f"Bearer {key}"}).json()
            for scope, key in keys.items()
        }
    shown = {scope: {one["name"]: one["value"] for one in seen[scope]["traits"]} for scope in seen}
    assert [shown["admin"][name] for name in ("email", "phone", "name")] == list(SECRET)
    assert [shown["read"][name] for name in ("email", "phone", "name")] == ["a***@p***.example", "138***00", "A***"]
    assert shown["read"]["age"] == shown["admin"]["age"] == 40
    assert not [secret for secret in SECRET if secret in json.dumps(seen["read"])]


def test_nobody_is_found_by_what_one_may_not_see(declared: Shop) -> None:
    for text in (*SECRET, f"email={SECRET[0]}"):
        assert [one.user_id for one in declared.people.find(text).people] == ["ann"]
        assert declared.people.find(text, clear=False).total == 0
    (ann,) = declared.people.find("ann", clear=False).people
    assert ann.traits["email"] == "a***@p***.example"
    assert declared.people.find("age=40", clear=False).total == 1


def test_segments_and_popularity_know_no_names(declared: Shop) -> None:
    declared.build()
    fields = repr(declared.segments.fields())
    assert "trait.age" in fields
    assert not [secret for secret in SECRET if secret in fields]
    for path in declared.workspace.index.rglob("*"):
        if path.is_file():
            assert not [secret for secret in SECRET if secret.encode() in path.read_bytes()], path
