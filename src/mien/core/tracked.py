"""A tracked message, read: what it says in the shop's own ids, or why it says nothing."""

from dataclasses import dataclass
from typing import Any

import msgspec

from mien.core.event import Event


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message, or a part of it, could not be used. `raw`: what it held, cut."""

    reason: str
    detail: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """A message that says nothing about an item: a page, a group, an event of the shop's own. Kept and counted."""

    name: str
    properties: str


class Tracked(msgspec.Struct, gc=False):
    """What became of one message, in the shop's ids.

    `digest`: of its content, to tell a repeated message from another one of the same id. `user_id`: whose it is;
    `known`: by a name, not as a visitor. `traits`, `consents`: what they declared with it. `joins`: an id that is the
    same person; `alias`: the shop itself says so, and it may be another name.
    `items`: fields of items that it told, by item. `flag`: what is suspect though kept.
    """

    message_id: str
    source: str
    digest: int
    user_id: str
    at_us: int
    known: bool = False
    events: list[Event] = msgspec.field(default_factory=list)
    other: Other | None = None
    items: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    traits: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)
    consents: dict[str, bool] = msgspec.field(default_factory=dict)
    joins: str | None = None
    alias: bool = False
    flag: str | None = None
    refused: list[Refusal] = msgspec.field(default_factory=list)
