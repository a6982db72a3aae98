"""The HTTP application of one shop: its routes, and the layers that every request passes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import version

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from mien.live import Live
from mien.shop import Shop
from mien.web import (
    document,
    errors,
    items,
    past,
    privacy,
    quality,
    query,
    segments,
    standing,
    traces,
    tracking,
)
from mien.web.access import ACCESS, Needs
from mien.web.admission import Admission
from mien.web.front import Front
from mien.web.gate import Gate
from mien.web.health import Health
from mien.web.keys import KeyCheck
from mien.web.limits import Limits
from mien.web.metrics import Metrics
from mien.web.settling import Settling
from mien.web.traces import Traces


def create_app(
    shop: Shop,
    *,
    keys: KeyCheck | None = None,
    access: Mapping[str, Needs] = ACCESS,
    local: bool = False,
    owned: bool = False,
    settle: bool = False,
) -> FastAPI:
    """The API of one shop. Its OpenAPI page is `/docs`.

    `keys`: who may ask; None: those of the shop. `access`: what each route needs. `local`: while there are no keys,
    answer this machine's names only. `owned`: the shop is closed when the application ends. `settle`: the process
    serves this shop alone (`web.settling`).
    """
    settings = shop.settings.server
    admission = Admission(shop.keys if keys is None else keys, settings, local=local)

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        live = app.state.live = Live(shop)
        with Settling(shop) if settle else nullcontext():
            yield
        await run_in_threadpool(live.close)
        if owned:
            shop.close()

    app = FastAPI(
        title="Mien",
        version=version("mien"),
        description="User profiles you can question.",
        lifespan=living,
        telemetry=traces.FRAMEWORK_OFF,
    )
    app.state.live = None
    counts, health = Metrics(shop, lambda: app.state.live), Health(shop, lambda: app.state.live)
    errors.install(app)
    app.include_router(query.router(shop))  # a request is held against each route in turn: those asked most come first
    app.include_router(tracking.router(admission, counts.kept))
    app.include_router(privacy.router(shop))
    app.include_router(items.router(shop))
    app.include_router(segments.router(shop))
    app.include_router(quality.router(shop))
    app.include_router(past.router(shop))
    app.include_router(standing.router(shop))
    app.add_middleware(Limits, settings=settings)  # the one added last is met first
    app.add_middleware(Gate, admission=admission)
    app.add_middleware(Front, access=access, counts=counts)
    if traces.wanted():
        app.add_middleware(Traces)

    @app.get("/healthz", summary="The process is alive")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Questions can be answered and messages kept")
    def readyz() -> dict[str, str]:
        return health.ready()

    @app.get("/metrics", summary="Counts for Prometheus", response_class=PlainTextResponse)
    def get_metrics() -> Response:
        return Response(counts.page(), media_type=CONTENT_TYPE_LATEST)

    document.complete(app, access)
    return app
