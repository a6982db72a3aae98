"""Where the pages meet the application; loaded once the extra `console` is known to be there."""

import logging
import time

from fastapi import FastAPI, Request
from nicegui import Client, app, ui
from nicegui.page import page
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from mien.shop import Shop
from mien.web import errors
from mien.web.console import pages as console
from mien.web.look import frame
from mien.web.look.parts import El, told
from mien.web.look.visit import Site, Visit
from mien.web.sessions import Sessions, router, secret_of
from mien.web.storefront import pages as storefront

log = logging.getLogger("mien.web")


def mount(api: FastAPI, shop: Shop) -> None:
    """Serve storefront and console from the same process; the API's own routes come first."""
    sessions = Sessions(secret_of(shop.workspace.folder), shop.keys, time.time)
    api.include_router(router(sessions, lambda caller: shop.note("console.sign_in", by=caller.key_id)))
    site = Site(shop, api, sessions)
    frame.serve_static()
    storefront.add(site)
    console.add(site)
    _answer_missing(site)
    ui.run_with(
        api,
        title=shop.settings.shop.name,
        favicon=frame.FAVICON,
        dark=None,
        tailwind=False,
        reconnect_timeout=5.0,
        gzip_middleware_factory=lambda inner: GZipMiddleware(inner, minimum_size=1_000, compresslevel=1),
        show_welcome_message=False,
    )


def _answer_missing(site: Site) -> None:
    """What nobody serves: within the console a page says so, elsewhere the answer is that of every other error."""

    async def missing(request: Request, _: Exception) -> Response:
        if "text/html" not in request.headers.get("accept", "") or not request.url.path.startswith("/console/"):
            return errors.answer(request.scope, 404, "http", "Not Found")
        with Client(page(""), request=request) as client:
            visit = Visit.of(site, request, client)
            frame.head()
            with frame.header(visit, "/"):
                frame.switches(visit, across=("store", "/", "cart"))
            with El("div.page", id="main"):
                told("search", visit.say("missing_page"), visit.say("missing_page_more"))
        return client.build_response(request, 404)

    app.add_exception_handler(404, missing)
