"""Every setting, in one frozen tree: argument > environment > mien.toml > default, resolved once.

A section is a table of `mien.toml`; a field of it is also the environment variable `MIEN_SECTION_FIELD`.
Each room defines its own options; they are only put together here.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from mien.core.clock import load_zone
from mien.core.errors import UnknownName, UsageError
from mien.core.phrase import Phrase
from mien.features.state import FoldSettings
from mien.models.content.options import ContentSettings
from mien.models.heads.settings import HeadSettings
from mien.prepare.clean import CleanPolicy
from mien.profiles.options import ProfileOptions
from mien.ranking.kind import Kind
from mien.ranking.kinds import KINDS, read_kinds
from mien.ranking.options import RankingOptions, SearchOptions
from mien.ranking.rule import Rule, read_rules
from mien.stores.options import StoreSettings

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """The shop itself."""

    name: str = field(default="My shop", metadata={"help": "what the shop is called on screens and in reports"})
    language: str = field(default="en", metadata={"help": "language of reasons and summaries: en or zh"})
    zone: str = field(default="UTC", metadata={"help": "IANA time zone whose days and hours count"})
    domain: str = field(default="commerce", metadata={"help": "vocabulary that column and action names are read with"})
    currency: str = field(default="USD", metadata={"help": "ISO 4217 code of the money that events and items are in"})

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UnknownName("language", self.language, LANGUAGES)
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise UsageError(
                "“{currency}” is not a currency. Write its ISO 4217 code, such as USD or CNY.", currency=self.currency
            )
        load_zone(self.zone)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What building may use."""

    memory_mb: int = field(default=1024, metadata={"help": "memory for the table engine; past it, it spills to disk"})
    threads: int = field(default=0, metadata={"help": "threads for the table engine; 0: one for each core"})
    buckets: int = field(default=16, metadata={"help": "user buckets of the log; fixed when a workspace is made"})
    refit_share: float = field(
        default=0.1, metadata={"help": "new events over known ones from which a build fits the population anew"}
    )

    refit_days: float = field(
        default=7.0, metadata={"help": "days after which a build fits the population anew, however little is new"}
    )

    def __post_init__(self) -> None:
        if self.memory_mb < 128 or self.threads < 0 or not 1 <= self.buckets <= 1024:
            raise UsageError("The engine needs memory_mb ≥ 128, threads ≥ 0 and buckets between 1 and 1024.")

    @property
    def cores(self) -> int:
        """How many threads that is here."""
        return self.threads or len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """What may be done with what is known of people."""

    unknown: str = field(
        default="opt-out",
        metadata={"help": "what holds until a user has answered: opt-out (allowed until refused) or opt-in (refused)"},
    )

    audit_head: str = field(
        default="",
        metadata={"help": "file that notes the end of the audit log, best on another disk; none: keys/audit.head"},
    )
    vault: str = field(
        default="vault", metadata={"help": "folder of the users' keys: of the workspace, or an absolute path elsewhere"}
    )

    clean: bool = field(
        default=True, metadata={"help": "whether direct identifiers in free text are taken out before it is kept"}
    )
    joinable: bool = field(
        default=False, metadata={"help": "whether a keyed hash stands in their place, so that equal ones can be joined"}
    )
    presidio: tuple[str, ...] = field(
        default=(), metadata={"help": "further kinds to take out, by Presidio's names, as US_SSN (extra privacy)"}
    )
    personal: tuple[str, ...] = field(
        default=(),
        metadata={"help": "names of traits that are shown masked to read keys, beside e-mail, phone, name, …"},
    )

    retrain_days: float = field(
        default=30.0, metadata={"help": "days within which models are to be trained anew after a user was erased"}
    )

    retention_days: float = field(
        default=0.0, metadata={"help": "events older than so many days are removed; 0: they are kept"}
    )
    others_days: float = field(
        default=400.0,
        metadata={"help": "acts that are no event of Mien's are removed after so many days; 0: they are kept"},
    )
    letters_most: int = field(
        default=1_000_000, metadata={"help": "dead letters that are kept, the newest; 0: all of them"}
    )

    def __post_init__(self) -> None:
        if min(self.retrain_days, self.retention_days, self.others_days, self.letters_most) < 0:
            raise UsageError("Days and numbers of [privacy] are 0 or more.")
        if self.unknown not in ("opt-out", "opt-in"):
            raise UnknownName("way of taking silence", self.unknown, ("opt-out", "opt-in"))

    @property
    def otherwise(self) -> bool:
        """Whether what a user has not spoken of is allowed."""
        return self.unknown == "opt-out"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server lets through, once there are keys; each of several workers on its own."""

    key_rate: float = field(default=1_000.0, metadata={"help": "requests a second of one key; 0: any"})
    address_rate: float = field(
        default=100.0, metadata={"help": "requests a second of one address, with a write key or none; 0: any"}
    )
    burst_s: float = field(default=3.0, metadata={"help": "how many seconds' worth of them may come at once"})
    wrong_keys: float = field(default=20.0, metadata={"help": "wrong keys a minute from one address; 0: any"})
    at_once: int = field(default=256, metadata={"help": "requests answered at once; one more is told to come back"})
    body_s: float = field(default=20.0, metadata={"help": "seconds within which a body has to arrive"})
    answer_s: float = field(default=60.0, metadata={"help": "seconds within which a large answer has to be read"})
    proxies: tuple[str, ...] = field(
        default=("127.0.0.1", "::1"),
        metadata={"help": "addresses of proxies whose word is taken for who asks (X-Forwarded-For, X-Forwarded-Proto)"},
    )
    log: Literal["auto", "json", "text"] = field(
        default="auto",
        metadata={"help": "json, a line for each request; text, warnings alone; auto: text on a terminal"},
    )

    def __post_init__(self) -> None:
        if (
            min(self.key_rate, self.address_rate, self.wrong_keys) < 0
            or min(self.burst_s, self.body_s, self.answer_s) <= 0
        ):
            raise UsageError("The server needs rates of 0 or more, and burst_s, body_s and answer_s above 0.")
        if self.at_once < 1:
            raise UsageError("The server needs at_once of 1 or more.")


@dataclass(frozen=True, slots=True)
class ImpressionSettings:
    """What is kept of answers that were shown."""

    window_hours: float = field(
        default=24.0, metadata={"help": "hours within which an act on an item follows from its having been shown"}
    )
    keep_days: float = field(default=90.0, metadata={"help": "days for which impressions are kept"})
    waiting: int = field(default=10_000, metadata={"help": "impressions that may wait for the disk; beyond, dropped"})

    def __post_init__(self) -> None:
        if self.window_hours <= 0 or self.keep_days <= 0 or self.waiting < 1:
            raise UsageError("Impressions need window_hours and keep_days above 0, and waiting of 1 or more.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `load` reads one; the default constructor gives the defaults."""

    shop: ShopSettings = field(default_factory=ShopSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    stores: StoreSettings = field(default_factory=StoreSettings)
    clean: CleanPolicy = field(default_factory=CleanPolicy)
    fold: FoldSettings = field(default_factory=FoldSettings)
    profile: ProfileOptions = field(default_factory=ProfileOptions)
    ranking: RankingOptions = field(default_factory=RankingOptions)
    kinds: dict[str, Kind] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    search: SearchOptions = field(default_factory=SearchOptions)
    content: ContentSettings = field(default_factory=ContentSettings)
    heads: HeadSettings = field(default_factory=HeadSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    impressions: ImpressionSettings = field(default_factory=ImpressionSettings)


ELSEWHERE = {("fold", "zone"): "[shop] zone"}
"""A field that is spelled in another section, so that it is spelled once."""
LISTS = ("kinds", "rules")
"""Sections of as many tables as one likes; the file alone sets them."""


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from a file (None: defaults) and the environment.

    Raises `UsageError` for a file that is not TOML and for a value of the wrong type, `UnknownName` for a section or
    field nobody knows.
    """
    given: dict[str, Any] = {}
    if path is not None:
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            raise UsageError("{path} is not a TOML file that can be read: {wrong}", path=path, wrong=wrong) from None
    hints = get_type_hints(Settings)
    for name in given:
        if name not in hints:
            raise UnknownName("settings section", name, hints)
    sections = {
        name: _section(name, kind, given.get(name, {}), environ, str(path or ""))
        for name, kind in hints.items()
        if name not in LISTS
    }
    kinds = read_kinds(given.get("kinds", {}))
    rules = read_rules(given.get("rules", []), (*KINDS, *kinds), sections["shop"].zone)
    settings = Settings(**sections, kinds=kinds, rules=rules)
    return replace(settings, fold=replace(settings.fold, zone=settings.shop.zone))


def _section(name: str, kind: type, given: Any, environ: Mapping[str, str], where: str) -> Any:
    if not isinstance(given, dict):
        raise UsageError("{where}: [{name}] must be a table of settings.", where=where, name=name)
    known = {f.name for f in fields(kind) if f.init and (name, f.name) not in ELSEWHERE}
    for key in given:
        if (name, key) in ELSEWHERE:
            raise UsageError(
                "{where}: {name}.{key} is set as {place}.", where=where, name=name, key=key, place=ELSEWHERE[name, key]
            )
        if key not in known:
            raise UnknownName(Phrase("setting in [{name}]", name=name), key, known)
    values = dict(given)
    for key in known:
        if (text := environ.get(f"MIEN_{name}_{key}".upper())) is not None:
            values[key] = text
    hints = get_type_hints(kind)
    return kind(**{key: _value(value, hints[key], f"{name}.{key}", where) for key, value in values.items()})


def _value(value: Any, kind: Any, name: str, where: str) -> Any:
    if isinstance(value, str) and kind is not str:
        value = _parsed(value)
    try:
        return msgspec.convert(value, type=kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise UsageError(
            "{where}: the setting {name} does not fit: {wrong}.",
            where=where or "The environment",
            name=name,
            wrong=wrong,
        ) from None


def _parsed(text: str) -> Any:
    """A value written in the environment as in TOML (a list, a table, a number), or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def template(shop: ShopSettings) -> str:
    """The text of a new `mien.toml`: the shop's own section, and where to read on."""
    lines = ["# Settings of this shop. Every setting, its meaning and its default: docs/settings.md", "", "[shop]"]
    for one in fields(shop):
        lines += [f"# {one.metadata['help']}", f"{one.name} = {_toml(getattr(shop, one.name))}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()
