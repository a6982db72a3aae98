"""Sessions of the console: a key is shown once, and a signed cookie stands for it until it expires or is revoked.

The cookie names the key's id and when it ends, signed by a secret of the workspace: nothing is kept on the server, a
restart asks nobody to sign in again, and the key itself is neither stored nor sent again.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from mien.core.caller import LOCAL, Caller
from mien.core.errors import UsageError
from mien.web.bodies import read_body
from mien.web.keys import KeyCheck

COOKIE = "mien_session"
HOURS = 12
LOGIN, LOGOUT, CONSOLE = "/console/login", "/console/logout", "/console"
SECRET = "console.secret"  # noqa: S105 - the name of a file
"""Of the workspace: what sessions are signed with."""


class SessionKeys(KeyCheck, Protocol):
    """Keys that are found by their id, too."""

    def caller(self, key_id: str) -> Caller | None:
        """Who asks by the key of an id; None where it is unknown or revoked."""
        ...


class Sessions:
    """Who looks at a page. `now_s`: what now is, in seconds."""

    def __init__(self, secret: bytes, keys: SessionKeys, now_s: Callable[[], float]) -> None:
        self.keys = keys
        self._secret, self._now_s = secret, now_s

    def caller(self, token: str | None) -> Caller | None:
        """Who a cookie stands for; this machine while there are no keys. None: nobody who may look."""
        if not self.keys.configured():
            return LOCAL
        key_id, until_s = self._read(token or "")
        caller = self.keys.caller(key_id) if until_s > self._now_s() else None
        return caller if caller is not None and caller.may("read") else None

    def open(self, caller: Caller) -> str:
        """The cookie that stands for a caller from now on."""
        told = f"{caller.key_id}.{int(self._now_s()) + HOURS * 3600}"
        return f"{told}.{self._sign(told)}"

    def _read(self, token: str) -> tuple[str, int]:
        """Key id and end (seconds) of a cookie of ours; ("", 0) for any other."""
        told, _, signature = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._sign(told)):
            return "", 0
        key_id, _, until = told.partition(".")
        return key_id, int(until)

    def _sign(self, told: str) -> str:
        return hmac.new(self._secret, told.encode(), hashlib.sha256).hexdigest()


def secret_of(folder: Path) -> bytes:
    """The secret of a workspace, made at first need, for its owner's eyes alone; several processes agree on one."""
    path = folder / SECRET
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)))
            file.flush()
            os.fsync(file.fileno())
    try:
        secret = base64.b64decode(path.read_bytes(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != 32:
        raise UsageError(
            "{path} does not hold a secret of sessions. Delete it, and start again: a new one is made.", path=path
        )
    return secret


def router(sessions: Sessions, signed_in: Callable[[Caller], object] = lambda caller: None) -> APIRouter:
    """The two forms that sign in and out. Both answer with a page to go to. `signed_in`: is told who did, before."""
    routes = APIRouter(include_in_schema=False)

    @routes.post(LOGIN)
    async def sign_in(request: Request) -> RedirectResponse:
        form = parse_qs((await read_body(request)).decode("utf-8", "replace"))
        to = safe(form.get("to", [CONSOLE])[0])
        caller = None
        if _own(request):
            caller = await run_in_threadpool(sessions.keys.find, form.get("key", [""])[0].strip())
        if caller is None or not caller.may("read"):
            return RedirectResponse(f"{LOGIN}?wrong=1&to={quote(to, safe='')}", 303)
        await run_in_threadpool(signed_in, caller)
        answer = RedirectResponse(to, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, sessions.open(caller), max_age=HOURS * 3600, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return answer

    @routes.post(LOGOUT)
    async def sign_out(request: Request) -> RedirectResponse:
        answer = RedirectResponse(LOGIN, 303)
        if _own(request):
            answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return answer

    return routes


def safe(to: str) -> str:
    """Where to go after signing in: a page of the console, or its first."""
    parts = urlsplit(to.replace("\\", "/"))
    inside = parts.path == CONSOLE or parts.path.startswith(CONSOLE + "/")
    return to if inside and not parts.scheme and not parts.netloc and to.isprintable() else CONSOLE


def _own(request: Request) -> bool:
    """Whether a form was sent from a page of ours; browsers say where from, and only strangers leave it out."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
