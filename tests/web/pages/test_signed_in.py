"""Sessions: a key becomes a cookie that ends, cannot be forged, and falls with its key."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from mien.core.caller import LOCAL
from mien.core.errors import UsageError
from mien.stores.keys import Keys
from mien.web.sessions import COOKIE, HOURS, Sessions, router, safe, secret_of

OWN = {"origin": "http://testserver"}


class Clock:
    """Seconds that pass when told to."""

    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(secret_of(tmp_path), Keys(tmp_path / "keys.sqlite"), clock)


@pytest.fixture
def client(sessions: Sessions) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(sessions))
    with TestClient(app, follow_redirects=False) as client:
        yield client


def add(sessions: Sessions, scope: str) -> tuple[str, str]:
    """A new key, as text and by its id."""
    assert isinstance(sessions.keys, Keys)
    text, key = sessions.keys.add(scope, scope, 1)
    return text, key.key_id


def test_without_keys_this_machine_looks(sessions: Sessions) -> None:
    assert sessions.caller(None) == LOCAL


def test_a_key_opens_a_session(client: TestClient, sessions: Sessions) -> None:
    text, key_id = add(sessions, "admin")
    assert sessions.caller(None) is None
    answer = client.post("/console/login", data={"key": f" {text} ", "to": "/console/users?q=a"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/users?q=a")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert text not in cookie
    caller = sessions.caller(answer.cookies[COOKIE])
    assert caller is not None
    assert caller.key_id == key_id


def test_over_tls_the_cookie_stays_there(client: TestClient, sessions: Sessions) -> None:
    text, _ = add(sessions, "read")
    headers = {"origin": "https://testserver"}
    answer = client.post("https://testserver/console/login", data={"key": text}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "x", "mien_a_00000000_" + "0" * 48, "\x00", "密钥"])
def test_a_wrong_key_opens_nothing(client: TestClient, sessions: Sessions, key: str) -> None:
    add(sessions, "admin")
    answer = client.post("/console/login", data={"key": key}, headers=OWN)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/login?wrong=1&to=%2Fconsole"
    assert "set-cookie" not in answer.headers


def test_a_write_key_is_for_shops(client: TestClient, sessions: Sessions) -> None:
    text, _ = add(sessions, "write")
    assert "set-cookie" not in client.post("/console/login", data={"key": text}, headers=OWN).headers


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_forms_of_other_sites_do_nothing(client: TestClient, sessions: Sessions, headers: dict[str, str]) -> None:
    text, _ = add(sessions, "admin")
    assert "set-cookie" not in client.post("/console/login", data={"key": text}, headers=headers).headers
    assert "set-cookie" not in client.post("/console/logout", headers=headers).headers


def test_signing_out_takes_the_cookie(client: TestClient, sessions: Sessions) -> None:
    answer = client.post("/console/logout", headers=OWN)
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_ends(sessions: Sessions, clock: Clock) -> None:
    text, _ = add(sessions, "read")
    caller = sessions.keys.find(text)
    assert caller is not None
    token = sessions.open(caller)
    clock.now_s += HOURS * 3600 - 1
    assert sessions.caller(token) == caller
    clock.now_s += 1
    assert sessions.caller(token) is None


def test_a_session_falls_with_its_key(sessions: Sessions) -> None:
    text, key_id = add(sessions, "admin")
    caller = sessions.keys.find(text)
    assert caller is not None
    token = sessions.open(caller)
    assert isinstance(sessions.keys, Keys)
    sessions.keys.revoke(key_id, 2)
    assert sessions.caller(token) is None


def test_a_forged_cookie_is_nobodys(sessions: Sessions, tmp_path: Path, clock: Clock) -> None:
    text, _ = add(sessions, "read")
    _, admin_id = add(sessions, "admin")
    caller = sessions.keys.find(text)
    assert caller is not None
    key_id, until, signature = sessions.open(caller).split(".")
    (tmp_path / "other").mkdir()
    strangers = Sessions(secret_of(tmp_path / "other"), sessions.keys, clock)
    forged = [
        f"{admin_id}.{until}.{signature}", f"{key_id}.{int(until) + 1}.{signature}", f"{key_id}.{until}", "", "..",
        f"{key_id}.{until}.密", strangers.open(caller),
    ]  # fmt: skip
    assert [sessions.caller(one) for one in forged] == [None] * len(forged)


def test_the_secret_stays_and_is_the_owners(tmp_path: Path) -> None:
    secret = secret_of(tmp_path)
    assert len(secret) == 32
    assert secret_of(tmp_path) == secret
    file = tmp_path / "console.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("x")
    with pytest.raises(UsageError, match=r"console\.secret"):
        secret_of(tmp_path)


@pytest.mark.parametrize(
    "to", ["//evil.example/console", "https://evil.example", "/\\evil.example", "/", "/console/\nx", "javascript:1"]
)
def test_after_signing_in_one_stays_here(to: str) -> None:
    assert safe(to) == "/console"


@pytest.mark.parametrize("to", ["/console", "/console/user?id=张三&x=%2F"])
def test_after_signing_in_one_goes_on(to: str) -> None:
    assert safe(to) == to
