"""The frame of every page: head, header with switches, the place where pages appear, and what stands there if none."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from nicegui import Client, PageArguments, app, ui
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from mien.core.caller import Scope
from mien.core.errors import MienError
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn, link, told, waiting
from mien.web.look.visit import LANGUAGE, THEME, Site, Visit
from mien.web.sessions import LOGIN

log = logging.getLogger("mien.web")

FOLDER = Path(__file__).parent / "static"
STATIC = "/_look"
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#b3402e"/>'
    '<text x="16" y="23" font-size="20" text-anchor="middle" fill="#fff" font-family="sans-serif">面</text></svg>'
)

Page = Callable[[Visit, QueryParams], Awaitable[None]]
"""Builds one page from what its address says after the question mark."""
Pages = Mapping[str, Page]
"""Path → page."""


def serve_static() -> None:
    """Serve style sheet and script; a browser keeps them until they change."""
    app.add_static_files(STATIC, FOLDER, max_cache_age=31_536_000)


def register(site: Site, pages: Pages, shell: Callable[[Visit, Pages], None], needs: Scope | None = None) -> None:
    """Have NiceGUI answer these paths: `shell` draws what stays, and within it the page of the path appears.

    `needs`: the scope of who may look; others are sent to sign in. None: anybody may.
    """

    async def answer(request: Request, client: Client) -> Response | None:
        visit = Visit.of(site, request, client)
        if needs is not None and not visit.may(needs):
            address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{LOGIN}?to={quote(address, safe='')}", 303)
        head()
        shell(visit, pages)
        await visit.drawn()
        return None

    for path in pages:
        ui.page(path, response_timeout=10.0)(answer)


def head() -> None:
    """Style and script of ours."""
    for name in ("look.css", "desk.css", "look.js"):
        version = hashlib.blake2b((FOLDER / name).read_bytes(), digest_size=6).hexdigest()
        address = f"{STATIC}/{name}?v={version}"
        tag = (
            f'<link rel="stylesheet" href="{address}">'
            if name.endswith("css")
            else f'<script src="{address}"></script>'
        )
        ui.add_head_html(tag)


class Stage(ui.sub_pages):
    """Where the page of the current path appears; going to another one keeps the rest of the browser's page."""

    def __init__(self, visit: Visit, pages: Pages, needs: Scope | None = None) -> None:
        self._visit, self._needs = visit, needs
        super().__init__({path: self._shown(page) for path, page in pages.items()})

    def _shown(self, page: Page) -> Callable[[PageArguments], Awaitable[None]]:
        visit = self._visit

        async def show(arguments: PageArguments) -> None:
            try:
                if self._needs is not None and not visit.may(self._needs):
                    ui.navigate.reload()  # the session ended: the browser's page is asked for anew, and sent to sign in
                    return
                waiting(visit.say("loading"), 6).classes("stage-waiting")
                await page(visit, arguments.query_parameters)
            except asyncio.CancelledError:
                raise
            except MienError as error:
                self.clear()
                with self:
                    told("warn", visit.say("failed"), visit.why(error), "failed")
            except Exception:
                log.exception("the page %s could not be drawn", arguments.path)
                self.clear()
                with self:
                    told("warn", visit.say("failed"), visit.say("failed_more"), "failed")
            finally:
                visit.ready.set()

        return show

    def _render_404(self) -> None:
        told("search", self._visit.say("missing_page"), self._visit.say("missing_page_more"))
        self._visit.ready.set()


def header(visit: Visit, home: str) -> ui.header:
    """The bar on top: the shop's name; what is put in `with` comes between it and the switches."""
    ui.element("a").props('href="#main"').classes("skip").props(f'aria-label="{visit.say("skip")}"')
    bar = ui.header(wrap=False).classes("bar")
    with bar, El("a.brand", href=home):
        El("span.mark", "面", aria_hidden=True)
        El("span.brand-name", visit.shop.settings.shop.name)
    return bar


def switches(visit: Visit, *, across: tuple[str, str, str]) -> None:
    """The way to the other part of the site (name, address, icon), language, and light or dark."""
    with El("div.switches"):
        name, address, symbol = across
        outward(visit.say(name), address, "a.button.quiet", symbol=symbol)
        language = El("button.button.quiet", visit.say("other_language"), type="button")
        language.put("lang", "en" if visit.language == "zh" else "zh")
        language.act("click", lambda: prefer(visit, LANGUAGE, "en" if visit.language == "zh" else "zh"))
        with El("button.button.quiet.icon-only.to-dark", type="button", aria_label=visit.say("theme_dark")).act(
            "click", lambda: prefer(visit, THEME, "dark")
        ):
            drawn(icon("moon"), "span.symbol")
        with El("button.button.quiet.icon-only.to-light", type="button", aria_label=visit.say("theme_light")).act(
            "click", lambda: prefer(visit, THEME, "light")
        ):
            drawn(icon("sun"), "span.symbol")


def prefer(visit: Visit, name: str, value: str) -> None:
    """Keep a preference and show the page by it."""
    visit.keep(name, value)
    ui.run_javascript("location.reload()")


def outward(text: str, target: str, spec: str = "a", *, symbol: str = "") -> El:
    """A link out of this part of the site: the browser follows it by itself."""
    made = link("" if symbol else text, target, spec)
    if symbol:
        with made:
            drawn(icon(symbol), "span.symbol")
            El("span", text)
    made.on("click.stop", js_handler="() => {}")
    return made
