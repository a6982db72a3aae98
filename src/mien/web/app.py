"""The HTTP application: routes, errors, health, and the server that runs them."""

import ipaddress
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI, Response
from starlette.concurrency import run_in_threadpool

from mien.core.errors import NotReady, UsageError
from mien.live import Live
from mien.settings import ServerSettings
from mien.shop import Shop
from mien.web import errors, items, pages, privacy, query, segments, standing, tracking
from mien.web.access import ACCESS, Needs
from mien.web.admission import Admission
from mien.web.front import Front
from mien.web.gate import Gate
from mien.web.keys import KeyCheck
from mien.web.limits import Limits
from mien.web.wire import Wire

log = logging.getLogger("mien.web")


def create_app(
    shop: Shop, *, keys: KeyCheck | None = None, access: Mapping[str, Needs] = ACCESS, local: bool = False
) -> FastAPI:
    """The API of one shop. Its OpenAPI page is `/docs`.

    `keys`: who may ask; None: those of the shop. `access`: what each route needs. `local`: while there are no keys,
    answer this machine's names only.
    """
    settings = shop.settings.server
    admission = Admission(shop.keys if keys is None else keys, settings, local=local)

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        live = app.state.live = Live(shop)
        yield
        await run_in_threadpool(live.close)

    app = FastAPI(title="Mien", version=version("mien"), description="User profiles you can question.", lifespan=living)
    errors.install(app)
    app.include_router(tracking.router(admission))
    app.include_router(query.router(shop))
    app.include_router(privacy.router(shop))
    app.include_router(items.router(shop))
    app.include_router(segments.router(shop))
    app.include_router(standing.router(shop))
    app.add_middleware(Limits, settings=settings)  # the one added last is met first
    app.add_middleware(Gate, admission=admission)
    app.add_middleware(Front, access=access)

    @app.get("/healthz", summary="The process is alive")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Questions can be answered", response_model=None)
    def readyz() -> Response | dict[str, str]:
        build = shop.workspace.build()
        if build is None:
            return errors.answer(503, NotReady.code, "Nothing is built yet. Run: mien build")
        return {"status": "ready", "as_of": build.as_of.isoformat(), "population": build.population}

    return app


def run(shop: Shop, *, host: str, port: int) -> None:
    """Serve until interrupted. Raises `UsageError` for an address that strangers reach while there are no keys."""
    if not shop.keys.configured():
        if not _is_loopback(host):
            raise UsageError(
                f"Without keys the API would let anyone who reaches {host} read profiles. Make one first, with: "
                "mien keys add NAME --scope admin; or listen on 127.0.0.1."
            )
        log.warning("There are no keys: this machine alone may ask, and all of it may. Make one with: mien keys add")
    app = create_app(shop, access={**ACCESS, **pages.ACCESS}, local=True)
    if not pages.mount(app, shop):
        log.warning(pages.NOT_THERE)
    uvicorn.Server(served(app, shop.settings.server, host=host, port=port)).run()


def served(app: FastAPI, settings: ServerSettings, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How uvicorn serves the app: bounded, silent about itself, believing what the shop's own proxies say."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Wire,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
