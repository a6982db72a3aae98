"""How strangers name our columns and actions: a domain's vocabulary, read from its TOML file."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from mien.core.errors import UnknownName
from mien.core.event import Action

_SKIPPED = re.compile(r"[\s_\-.]+")


def compact(name: str) -> str:
    """A name as it is compared: NFKC, lower case, without spaces and `_ - .` (`User ID` = `user_id`)."""
    return _SKIPPED.sub("", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True)
class Vocabulary:
    """The words of a domain.

    `columns`: kind → compact name → our columns it may mean; `traits`: compact name → trait; `actions`: what is
    said (lower case) → action; `numbered`: a bare number → action; `order_columns`: names of order numbers;
    `weights`: action → how much liking one such event shows.
    """

    name: str
    columns: dict[str, dict[str, tuple[str, ...]]]
    traits: dict[str, str]
    actions: dict[str, Action]
    numbered: dict[str, Action]
    order_columns: frozenset[str]
    weights: dict[Action, float]

    def targets(self, kind: str, name: str) -> tuple[str, ...]:
        """Our columns that a stranger's column name may mean; empty where it says nothing."""
        return self.columns[kind].get(compact(name), ())

    def action(self, said: str) -> Action | None:
        """The action a value names, or None."""
        return self.actions.get(said.strip().casefold())


@lru_cache(maxsize=8)
def load_vocabulary(domain: str = "commerce") -> Vocabulary:
    """The vocabulary shipped as `domains/<domain>.toml`; an unknown domain is an `UnknownName`."""
    folder = resources.files("mien").joinpath("domains")
    known = [entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    if domain not in known:
        raise UnknownName("domain", domain, known)
    data = tomllib.loads(folder.joinpath(f"{domain}.toml").read_text(encoding="utf-8"))
    return Vocabulary(
        name=data["name"],
        columns={kind: _inverted(targets) for kind, targets in data["columns"].items()},
        traits={compact(said): trait for trait, names in data["traits"].items() for said in names},
        actions={said.casefold(): Action(action) for action, names in data["actions"].items() for said in names},
        numbered={number: Action(action) for number, action in data["numbered_actions"].items()},
        order_columns=frozenset(compact(name) for name in data["hints"]["order"]),
        weights={Action(action): float(weight) for action, weight in data["weights"].items()},
    )


def _inverted(targets: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for target, names in targets.items():
        for name in dict.fromkeys(compact(name) for name in names):
            found[name] = (*found.get(name, ()), target)
    return found
