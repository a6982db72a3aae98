"""Errors of the domain become HTTP answers, in one table. Every error is `{"code", "message"}`; no trace leaves."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

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

log = logging.getLogger("mien.web")

STATUS: tuple[tuple[type[MienError], int], ...] = (
    (UsageError, 400),
    (UnknownName, 404),
    (SourceError, 400),
    (NotReady, 409),
    (WorkspaceError, 409),
    (TransientError, 503),
    (MissingExtra, 501),
)
"""The first class that fits gives the status; any other error of ours is a 500."""


def answer(status: int, code: str, message: str) -> JSONResponse:
    """An error as clients expect it."""
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Have the app answer every error by the table."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, MienError)
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        return answer(status, error.code, str(error))

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return answer(400, "usage", f"{place}: {first['msg']}")

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(error.status_code, "http", str(error.detail))

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("unforeseen error at %s %s", request.method, request.url.path, exc_info=error)
        return answer(500, "error", "Something went wrong inside. The server's log says what.")

    app.add_exception_handler(MienError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unforeseen)
