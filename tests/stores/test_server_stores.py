"""The shipped laws on real Redis and PostgreSQL servers, and what only they get wrong: away, slow, forgetful."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
import servers

from mien.core.errors import TransientError, WorkspaceError
from mien.core.ids import UserRow
from mien.core.ports import ProfileStore
from mien.stores.open import open_profile_store
from mien.stores.options import StoreSettings
from mien.stores.server import plain_name
from mien.testing.store_checks import STORE_CHECKS, check_durable

pytestmark = pytest.mark.service
KINDS = ("redis", "postgres")
CLIENTS = {"redis": "redis", "postgres": "psycopg"}
SECRET = b"the one thing nobody else has " * 200
numbers = count()


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    pytest.importorskip(CLIENTS[request.param])
    with servers.SERVERS[request.param]() as server:  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def namespace() -> str:
    """A place that no other test uses."""
    return f"n{next(numbers)}"


def opened(server: Any, namespace: str, wait_s: float = 5.0, durable: bool = True) -> ProfileStore:
    return open_profile_store(server.url, StoreSettings(wait_s=wait_s, durable=durable), namespace=namespace)


@pytest.mark.parametrize("check", [*STORE_CHECKS, check_durable], ids=lambda check: check.__name__)
def test_laws(check: Any, server: Any, namespace: str) -> None:
    check(lambda: opened(server, namespace))


def test_shops_on_one_server_do_not_meet(server: Any, namespace: str) -> None:
    ours, theirs = opened(server, namespace), opened(server, namespace + "_b")
    ours.write([(UserRow(1), b"ours")], offset=4)
    theirs.write([(UserRow(1), b"theirs"), (UserRow(2), b"x")], offset=9)
    theirs.clear()
    assert (ours.read(UserRow(1)), ours.offset(), list(ours.users())) == (b"ours", 4, [1])
    assert len(theirs) == 0
    ours.close()
    theirs.close()


def test_users_ascend_over_many_blocks(server: Any, namespace: str) -> None:
    store = opened(server, namespace)
    rows = list(range(0, 60_000, 7))
    store.write([(UserRow(row), b"s%d" % row) for row in reversed(rows)], offset=1)
    assert list(store.users()) == rows
    assert len(store) == len(rows)
    assert store.read_many(map(UserRow, range(0, 60_000, 70))) == {k: b"s%d" % k for k in range(0, 60_000, 70)}
    store.close()


def test_many_threads_read_and_write(server: Any, namespace: str) -> None:
    """Each write is whole: states and offset of one batch are never seen with those of another."""
    store = opened(server, namespace)
    store.write([(UserRow(user), b"0") for user in range(5)], offset=0)
    torn: list[Any] = []

    def read(_: int) -> None:
        for _ in range(50):
            states = set(store.read_many(map(UserRow, range(5))).values())
            torn.extend([states] if len(states) != 1 else [])

    with ThreadPoolExecutor(12) as pool:
        reading = [pool.submit(read, k) for k in range(12)]
        for batch in range(1, 60):
            store.write([(UserRow(user), b"%d" % batch) for user in range(5)], offset=batch)
        for one in reading:
            one.result()
    assert torn == []
    assert store.offset() == 59
    store.close()


def test_forgotten_bytes_leave_the_files(server: Any, namespace: str) -> None:
    store = opened(server, namespace)
    others = {UserRow(user): f"other {user} ".encode() * 50 for user in range(50)}
    store.write(others.items(), offset=1)
    store.write([(UserRow(77), SECRET)])
    store.write([(UserRow(77), SECRET + b"newer")])
    store.delete([UserRow(77)])
    if "redis" in server.url:
        assert any(b"nobody else has" in path.read_bytes() for path in server.files())
    store.purge()
    if "postgres" in server.url:
        import psycopg

        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
    assert not [path for path in server.files() if b"nobody else has" in path.read_bytes()]
    assert store.read_many(others) == others
    store.close()


def test_killed_and_back_nothing_acknowledged_is_lost(server: Any, namespace: str) -> None:
    store = opened(server, namespace, wait_s=1)
    written = 0
    killing = threading.Timer(0.4, server.kill)
    killing.start()

    def write_until_it_fails() -> None:
        nonlocal written
        while True:
            store.write([(UserRow(user), b"%d" % (written + 1)) for user in range(20)], offset=written + 1)
            written += 1

    with pytest.raises(TransientError, match="Try again"):
        write_until_it_fails()
    killing.join()
    began = time.monotonic()
    with pytest.raises(TransientError):
        store.read(UserRow(1))
    assert time.monotonic() - began < 5
    server.start()
    servers.await_true(lambda: _offset(store) is not None, "the store does not find its server again")
    offset = store.offset()
    assert written <= offset <= written + 1
    assert set(store.read_many(map(UserRow, range(20))).values()) == {b"%d" % offset}
    assert written > 5
    store.close()


def _offset(store: ProfileStore) -> int | None:
    try:
        return store.offset()
    except TransientError:
        return None


def test_a_write_that_arrives_late_never_undoes_what_came_between(server: Any, namespace: str) -> None:
    """Begun, given up, and finished by the server only after somebody else has written: void, or waited for."""
    late, store = opened(server, namespace), opened(server, namespace, wait_s=0.5)
    store.write([(UserRow(1), b"old")], offset=1)
    if "redis" in server.url:

        def finish_late() -> None:
            with late._changing() as change:  # type: ignore[attr-defined]
                change.hset(late._block(1), 1, b"given up")  # type: ignore[attr-defined]
                store.delete([UserRow(1)])

        with pytest.raises(TransientError):
            finish_late()
    else:
        with late._changing() as change:  # type: ignore[attr-defined]
            change.execute(f"UPDATE mien_{namespace}.state SET bytes = 'given up'")
            with pytest.raises(TransientError):
                store.delete([UserRow(1)])
        servers.await_true(lambda: _offset(store) is not None, "the store does not find its server again")
        store.delete([UserRow(1)])
    assert store.read(UserRow(1)) is None
    assert store.offset() == 1
    late.close()
    store.close()


def test_a_slow_server_costs_no_more_than_the_limit(server: Any, namespace: str) -> None:
    store = opened(server, namespace, wait_s=0.5)
    store.write([(UserRow(1), b"x")], offset=1)
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(TransientError):
            store.read(UserRow(1))
        first = time.monotonic() - began
        began = time.monotonic()
        with pytest.raises(TransientError):  # not asked in vain again
            store.read(UserRow(1))
        again = time.monotonic() - began
    finally:
        server.thaw()
    assert first < 5
    assert again < 0.2
    servers.await_true(lambda: _offset(store) == 1, "the store does not find its server again")
    store.close()


@pytest.mark.parametrize(
    ("kind", "flags", "words"),
    [
        ("redis", ("--appendonly", "no"), "appendonly no"),
        ("redis", ("--appendonly", "yes", "--appendfsync", "everysec"), "appendfsync everysec"),
        ("redis", (*servers.REDIS_DURABLE, "--maxmemory-policy", "allkeys-lru"), "maxmemory-policy allkeys-lru"),
        ("postgres", ("-c fsync=off",), "fsync off"),
    ],
)
def test_a_forgetful_server_is_refused_unless_accepted(kind: str, flags: Any, words: str) -> None:
    pytest.importorskip(CLIENTS[kind])
    with servers.SERVERS[kind](*flags) as server:  # type: ignore[attr-defined]
        strict = opened(server, "n")
        with pytest.raises(WorkspaceError, match=words):
            strict.offset()
        accepted = opened(server, "n", durable=False)
        accepted.write([(UserRow(1), b"x")], offset=1)
        assert accepted.offset() == 1
        strict.close()
        accepted.close()


def test_a_newer_format_and_a_wrong_password_are_refused(server: Any, namespace: str) -> None:
    store = opened(server, namespace)
    store.write([], offset=1)
    if "redis" in server.url:
        import redis

        client = redis.Redis.from_url(server.url)
        client.hset(f"mien:{{{namespace}}}:progress", "format", 99)
        client.config_set("requirepass", "sesame")
        with pytest.raises(WorkspaceError, match="MIEN_STORES_PASSWORD"):
            opened(server, namespace).offset()
        given = open_profile_store(server.url, StoreSettings(password="sesame"), namespace=namespace)
        with pytest.raises(WorkspaceError, match="Install a newer Mien"):
            given.offset()
        given.close()
        client.auth("sesame")
        client.config_set("requirepass", "")
        client.close()
    else:
        import psycopg

        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"UPDATE mien_{namespace}.progress SET format = 99")
            connection.execute("CREATE ROLE guest LOGIN")
        with pytest.raises(WorkspaceError, match="Install a newer Mien"):
            opened(server, namespace).offset()
        guest = open_profile_store(server.url.replace("mien@", "guest@"), namespace=namespace)
        with pytest.raises(WorkspaceError, match="permission denied"):
            guest.offset()
        guest.close()
    store.close()


def test_a_server_with_many_open_files_is_served(server: Any, namespace: str) -> None:
    """A web server has a file open for each of its connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            held.enter_context(open(os.devnull, "rb"))
        store = opened(server, namespace)
        held.callback(store.close)
        store.write([(UserRow(1), b"x")], offset=7)
        assert (store.read(UserRow(1)), store.offset()) == (b"x", 7)


def test_messages_show_no_password() -> None:
    assert plain_name("postgresql:///shop?host=/run/pg&password=sesame") == "postgresql:///shop"
    assert plain_name("sqlite") == "sqlite"
    for url in ("redis://me:sesame@127.0.0.1:9/0", "postgresql://me:sesame@127.0.0.1:9/shop"):
        store = open_profile_store(url, StoreSettings(wait_s=1))
        with pytest.raises(TransientError) as away:
            store.offset()
        assert "sesame" not in str(away.value)
        assert "127.0.0.1:9" in str(away.value)
        store.close()
