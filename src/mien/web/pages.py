"""The pages for people, storefront and console, beside the API in one process; there where the extra `console` is."""

from importlib import import_module

from fastapi import FastAPI

from mien.core.errors import MissingExtra
from mien.core.extras import require
from mien.shop import Shop
from mien.web.access import Needs

NOT_THERE = "The console and the storefront need the extra: pip install 'mien[console]'. The API is served without."

STORE = ("/", "/search", "/item", "/cart")
CONSOLE = (
    "/console",
    "/console/login",
    "/console/users",
    "/console/user",
    "/console/tags",
    "/console/segments",
    "/console/segments/new",
    "/console/segment",
    "/console/quality",
    "/console/system",
)
ACCESS: dict[str, Needs] = {
    **{f"GET {path}": "own" for path in STORE + CONSOLE},
    **{f"POST {path}": "own" for path in ("/console/login", "/console/logout")},
    **{f"GET {path}/{{rest:path}}": "own" for path in ("/_look", "/_nicegui", "/_nicegui_ws")},
    "POST /_nicegui_ws/{rest:path}": "own",
    "GET /console/{rest:path}": "own",
    "GET /favicon.ico": "own",
}
"""Pages and what they are drawn with. A page asks by itself who looks at it: a browser has a session, not a key."""


def mount(app: FastAPI, shop: Shop) -> bool:
    """Serve the pages beside the API; False where their packages are not installed. Once a process."""
    try:
        require("console", "nicegui")
    except MissingExtra:
        return False
    import_module("mien.web.mounting").mount(app, shop)
    return True
