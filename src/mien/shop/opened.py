"""A workspace, opened: its stores, its clock, and what answers."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.collect import presidio
from mien.collect.cleaning import Cleaner
from mien.core.clock import to_us
from mien.core.errors import UnknownName
from mien.core.ids import UserRow
from mien.report import notebook
from mien.settings import Settings, load
from mien.shop.crowding import Crowds
from mien.shop.current import Current
from mien.shop.serving import Serving, at_of
from mien.shop.showing import Showing
from mien.shop.stock import Stock, open_states
from mien.shop.workspace import AUDIT_HEAD, Workspace
from mien.stores.audit import Audit
from mien.stores.catalog import Catalog
from mien.stores.changes import ItemChanges
from mien.stores.history import History
from mien.stores.items import ItemTable
from mien.stores.keys import Keys
from mien.stores.rewriting import Resources
from mien.stores.saved import SavedSegments
from mien.stores.shown import Impressions
from mien.stores.tail import Tail

HERE = "local"
"""Who asks where no key is asked for: this machine."""
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Opened:
    """What every part of a shop shares. `clock` says what now is; `served`: questions without a time are asked now."""

    def __init__(self, folder: Path | str, *, clock: Clock = utc_now, served: bool = False) -> None:
        self.workspace = Workspace(Path(folder))
        self.workspace.require()
        self.settings: Settings = load(self.workspace.settings)
        self.clock, self.served = clock, served
        self._serving = self.workspace.served() if served else None
        otherwise, vault = self.settings.privacy.otherwise, self.workspace.folder / self.settings.privacy.vault
        catalog = Catalog(self.workspace.catalog, vault, otherwise=otherwise)
        buckets = int(catalog.meta("buckets", str(self.settings.engine.buckets)))
        catalog.set_meta("buckets", str(buckets))
        engine = self.settings.engine
        resources = Resources(self.workspace.spill, engine.memory_mb, engine.cores)
        history = History(self.workspace.log, catalog, resources, buckets)
        states = open_states(self.workspace, self.settings.stores, catalog)
        items, tail = ItemTable(self.workspace.items), Tail(self.workspace.catalog, vault, otherwise=otherwise)
        self.keys = Keys(self.workspace.keys)
        notebook.install("zh" if self.settings.shop.language == "zh" else "en", self.settings.shop.currency)
        changes, shown = ItemChanges(self.workspace.catalog, vault), Impressions(self.workspace.impressions)
        self.stock = Stock(self.workspace, self.settings, catalog, history, items, states, tail, changes, shown)
        self.audit = Audit(self.workspace.audit, self._audit_head(), catalog.secret())
        self._current = Current(self.stock, lambda: to_us(self.clock()))
        self._saved, self._crowds = SavedSegments(self.workspace.catalog, vault), Crowds(self.stock)
        self.showing = Showing(self.stock, lambda: self.cleaner)

    @cached_property
    def cleaner(self) -> Cleaner | None:
        """What takes direct identifiers out of all that comes in; None where the shop wants them left in.

        Raises `MissingExtra` where kinds of Presidio are wanted and it is not installed.
        """
        privacy = self.settings.privacy
        if not privacy.clean:
            return None
        more = presidio.finder(privacy.presidio) if privacy.presidio else None
        return Cleaner(self.stock.catalog.secret() if privacy.joinable else None, more, privacy.personal)

    def _audit_head(self) -> Path:
        """Where the end of the audit log is noted."""
        return self.workspace.folder / (self.settings.privacy.audit_head or AUDIT_HEAD)

    def note(self, action: str, user: str | None = None, *, by: str = HERE, **detail: object) -> int:
        """Write a line of the audit log (`stores.audit`), durable when this returns; its number.

        `by`: who asked, by the id of their key. `detail` says nothing of the person.
        """
        return self.audit.add(action, at_us=to_us(self.clock()), by=by, user_id=user, detail=detail)

    def close(self) -> None:
        """Close the stores."""
        self.showing.close()
        if self._serving is not None:
            os.close(self._serving)
            self._serving = None
        self._saved.close()
        self.stock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- which moment -----------------------------------------------------------------------------------------

    def _row(self, user: str) -> UserRow:
        row = self.stock.catalog.users.row(user)
        if row is None:
            raise UnknownName("user", user)  # who asks may not be meant to know others' ids
        return UserRow(row)

    def _at(self, asked: datetime | None, serving: Serving) -> int:
        if self.served:
            return at_of(asked, max(to_us(self.clock()), serving.build.as_of_us))
        return at_of(asked, self.stock.reach_us(serving.build))

    def _changed(self) -> None:
        """What was made of the stores does not hold any more."""
        self._current.drop()
        self._crowds.drop()

    def _served(self, as_of: datetime | None) -> Serving:
        """What answers: kept for the current build, made for a moment before it."""
        return self._current.at(None if as_of is None else to_us(as_of))
