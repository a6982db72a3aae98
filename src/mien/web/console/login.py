"""Signing in: a plain form that sends a key to the server, where a cookie comes of it."""

from fastapi import Request
from nicegui import Client, ui
from starlette.responses import RedirectResponse, Response

from mien.web.look import frame
from mien.web.look.icons import icon
from mien.web.look.parts import El, drawn
from mien.web.look.visit import Site, Visit
from mien.web.sessions import LOGIN, safe


def add(site: Site) -> None:
    """Serve the page."""

    async def login(request: Request, client: Client) -> Response | None:
        visit = Visit.of(site, request, client)
        to = safe(request.query_params.get("to", ""))
        if visit.may("read"):
            return RedirectResponse(to, 303)
        frame.head()
        draw(visit, to, wrong="wrong" in request.query_params)
        return None

    ui.page(LOGIN)(login)


def draw(visit: Visit, to: str, *, wrong: bool) -> None:
    """The form; `wrong`: the last key opened nothing."""
    ui.page_title(visit.say("sign_in"))
    with frame.header(visit, "/"):
        frame.switches(visit, across=("store", "/", "cart"))
    with El("div.page.narrow", id="main"), El("form.card.login", method="post", action=LOGIN):
        with El("header.card-head"):
            El("h1", visit.say("sign_in"))
            El("p.note", visit.say("sign_in_more"))
        if wrong:
            with El("div.banner.bad", role="alert"):
                drawn(icon("warn", 18), "span.symbol")
                El("p", visit.say("wrong_key"))
        El("input", type="hidden", name="to", value=to)
        with El("label.field"):
            El("span", visit.say("key"))
            El("input.input.mono", type="password", name="key", required=True, autocomplete="current-password",
               autofocus=True, placeholder="mien_a_…")  # fmt: skip
        El("button.button.primary", visit.say("sign_in"), type="submit")
