"""Real servers of this machine, private to a test: started on 127.0.0.1, killed, frozen, and stopped at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
REDIS_DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def await_true(condition: Callable[[], bool], what: str, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def mien_serve(folder: Path, port: int, before: Sequence[str] = (), **options: Any) -> subprocess.Popen[bytes]:
    """`mien serve` as a process group of its own, ready. `before`: a command that it is run by."""
    command = [*before, sys.executable, "-m", "mien", "serve", "-w", str(folder), "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet, **options)
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return process
        except OSError:
            assert process.poll() is None, "the server ended by itself"
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.05)


class RedisServer:
    """A Redis server with its own folder."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder, self.flags, self.port = folder, flags, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.process = subprocess.Popen([*command, *self.flags], **QUIET)  # type: ignore[call-overload]
        await_true(lambda: answers(self.port), "Redis does not start")

    def kill(self) -> None:
        """As a power cut would, but for what the kernel holds."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.thaw()
            self.kill()

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


class PostgresServer:
    """A PostgreSQL cluster of its own; the user is `mien`, the database `postgres`."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://mien@127.0.0.1:{self.port}/postgres"
        self.flags = " ".join(
            [f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}", *flags]
        )
        self.as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.data = folder / "data"

    def make(self) -> None:
        program = [*self.as_user, str(self.programs / "initdb")]
        subprocess.run([*program, "-D", str(self.data), "-U", "mien", "-A", "trust", "-N"], check=True, **QUIET)  # type: ignore[call-overload]

    def _control(self, *words: str) -> None:
        program = [*self.as_user, str(self.programs / "pg_ctl"), "-D", str(self.data), "-w", *words]
        subprocess.run(program, check=True, **QUIET)  # type: ignore[call-overload]

    def start(self) -> None:
        self._control("-l", str(self.folder / "log"), "-o", self.flags, "start")

    def kill(self) -> None:
        """Without a checkpoint, as a crash ends it."""
        self._control("-m", "immediate", "stop")

    def _signal(self, number: signal.Signals) -> None:
        """To the server and all its children."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        for pid in (first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())):
            os.kill(pid, number)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.thaw()
            self.kill()

    def files(self) -> list[Path]:
        """The files of tables; the server's log of writes is another matter."""
        return [path for path in (self.data / "base").rglob("*") if path.is_file()]


Server = RedisServer | PostgresServer


@contextmanager
def redis(*flags: str) -> Iterator[RedisServer]:
    """A durable one, unless flags say otherwise."""
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (apt-get install redis-server)")
    folder = Path(tempfile.mkdtemp(prefix="mien-redis-", dir="/tmp"))
    server = RedisServer(folder, *(flags or REDIS_DURABLE))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(*flags: str) -> Iterator[PostgresServer]:
    """A durable one, unless flags say otherwise."""
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        pytest.skip("PostgreSQL's binaries are not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="mien-postgres-", dir="/tmp"))
    server = PostgresServer(folder, *flags)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


SERVERS: dict[str, Callable[..., object]] = {"redis": redis, "postgres": postgres}
