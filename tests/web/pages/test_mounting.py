"""What the pages take of the server's addresses: each stands in the table of who may ask, and nothing else does."""

import pytest

pytest.importorskip("nicegui", reason="the pages need the extra `console`")

from nicegui import app

from mien.web import pages
from mien.web.access import ACCESS
from mien.web.console.pages import PAGES as CONSOLE
from mien.web.sessions import LOGIN
from mien.web.storefront.pages import PAGES as STORE


def test_every_page_stands_in_the_table() -> None:
    shown = {f"GET {path}" for path in (*CONSOLE, *STORE, LOGIN)}
    told = {entry for entry in pages.ACCESS if entry.startswith("GET") and "{" not in entry}
    assert told == shown | {"GET /favicon.ico"}


def test_no_page_hides_a_route_of_the_api() -> None:
    assert not set(pages.ACCESS) & set(ACCESS)
    assert not [entry for entry in pages.ACCESS if " /v1" in entry]


def test_what_pages_are_drawn_with_is_covered() -> None:
    """NiceGUI's own addresses, as this version has them."""
    own = {getattr(route, "path", "") for route in app.routes}
    assert [path for path in own if path.startswith("/_nicegui")]
    assert not [
        path for path in own if path.startswith("/_") and not path.startswith(("/_nicegui/", "/_nicegui_ws", "/_look"))
    ]
