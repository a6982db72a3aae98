"""A real server in a process of its own, a real browser, and the demo shop, built once."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from rich.console import Console

from mien import tour
from mien.shop import create
from mien.testing.world import world

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 90.0


@dataclass
class Server:
    """`mien serve` on one shop. `env`: added to the environment."""

    folder: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mien", "serve", "-w", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env={**os.environ, **self.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                    return
            except (URLError, OSError):
                assert self.process.poll() is None, "the server ended"
                assert time.monotonic() < until, "the server does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
            self.process = None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


Serving = Callable[..., Any]


@pytest.fixture(scope="session")
def served() -> Serving:
    """`with served(folder) as server`: a server of that shop, stopped afterwards."""

    @contextmanager
    def serve(folder: Path) -> Iterator[Server]:
        server = Server(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()

    return serve


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, served: Serving) -> Iterator[Server]:
    """The demo shop, served: 92,000 items, 2,469 households. MIEN_DEMO_SHOP: one that is built already, copied."""
    folder = tmp_path_factory.mktemp("demo") / "shop"
    ready = os.environ.get("MIEN_DEMO_SHOP")
    if ready:
        shutil.copytree(ready, folder)
    else:
        quiet = Console(quiet=True)
        tour.make(folder, quiet, quiet)
    with served(folder) as server:
        yield server


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy shop, built; one for each file of tests, since some give it keys."""
    toy = world()
    folder = tmp_path_factory.mktemp("toy") / "shop"
    with create(folder, clock=lambda: toy.at) as shop:
        shop.ingest(events=toy.event_table, items=toy.items)
        shop.build()
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    if CHROMIUM is None:
        pytest.fail("The tests of the pages need Chromium. On Debian: apt install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """`opened(url, width=…, dark=…, locale=…, shopper=…)`: a page of a browser of its own; no script of it may fail."""
    contexts, wrong = [], []

    def open_(url: str, *, width: int = 1280, height: int = 900, dark: bool = False, locale: str = "en-US",
              shopper: str = "") -> Any:  # fmt: skip
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale)
        contexts.append(context)
        if shopper:
            context.add_cookies([{"name": "mien_shopper", "value": shopper, "url": url}])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong
