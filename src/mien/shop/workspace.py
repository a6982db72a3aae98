"""The workspace on disk: where each thing lies, who may write, and what the last build left.

mien.toml       settings                       population/   snapshots, one a version
data/           the shop's own files           states/       the folded states (profile store)
catalog.sqlite  ids, segments, dead letters    index/        what answers questions: texts, neighbours
log/            the history of events          models/       what training left
items.parquet   versions of items              mappings/     how each source is read
build.json      what the last build covers     reports/      quality reports
audit.jsonl     who read and changed what      keys.sqlite   keys of the API, hashed
vault/          the users' keys, not in backups held/         purchases that outlive an erasure
shown.sqlite    what was shown to whom
"""

import errno
import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import duckdb

from mien.core.clock import from_us
from mien.core.errors import TransientError, UsageError, WorkspaceError
from mien.stores.durable import write_whole

SETTINGS_FILE = "mien.toml"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = re.compile("no space|disk is full|disk full|file too large|disk quota|could not write", re.IGNORECASE)
"""How the system, DuckDB and SQLite say that a file cannot grow."""
SPILL, SERVING, BACKING_UP = ".spill", ".serving", ".backing-up"
AUDIT_HEAD = "keys/audit.head"
"""Apart from the log, where the keys lie, which a backup leaves out."""


@dataclass(frozen=True, slots=True)
class Build:
    """What the last finished build covers: events up to `as_of_us` of ingests up to `ingest`.

    `events`: those kept; `logged`: those the log held.
    `items`: digest of the item table it indexed; `history`: whether a time was asked for (`--as-of`).
    """

    as_of_us: int
    ingest: int
    population: str
    items: str
    settings: str
    engine: str
    users: int
    events: int
    logged: int
    history: bool = False

    @property
    def as_of(self) -> datetime:
        return from_us(self.as_of_us)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of one shop, by names."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / SETTINGS_FILE

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog.sqlite"

    @property
    def keys(self) -> Path:
        return self.folder / "keys.sqlite"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def items(self) -> Path:
        return self.folder / "items.parquet"

    @property
    def population(self) -> Path:
        return self.folder / "population"

    @property
    def impressions(self) -> Path:
        return self.folder / "shown.sqlite"

    @property
    def states(self) -> Path:
        return self.folder / "states" / "states.sqlite"

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def encoders(self) -> Path:
        return self.models / "encoders"

    @property
    def audit(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def mappings(self) -> Path:
        return self.folder / "mappings"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    @property
    def held(self) -> Path:
        return self.folder / "held"

    @property
    def spill(self) -> Path:
        return self.folder / SPILL

    @property
    def build_file(self) -> Path:
        return self.folder / "build.json"

    def exists(self) -> bool:
        return self.settings.is_file()

    def require(self) -> None:
        """Raise `WorkspaceError` where there is no workspace."""
        if not self.exists():
            raise WorkspaceError(
                "There is no workspace in {folder} (no {settings_file}). Make one with: mien init {folder}",
                folder=self.folder,
                settings_file=SETTINGS_FILE,
            )

    def create(self, settings: str) -> None:
        """Make the folders and the settings file. A folder that is a workspace already is refused."""
        if self.exists():
            raise UsageError("{folder} is a workspace already. Open it, or choose another folder.", folder=self.folder)
        if self.folder.is_file():
            raise UsageError("{folder} is a file. Name a folder for the workspace.", folder=self.folder)
        for folder in (self.folder / "data", self.log, self.population, self.states.parent, self.mappings):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.settings, settings)

    def build(self) -> Build | None:
        """The last finished build; None where there is none, or one that this Mien does not read."""
        try:
            now = os.stat(self.build_file)
        except FileNotFoundError:
            return None
        return _read_build(self.build_file, (now.st_ino, now.st_mtime_ns, now.st_size))

    def finish(self, build: Build) -> None:
        """Record a finished build; the last thing a build does."""
        write_whole(self.build_file, json.dumps(asdict(build), indent=2))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock; `WorkspaceError` when another process has it."""
        handle = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkspaceError(
                    "Another process is writing to {folder}. Wait until it has finished, then try again.",
                    folder=self.folder,
                ) from None
            with self._room_to_write():
                yield
        finally:
            os.close(handle)

    def served(self) -> int:
        """Note that a server has this workspace open, until the handle returned is closed.

        Raises `WorkspaceError` while a backup is being restored over it.
        """
        handle = os.open(self.folder / SERVING, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise WorkspaceError(
                "A backup is being restored to {folder}. Wait until that is done.", folder=self.folder
            ) from None
        return handle

    @contextmanager
    def folding(self) -> Iterator[None]:
        """Hold the gate of the folded states, for moments only: live folding and builds pass it by turns."""
        handle = os.open(self.folder / ".folding", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _room_to_write(self) -> Iterator[None]:
        """Say it in a sentence where the disk is full: what was finished stays, the rest is done by a rerun."""
        try:
            yield
        except (OSError, duckdb.IOException, sqlite3.OperationalError) as failed:
            if getattr(failed, "errno", None) not in FULL and not FULL_WORDS.search(str(failed)):
                raise
            raise TransientError(
                "There is no room to write in {folder} ({failed}). Free some space and run the same "
                "command again; what was there before is unharmed.",
                folder=self.folder,
                failed=str(failed).splitlines()[0],
            ) from failed


@lru_cache(maxsize=16)
def _read_build(file: Path, _version: tuple[int, int, int]) -> Build | None:
    """What a version of the file says. Every question asks which build answers it."""
    try:
        return Build(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
