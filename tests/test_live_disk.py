"""The disk under a live server: a sync lies between keeping and answering, and a full disk loses nothing."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import servers

from mien.core.tables import LOGGED
from mien.shop import Shop, create
from mien.shop import open as open_shop
from mien.shop.folding import TailFold
from mien.testing.live_checks import unlike_the_log
from mien.testing.world import world

MB = 1 << 20
Small = tuple[dict[str, Any], Callable[["subprocess.Popen[bytes]"], object]]
"""What a server in little room is started with, and what gives it more."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    toy = world()
    folder = tmp_path_factory.mktemp("disk") / "shop"
    with create(folder) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    return folder


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any], Message]:
    """Status, document and headers of an answer."""
    try:
        kind = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, kind)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), error.headers


def batch(first: int, n: int, text: str = "") -> bytes:
    messages = [
        {
            "type": "track", "messageId": f"m{k}", "event": "Product Viewed", "userId": f"u{k % 9}",
            "properties": {"product_id": "teapot", "note": text},
        }
        for k in range(first, first + n)
    ]  # fmt: skip
    return json.dumps({"batch": messages}).encode()


def ended(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


# -- a sync before the answer ---------------------------------------------------------------------------------------

CALL = re.compile(r"^(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)$")


def unsynced_answers(trace: str) -> tuple[int, list[int]]:
    """Of a trace of system calls: how many batches were acknowledged, and which of them before their sync had ended.

    A batch is written to the write-ahead log of the catalogue; it is synced when `fdatasync` of that file returns 0.
    """
    acknowledged, early, synced = 0, [], False
    waiting: dict[str, bool] = {}  # thread → whether the call it is in syncs the log
    for line in trace.splitlines():
        call = CALL.match(line)
        if call is None:
            continue
        name, rest = call["name"] or call["resumed"], call["rest"]
        if name in ("pwrite64", "write", "writev") and "catalog.sqlite-wal" in rest:
            synced = False
        elif name in ("fdatasync", "fsync"):
            ours = waiting.pop(call["pid"], False) if call["resumed"] else "catalog.sqlite-wal" in rest
            if "<unfinished" in rest:
                waiting[call["pid"]] = ours
            elif ours and rest.rstrip().endswith("= 0"):
                synced = True
        elif name in ("sendto", "sendmsg", "write", "writev") and "success" in rest:
            acknowledged += 1
            early += [] if synced else [acknowledged]
            synced = False
    return acknowledged, early


def test_a_trace_is_read_right() -> None:
    write = '7 pwrite64(9</s/catalog.sqlite-wal>, "x", 4096, 0) = 4096\n'
    answer = '6 sendto(4<socket:[1]>, "HTTP/1.1 200 OK {\\"success\\":true}", 90, 0, NULL, 0) = 90\n'
    sync = "7 fdatasync(9</s/catalog.sqlite-wal>) = 0\n"
    begun, done = "7 fdatasync(9</s/catalog.sqlite-wal> <unfinished ...>\n", "7 <... fdatasync resumed>) = 0\n"
    other = "7 fdatasync(9</s/states.sqlite-wal>) = 0\n"
    assert unsynced_answers(write + sync + answer) == (1, [])
    assert unsynced_answers(write + begun + done + answer) == (1, [])
    failed = sync.replace("= 0", "= -1 EIO")
    for wrong in (write, write + other, write + begun, sync + write, write + failed):
        assert unsynced_answers(wrong + "\n" + answer) == (1, [1])
    assert unsynced_answers(write + sync + answer + answer) == (2, [2])


@pytest.mark.service
def test_a_sync_lies_between_keeping_and_answering(original: Path, tmp_path: Path) -> None:
    """By the system calls of a real server: a killed process would not lose what was only written."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine does not let processes be traced")
    folder, trace, port = tmp_path / "shop", tmp_path / "trace", servers.free_port()
    shutil.copytree(original, folder)
    calls = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg"
    tracing = ["strace", "-f", "-y", "-s", "600", "-e", calls, "-o", str(trace)]
    process = servers.mien_serve(folder, port, tracing)
    try:
        for k in range(12):
            status, document, _ = ask(port, "/v1/batch", batch(10 * k, 10))
            assert (status, document["fates"]["new"]) == (200, 10)
            time.sleep(0.2)  # let the fold end, whose own writes are none of this
    finally:
        ended(process)
    assert unsynced_answers(trace.read_text(errors="replace")) == (12, [])


# -- a full disk ------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, original: Path) -> Iterator[Small]:
    """A file system of its own, as large as the workspace and 6 MB more; what makes it larger."""
    size = sum(path.stat().st_size for path in original.rglob("*")) + 6 * MB
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine does not let a file system be mounted")
    try:
        remount = ["mount", "-o", f"remount,size={size + 64 * MB}", str(folder)]
        yield {}, lambda _: subprocess.run(remount, check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def small_files(folder: Path, _: Path) -> Iterator[Small]:
    """Files that may not grow beyond 6 MB; what lets them."""
    folder.mkdir()
    limit = (6 * MB, resource.RLIM_INFINITY)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    yield (
        {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)},
        lambda process: resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited),
    )


@pytest.mark.service
@pytest.mark.parametrize("small", [small_disk, small_files], ids=lambda small: small.__name__)
def test_a_full_disk_loses_nothing_and_says_so(small: Any, original: Path, tmp_path: Path) -> None:
    port, kept, refused = servers.free_port(), 0, 0
    with small(tmp_path / "disk", original) as (options, enlarge):
        folder = tmp_path / "disk" / "shop"
        shutil.copytree(original, folder)
        process = servers.mien_serve(folder, port, **options)
        try:
            while refused < 3:
                status, document, headers = ask(port, "/v1/batch", batch(kept, 20, "x" * 9_000))
                assert status in (200, 503), document
                if status == 200:
                    kept += 20
                    assert kept < 20_000, "the disk does not fill up"
                else:
                    refused += 1
                    assert document["code"] == "try_again"
                    assert int(headers["Retry-After"]) > 0
            status, document, _ = ask(port, "/v1/profiles/u1")
            assert status in (200, 503), document
            assert ask(port, "/v1/search", b'{"query": "tea"}')[0] in (200, 503)
            assert ask(port, "/healthz")[0] == 200
            enlarge(process)
            until = time.monotonic() + 30
            while ask(port, "/v1/batch", batch(kept, 20))[0] != 200:
                assert time.monotonic() < until, "the server does not go on when there is room"
                time.sleep(0.2)
            kept += 20
        finally:
            ended(process)
        assert kept > 20
        with open_shop(folder, served=True) as shop:
            assert sorted(ids(shop)) == sorted(f"m{k}" for k in range(kept))
            TailFold(shop.stock).catch_up()
            assert unlike_the_log(shop) == []
            assert shop.profile("u1").events == len(range(1, kept, 9))


def ids(shop: Shop) -> list[str]:
    return [str(one) for one in shop.stock.tail.table()[LOGGED.EVENT_ID].to_pylist()]
