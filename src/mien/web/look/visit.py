"""A visit: one open page of a browser, with what its owner prefers, and what the pages ask the shop for."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import ParamSpec, TypeVar
from urllib.parse import quote, unquote

from fastapi import FastAPI, Request
from nicegui import Client, background_tasks, ui

from mien import translation
from mien.core.caller import Caller, Scope
from mien.core.errors import MienError
from mien.live import Live
from mien.profiles import local
from mien.profiles.wording import LIFECYCLES, Language
from mien.shop import Shop
from mien.web.languages import preferred
from mien.web.look.words import say
from mien.web.sessions import COOKIE, Sessions

P = ParamSpec("P")
T = TypeVar("T")

LANGUAGE, THEME = "mien_language", "mien_theme"
"""Cookies of what a browser prefers; nothing of it is kept on the server."""
THEMES = {"dark": True, "light": False}
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Site:
    """The shop whose pages are served, and the application that serves them."""

    shop: Shop
    app: FastAPI
    sessions: Sessions

    @property
    def live(self) -> Live:
        """Where tracked events go; there while the server runs."""
        live: Live = self.app.state.live
        return live


@dataclass(slots=True, eq=False)
class Visit:
    """One open page. `dark`: None follows the system."""

    site: Site
    client: Client
    language: Language
    dark: bool | None
    cookies: dict[str, str] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    sent: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, site: Site, request: Request, client: Client) -> "Visit":
        """The visit of a request; from here on its page speaks the visitor's language in their colours."""
        cookies = {name: unquote(value) for name, value in request.cookies.items()}
        language = _language(site.shop, cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
        visit = cls(site, client, language, THEMES.get(cookies.get(THEME, "")), cookies)
        client.page = copy(client.page)
        client.page.language, client.page.dark = ("zh-CN" if language == "zh" else "en-US"), visit.dark
        return visit

    @property
    def shop(self) -> Shop:
        return self.site.shop

    @property
    def caller(self) -> Caller | None:
        """Who looks at the page right now: a session that ended, or whose key was revoked, is nobody's."""
        return self.site.sessions.caller(self.cookies.get(COOKIE))

    @property
    def key_id(self) -> str:
        """By which key one looks, for the audit."""
        caller = self.caller
        return "" if caller is None else caller.key_id

    def may(self, needed: Scope) -> bool:
        """Whether who looks may do what needs a scope."""
        caller = self.caller
        return caller is not None and caller.may(needed)

    @property
    def zone(self) -> str:
        return self.shop.settings.shop.zone

    def say(self, key: str, **facts: object) -> str:
        """A phrase in the visitor's language."""
        return say(key, self.language, **facts)

    def why(self, error: MienError | str) -> str:
        """The sentence of an error, or of why something was refused, in the visitor's language."""
        return translation.say(error, self.language)

    def money(self, amount: float) -> str:
        return local.money(amount, self.shop.settings.shop.currency, self.language)

    def day(self, at: datetime) -> str:
        return local.day(at, self.zone, self.language)

    def moment(self, at: datetime) -> str:
        return local.moment(at, self.zone, self.language)

    def stage(self, lifecycle: str) -> str:
        """A stage of life in a word or two."""
        name = LIFECYCLES[self.language].get(lifecycle, lifecycle)
        return name.removesuffix("的用户").removesuffix("用户")

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the shop in a thread, so that nobody else waits for the answer."""
        return await asyncio.to_thread(question, *args, **kwargs)

    def keep(self, name: str, value: str | None) -> None:
        """Have the browser remember something for a year, or forget it (None)."""
        self.cookies.pop(name, None)
        if value is not None:
            self.cookies[name] = value
        age = YEAR_S if value is not None else 0
        cookie = f"{name}={quote(value or '', safe='')};path=/;max-age={age};samesite=lax"
        with self.client:
            ui.run_javascript(f"document.cookie = {json.dumps(cookie)}")

    def later(self, place: ui.element, then: Callable[[], Awaitable[None]]) -> None:
        """Fill a place once the page has been painted: what is slow, or far down, keeps nobody waiting for the rest."""

        async def fill() -> None:
            await self.sent.wait()  # whoever waits for a connection before that has the page sent without its content
            await self.client.connected()
            if not (self.client.is_deleted or place.is_deleted):
                with place:
                    await then()

        background_tasks.create(fill(), name="a part of a page")

    async def drawn(self, patience_s: float = 2.0) -> None:
        """Wait until the first page stands, so that it comes with the first answer; not longer than `patience_s`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ready.wait(), patience_s)
        self.sent.set()


def _language(shop: Shop, chosen: str | None, accepted: str) -> Language:
    """What the visitor chose, else what their browser likes best of ours, else the shop's own."""
    return preferred(chosen or "", preferred(accepted, shop.stock.language))
