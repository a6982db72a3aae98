"""How values show themselves in a notebook: a room that knows markup says how, since this one knows none."""

from collections.abc import Callable
from typing import Any

_views: dict[type, Callable[[Any], str]] = {}


def show_by(kind: type, view: Callable[[Any], str]) -> None:
    """From now on values of this very type are shown by `view`, which makes HTML of one."""
    _views[kind] = view


def html_of(value: object) -> str | None:
    """The HTML of a value; None where nobody has said how, and a notebook then shows its text."""
    view = _views.get(type(value))
    return None if view is None else view(value)
