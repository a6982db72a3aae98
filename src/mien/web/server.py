"""The server: one process, or several over one workspace, until it is told to end."""

import ipaddress
import logging
import os
import signal
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from mien.core.errors import UsageError
from mien.settings import ServerSettings
from mien.shop import Shop
from mien.shop import open as open_shop
from mien.web import logs, metrics, pages
from mien.web.access import ACCESS
from mien.web.app import create_app
from mien.web.wire import Wire

log = logging.getLogger("mien.web")

WORKSPACE = "MIEN_WORKSPACE"
SWITCH_S = 0.0005
"""How long a thread that computes keeps the interpreter while another wants it, a tenth of Python's default. The thread
that appends asks for it again after each row: at the default it waits for the others longer than it works."""
END_S = 30
"""Seconds that requests have to end in, once the server is told to."""


def run(shop: Shop, *, host: str, port: int, workers: int = 1) -> None:
    """Serve until interrupted or terminated; what was accepted is written first.

    Raises `UsageError` for an address that strangers reach while there are no keys. Several workers serve the API
    alone: a page is drawn by the process that it was opened at.
    """
    logs.configure(shop.settings.server.log)
    if not shop.keys.configured():
        if not _is_loopback(host):
            raise UsageError(
                "Without keys the API would let anyone who reaches {host} read profiles. Make one first, "
                "with: mien keys add NAME --scope admin; or listen on 127.0.0.1.",
                host=host,
            )
        log.warning("There are no keys: this machine alone may ask, and all of it may. Make one with: mien keys add")
    if workers > 1:
        log.warning("Several workers serve the API alone; the pages need a server of one.")
        _several(shop, host, port, workers)
        return
    app = create_app(shop, access={**ACCESS, **pages.ACCESS}, local=True, settle=True)
    if not pages.mount(app, shop):
        log.warning(pages.NOT_THERE)
    _serve(uvicorn.Server(served(app, shop.settings.server, host=host, port=port)))


def served(app: FastAPI | str, settings: ServerSettings, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How uvicorn serves the app: bounded, silent about itself, believing what the shop's own proxies say."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Wire,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=END_S,
        factory=isinstance(app, str),
    )


def worker() -> FastAPI:
    """The application of one of several processes; the workspace stands in the environment."""
    sys.setswitchinterval(SWITCH_S)
    shop = open_shop(Path(os.environ[WORKSPACE]), served=True)
    logs.configure(shop.settings.server.log)
    return create_app(shop, local=True, owned=True, settle=True)


def _several(shop: Shop, host: str, port: int, workers: int) -> None:
    os.environ[WORKSPACE] = str(shop.workspace.folder.resolve())
    config = served(f"{__name__}:worker", shop.settings.server, host=host, port=port)
    config.workers = workers
    if find_spec("uvloop") is not None:
        config.loop = "mien.web.loop:Loop"
    with tempfile.TemporaryDirectory(prefix="mien-metrics-") as counts:
        os.environ[metrics.SEVERAL] = counts
        socket = config.bind_socket()
        try:
            Multiprocess(config, sockets=[socket]).run()
        finally:
            socket.close()


def _serve(server: uvicorn.Server) -> None:
    """Run, and end as well-behaved processes do: uvicorn raises the signal that ended it again."""
    sys.setswitchinterval(SWITCH_S)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt):
        server.run()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
