"""The system: keys, dead letters, audit, settings, artifacts."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from nicegui import ui
from starlette.datastructures import QueryParams

from mien.settings import Settings
from mien.web.console.audited import audited
from mien.web.console.fresh import artifact_table
from mien.web.console.keys import keys
from mien.web.console.letters import letters
from mien.web.look.parts import El, card, table
from mien.web.look.visit import Visit

PATH = "/console/system"
SECRET = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)|((?i:[?&]\w*pass\w*)=)[^&\s]+")
"""A password in an address, which no page shows."""
HIDDEN = "…"


async def system(visit: Visit, asked: QueryParams) -> None:
    """All of it; `reason`: of which dead letters."""
    ui.page_title(visit.say("nav_system"))
    with El("div.page-head"), El("div"):
        El("h1", visit.say("nav_system"))
        El("p.note", visit.say("system_lead"))
    if visit.may("admin"):
        await keys(visit)
        await letters(visit, asked.get("reason", ""))
        await audited(visit)
    else:
        El("p.note", visit.say("system_read"))
    with card(visit.say("settings"), visit.say("settings_more")):
        settings(visit)
    if visit.shop.workspace.build() is not None:
        with card(visit.say("freshness"), visit.say("freshness_more")):
            artifact_table(visit, await visit.ask(visit.shop.overview, 1))


def settings(visit: Visit) -> None:
    """Every setting, changed ones first; passwords are left out."""
    defaults = dict(leaves(Settings()))
    rows = [
        (name, said(value), said(defaults.get(name)), value != defaults.get(name))
        for name, value in leaves(visit.shop.settings)
    ]
    rows.sort(key=lambda row: not row[3])
    changed = [[name, visit.say("setting_changed", value=value), default] for name, value, default, new in rows if new]
    same = [[name, value, default] for name, value, default, new in rows if not new]
    heads = [visit.say("setting"), visit.say("value"), visit.say("setting_default")]
    with El("div.tall"):
        table(heads, [*changed, *same], caption=visit.say("settings"))


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Each setting's dotted name and value, that of a password hidden."""
    for one in fields(tree):
        value, name = getattr(tree, one.name), f"{path}{one.name}"
        if is_dataclass(value) and not isinstance(value, type):
            yield from leaves(value, f"{name}.")
        elif one.name == "password":
            yield name, HIDDEN if value else ""
        else:
            yield name, value


def said(value: object) -> str:
    """A value as text, without passwords, cut where it is long."""
    text = SECRET.sub(rf"\1\2{HIDDEN}", str(value))
    return text if len(text) <= 120 else text[:117] + "…"
