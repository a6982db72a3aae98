"""What comes too often, too large, too slow or too much at once is answered in words, over real connections."""

import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mien.core.errors import UsageError
from mien.settings import ServerSettings
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.web import wire
from mien.web.admission import network
from mien.web.bodies import BODY_BYTES

Serve = Callable[..., AbstractContextManager[str]]
BATCH = json.dumps({"batch": [{"type": "page", "userId": "ann", "messageId": "one"}]}).encode()


def made(folder: Path, settings: str) -> Shop:
    create(folder).close()
    with (folder / "mien.toml").open("a") as file:
        file.write(f"[server]\n{settings}\n")
    return open_shop(folder, served=True)


@pytest.fixture
def at(tmp_path: Path, serving: Serve) -> Iterator[tuple[str, int]]:
    """A server that waits half a second for bodies and answers two requests at once."""
    with made(tmp_path / "shop", "body_s = 0.5\nat_once = 2") as shop, serving(shop) as url:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        yield parts.hostname, parts.port


def said(connection: socket.socket) -> tuple[int, dict[str, str], dict[str, str]]:
    """The status, headers and JSON that a server says, and nothing after it is read."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def test_a_body_that_does_not_come_is_not_waited_for(at: tuple[str, int]) -> None:
    with socket.create_connection(at, timeout=10) as slow:
        slow.sendall(head("/v1/batch", "Content-Length: 1000") + b'{"batch"')
        status, headers, body = said(slow)
    assert (status, body["code"]) == (408, "too_slow")
    assert headers["access-control-allow-origin"] == "*"


def test_who_goes_away_while_asking_is_no_error_of_ours(at: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(at, timeout=10) as gone:
        gone.sendall(head("/v1/batch", "Content-Length: 1000") + b'{"batch"')
        time.sleep(0.1)
    counted = 'mien_http_requests_seconds_count{route="POST /v1/batch",status="499"} 1.0'
    until, page = time.monotonic() + 10, ""
    while counted not in page:
        assert time.monotonic() < until, page
        with urllib.request.urlopen(f"http://{at[0]}:{at[1]}/metrics", timeout=10) as answer:
            page = answer.read().decode()
    assert "unforeseen" not in caplog.text


def test_a_body_that_drips_is_not_waited_for_either(at: tuple[str, int]) -> None:
    with socket.create_connection(at, timeout=10) as slow:
        slow.sendall(head("/v1/search", "Content-Length: 1000"))
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                slow.sendall(b" ")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert said(slow)[0] == 408
        finally:
            stop.set()
            dripping.join()


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/search"])
def test_a_body_is_refused_as_soon_as_it_is_known_to_be_too_large(at: tuple[str, int], path: str) -> None:
    with socket.create_connection(at, timeout=10) as large:
        large.sendall(head(path, f"Content-Length: {BODY_BYTES + 1}"))
        assert said(large)[0] == 413
    with socket.create_connection(at, timeout=10) as large:
        large.sendall(head(path, "Transfer-Encoding: chunked"))
        chunk = b"x" * 65_536
        for _ in range(BODY_BYTES // 65_536 + 1):
            large.sendall(b"10000\r\n" + chunk + b"\r\n")
        status, _, body = said(large)
        assert (status, body["code"]) == (413, "too_large")


def test_more_at_once_than_may_be_are_told_to_come_back(at: tuple[str, int]) -> None:
    waiting = [socket.create_connection(at, timeout=10) for _ in range(2)]
    try:
        for one in waiting:
            one.sendall(head("/v1/batch", f"Content-Length: {len(BATCH)}"))
        time.sleep(0.1)
        with socket.create_connection(at, timeout=10) as third:
            third.sendall(head("/v1/batch", f"Content-Length: {len(BATCH)}") + BATCH)
            status, headers, body = said(third)
        assert (status, body["code"], headers["retry-after"]) == (503, "busy", "1")
        for one in waiting:
            one.sendall(BATCH)
            assert said(one)[0] == 200
    finally:
        for one in waiting:
            one.close()


def test_heads_are_bounded(at: tuple[str, int]) -> None:
    for lines in (
        [f"X-{k}: y" for k in range(200)],
        ["X: " + "y" * 40_000],
        [f"X-{k}: " + "y" * 900 for k in range(90)],
    ):
        with socket.create_connection(at, timeout=10) as talkative:
            talkative.sendall(head("/healthz", *lines, method="GET"))
            status, _, body = said(talkative)
        assert (status, body["code"]) == (431, "head_too_large")


def test_a_head_without_end_is_cut_off(at: tuple[str, int]) -> None:
    with socket.create_connection(at, timeout=10) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\n")
        sent = 0
        try:
            while sent < 50_000_000:
                sent += endless.send(b"X: " + b"y" * 4_000 + b"\r\n")
        except OSError:
            pass
    assert sent < 10_000_000


def test_a_connection_that_says_nothing_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serving: Serve
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.3)
    with create(tmp_path / "shop") as shop, serving(shop) as url:
        at = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
        with socket.create_connection(at, timeout=10) as silent:
            assert silent.recv(1) == b""
        with socket.create_connection(at, timeout=10) as hesitant:
            hesitant.sendall(b"GET /healthz HT")
            assert said(hesitant)[0] == 408
        with socket.create_connection(at, timeout=10) as twice:
            for _ in range(2):
                twice.sendall(head("/healthz", method="GET"))
                assert said(twice)[0] == 200
                time.sleep(0.4)  # between requests the head's time does not run


JUNK = [
    b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_what_is_no_http_is_answered_as_all_errors_are(at: tuple[str, int], junk: bytes) -> None:
    with socket.create_connection(at, timeout=10) as stranger:
        stranger.sendall(junk)
        status, _, body = said(stranger)
    assert (status, set(body)) == (400, {"code", "message"})


def test_a_key_and_an_address_may_ask_so_often(tmp_path: Path, serving: Serve) -> None:
    settings = "key_rate = 4\naddress_rate = 2\nburst_s = 1\nwrong_keys = 3"
    with made(tmp_path / "shop", settings) as shop:
        write, read = (shop.keys.add(scope, scope, 1)[0] for scope in ("write", "read"))
        with serving(shop) as url:

            def ask(key: str | None, address: str, path: str = "/v1/profiles/ann", body: bytes | None = None) -> int:
                connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
                headers = {"x-forwarded-for": address} | ({"authorization": f"Bearer {key}"} if key else {})
                connection.request("GET" if body is None else "POST", path, body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                connection.close()
                return answer.status

            ask(read, "192.0.2.1")
            asked = [ask(read, f"192.0.2.{k}") for k in range(12)]
            assert asked[:2] == [409, 409]  # let in, and nothing is built
            assert 429 in asked  # whatever address the key asks from
            sent = [ask(write, "192.0.2.100", "/v1/batch", BATCH) for _ in range(10)]
            assert sent[0] == 200
            assert 429 in sent
            assert ask(write, "192.0.2.101", "/v1/batch", BATCH) in (200, 429)  # its own address, the same key
            open_ = [ask(None, "192.0.2.102", "/healthz") for _ in range(10)]
            assert open_[0] == 200
            assert 429 in open_
            wrong = [ask("mien_r_00000000_" + "0" * 48, "192.0.2.103") for _ in range(8)]
            assert wrong[0] == 401
            assert wrong[-1] == 429


def test_one_household_of_ipv6_is_one_address() -> None:
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::9") != network("2001:db8:1:3::9")
    assert network("192.0.2.1") == "192.0.2.1"
    assert network("no:address") == "no:address"


def test_settings_of_the_server_are_looked_at() -> None:
    for wrong in ({"key_rate": -1.0}, {"burst_s": 0.0}, {"body_s": 0.0}, {"at_once": 0}):
        with pytest.raises(UsageError):
            ServerSettings(**wrong)  # type: ignore[arg-type]
