"""Who asks: the bearer of a key, or this machine while there are no keys; and what each scope may do."""

from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["write", "read", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
ENOUGH: dict[Scope, frozenset[Scope]] = {
    "write": frozenset(("write", "admin")),
    "read": frozenset(("read", "admin")),
    "metrics": frozenset(("metrics", "read", "admin")),
    "admin": frozenset(("admin",)),
}
"""What is asked for → the scopes that are enough for it. A write key lies in the pages of a shop: it may only track."""
SOURCE = "http"
"""Where events come from while there are no keys."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `source`: what events of theirs are known by, beside their ids."""

    key_id: str
    name: str
    scope: Scope
    source: str

    def may(self, needed: Scope) -> bool:
        """Whether this scope is enough."""
        return self.scope in ENOUGH[needed]


LOCAL = Caller("local", "this machine", "admin", SOURCE)
"""Whoever asks while there are no keys, when the server listens to its own machine only."""
