"""The mapping file: which of a source's columns and values are which of ours (TOML)."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomlkit

from mien.collect.times import check_format
from mien.core.clock import load_zone
from mien.core.errors import MienError, SourceError, UnknownName, UsageError
from mien.core.event import ACTIONS, Action
from mien.core.phrase import Phrase
from mien.core.tables import EVENT, ITEM, USER

Kind = Literal["events", "items", "users"]
REST = "*"

ITEM_FIELDS = (ITEM.TITLE, ITEM.DESCRIPTION, ITEM.CATEGORY, ITEM.BRAND, ITEM.COLOUR, ITEM.PRICE, ITEM.IMAGE)
"""Fields of the item that an events source may carry."""
EVENT_FIELDS = (
    *(EVENT.EVENT_ID, EVENT.USER_ID, EVENT.ACTION, EVENT.ITEM_ID, EVENT.AT, EVENT.VALUE, EVENT.QUANTITY),
    *(EVENT.RATING, EVENT.QUERY, EVENT.TEXT, EVENT.IMPRESSION_ID),
)
TARGETS: dict[str, tuple[str, ...]] = {
    "events": (*EVENT_FIELDS, *ITEM_FIELDS),
    "items": (ITEM.ITEM_ID, ITEM.VALID_FROM, *ITEM_FIELDS, ITEM.AUDIO, ITEM.AVAILABLE),
    "users": (USER.USER_ID,),
}
"""Kind → the columns of ours that `[map]` may fill."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a source becomes one of the three tables.

    `map`: our column → theirs (several: a path for the category, otherwise joined by a space). `source`: the name
    kept with each event. `zone`: of naive times. `time`: "column", or "order" where a source knows only the order of
    its rows; then `start` is the first row's time and each row comes one second later. `time_format`: `iso`,
    `unix_s|ms|us|ns` or strptime patterns. `action`: what every row is, where no column says it. `actions`: their
    word → our action. `properties`/`traits`/`consents`: what becomes JSON. `columns`: names of a file without a header.
    """

    kind: Kind
    map: dict[str, tuple[str, ...]] = field(default_factory=dict)
    source: str | None = None
    zone: str | None = None
    time: Literal["column", "order"] = "column"
    time_format: tuple[str, ...] = ()
    start: str = "2000-01-01T00:00:00Z"
    action: Action | None = None
    decimal: str = "."
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    actions: dict[str, Action] = field(default_factory=dict)
    properties: tuple[str, ...] = (REST,)
    traits: dict[str, str] = field(default_factory=dict)
    consents: dict[str, str] = field(default_factory=dict)

    def of(self, target: str) -> tuple[str, ...]:
        """Their columns behind one of ours; empty where none is."""
        return self.map.get(target, ())

    def used(self) -> set[str]:
        """All columns of theirs that have a place of their own."""
        return {name for names in self.map.values() for name in names} | {
            *self.traits.values(),
            *self.consents.values(),
        }

    def to_toml(self, comments: Sequence[Phrase] = ()) -> str:
        """The mapping as a file, its defaults left out; `comments` stand on top."""
        document = tomlkit.document()
        for comment in comments:
            document.add(tomlkit.comment(str(comment)))
        for key in _SCALARS:
            value = getattr(self, key)
            if value != getattr(_DEFAULTS, key) or key == "kind":
                document[key] = list(value) if isinstance(value, tuple) else str(value)
        tables: dict[str, dict[str, Any]] = {
            "map": {ours: theirs[0] if len(theirs) == 1 else list(theirs) for ours, theirs in self.map.items()},
            "actions": {said: str(action) for said, action in self.actions.items()},
            "traits": dict(self.traits),
            "consents": dict(self.consents),
        }
        for name, entries in tables.items():
            if entries:
                table = tomlkit.table()
                for key, value in entries.items():
                    table[key] = value
                document[name] = table
        return tomlkit.dumps(document)


_SCALARS = (
    *("kind", "source", "action", "time", "start", "zone", "time_format", "decimal"),
    *("columns", "delimiter", "encoding", "properties"),
)
_LISTS = ("time_format", "columns", "properties")
_TABLES = ("map", "actions", "traits", "consents")
_DEFAULTS = Mapping("events")


def read_mapping(path: Path, kind: Kind) -> Mapping:
    """A mapping from its file; what is wrong in it is a `SourceError` that names the file, or an `UnknownName`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError("There is no such mapping file.", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError("The mapping is not valid TOML: {error}", error=error, path=path) from error
    try:
        return parse_mapping(data, kind)
    except UnknownName:
        raise
    except MienError as error:
        raise SourceError(error.phrase, path=path) from error


def parse_mapping(data: dict[str, Any], kind: Kind) -> Mapping:
    """A mapping from TOML values, each key and word checked."""
    for key in data:
        if key not in (*_SCALARS, *_TABLES):
            raise UnknownName("mapping key", key, [*_SCALARS, *_TABLES])
    if data.get("kind", kind) != kind:
        raise UsageError(
            "The mapping is for {kind}, but {given} are read. Hand it to --{kind}.", kind=data["kind"], given=kind
        )
    values: dict[str, Any] = {key: data[key] for key in _SCALARS if key in data}
    values["kind"] = kind
    for key in _LISTS:
        if key in values:
            values[key] = _texts(values[key], key)
    values["map"] = {
        _known("column", ours, TARGETS[kind]): _texts(theirs, ours) for ours, theirs in data.get("map", {}).items()
    }
    values["actions"] = {str(said): _action(word) for said, word in data.get("actions", {}).items() if word}
    values["traits"] = {str(name): str(column) for name, column in data.get("traits", {}).items()}
    values["consents"] = {str(name): str(column) for name, column in data.get("consents", {}).items()}
    if "action" in values:
        values["action"] = _action(values["action"])
    if values.get("time", "column") not in ("column", "order"):
        raise UsageError("time = “{time}” is not known. Use “column” or “order”.", time=values["time"])
    if values.get("zone"):
        load_zone(values["zone"])
    if values.get("decimal", ".") not in (".", ","):
        raise UsageError("decimal = “{decimal}” is not known. Use “.” or “,”.", decimal=values["decimal"])
    for word in values.get("time_format", ()):
        check_format(word)
    return Mapping(**values)


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise UsageError("The mapping's “{key}” must be a text or a list of texts, not {value!r}.", key=key, value=value)


def _action(word: str) -> Action:
    return Action(_known("action", word, [str(action) for action in ACTIONS]))


def _known(kind: str, name: str, known: Any) -> str:
    if name not in known:
        raise UnknownName(kind, name, known)
    return name
