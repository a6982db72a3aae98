"""Errors of the domain become HTTP answers, in one table. Every error is `{"code", "message"}`; no trace leaves.

The message is in the language that was asked for, `code` the same in each.
"""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope as Connection

from mien.core.errors import (
    MienError,
    MissingExtra,
    NotReady,
    SourceError,
    TransientError,
    UnknownName,
    UsageError,
    WorkspaceError,
)
from mien.core.phrase import Phrase
from mien.live import Overloaded
from mien.translation import say
from mien.web.languages import asked_in
from mien.web.refusals import (
    Busy,
    Forbidden,
    HeadTooLarge,
    NotAllowed,
    NotThere,
    OtherHost,
    TooLarge,
    TooMany,
    TooSlow,
)

STATUS: tuple[tuple[type[MienError], int], ...] = (
    (NotAllowed, 401),
    (Forbidden, 403),
    (OtherHost, 403),
    (NotThere, 404),
    (TooSlow, 408),
    (TooLarge, 413),
    (Overloaded, 429),
    (TooMany, 429),
    (HeadTooLarge, 431),
    (Busy, 503),
    (UsageError, 400),
    (UnknownName, 404),
    (SourceError, 400),
    (NotReady, 409),
    (WorkspaceError, 409),
    (TransientError, 503),
    (MissingExtra, 501),
)
"""The first class that fits gives the status; any other error of ours is a 500."""


def answer(
    asked: Connection,
    status: int,
    code: str,
    said: MienError | str,
    headers: Mapping[str, str] | None = None,
    *,
    retry_s: int = 5,
) -> JSONResponse:
    """An error as clients expect it. `asked`: by whom; `retry_s`: when it is worth trying again, where it is."""
    language = asked_in(asked)
    told = {**(headers or {}), "Content-Language": language, "Vary": "Accept-Language"}
    if status in (429, 503):
        told["Retry-After"] = str(retry_s)
    if status == 401:
        told["WWW-Authenticate"] = 'Bearer realm="mien"'
    message = (
        say(said, language).encode("utf-8", "replace").decode()
    )  # it may name what a stranger sent: half of a character, too
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=told)


def of(error: MienError, asked: Connection, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that the table gives to an error of ours."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return answer(asked, status, error.code, error, headers, retry_s=getattr(error, "retry_s", 5))


def install(app: FastAPI) -> None:
    """Have the app answer every error by the table."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, MienError)
        return of(error, request.scope)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        wrong = Phrase("{where}: {message}", where=place, message=ValueError(first["msg"]))
        return answer(request.scope, 400, "usage", wrong)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(request.scope, error.status_code, "http", str(error.detail))

    app.add_exception_handler(MienError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
