"""What answers now: made once a build, and followed by the items that change meanwhile."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mien.collect.given import read_given
from mien.core.errors import MienError, UsageError
from mien.core.tables import ITEM
from mien.shop.serving import Serving, current
from mien.shop.stock import Stock
from mien.shop.workspace import Build
from mien.stores.changes import ItemChange

log = logging.getLogger("mien.shop")


class Current:
    """The `Serving` of a shop at any moment. `now`: µs. For several threads.

    While one thread follows a change the others are answered as before it.
    """

    def __init__(self, stock: Stock, now: Callable[[], int]) -> None:
        self._stock, self._now = stock, now
        self._held: Serving | None = None
        self._past: tuple[tuple[Build, int, int], Serving] | None = None
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None

    def drop(self) -> None:
        """Make it anew at the next question: what it was made of has changed."""
        self._held = self._past = None

    def at(self, as_of_us: int | None = None) -> Serving:
        """What answers questions of a moment (None: of now). `NotReady` before the first build."""
        build = current(self._stock)
        if as_of_us is not None and (as_of_us < build.as_of_us or as_of_us < self._newest_us(build)):
            return self._back(build, as_of_us)
        held = self._held
        if held is None or held.build != build:
            with self._lock:
                return self._made(build)
        if not self._covers(held) and self._lock.acquire(blocking=False):
            try:
                held = self._followed(held)
            finally:
                self._lock.release()
        return held

    def follow(self) -> Serving:
        """Come up to date, and return when every change made before the call is visible."""
        build = current(self._stock)
        with self._lock:
            held = self._made(build)
            return held if self._covers(held) else self._followed(held)

    def _back(self, build: Build, as_of_us: int) -> Serving:
        """What answers at a moment past; the last one is kept, since one looks at a moment from several sides."""
        past, key = self._past, (build, as_of_us, self._stock.changes.last())
        if past is None or past[0] != key:
            past = self._past = key, Serving(self._stock, build, as_of_us)
        return past[1]

    def _made(self, build: Build) -> Serving:
        held = self._held
        if held is None or held.build != build:
            changes = self._stock.changes.last()
            held = self._held = Serving(self._stock, build, self._moment(build), changes)
            if self._stock.changes.since(0):
                self._read_meaning(held, None)
        return held

    def _read_meaning(self, serving: Serving, rows: list[int] | None) -> None:
        """Have the vectors of changed items (None: of all since the build) made beside the answers: it takes longer.

        Until then they are found by their words, and what is gone is gone all the same.
        """
        vectors = serving.shelf.vectors
        if vectors is None:
            return
        stock, before = self._stock, self._reading
        found = stock.rows_since(0, serving.build.as_of_us, serving.at_us) if rows is None else rows

        def read() -> None:
            if before is not None:
                before.join()
            try:
                vectors.upsert(serving.catalogue, found)
            except MienError as failed:
                log.warning("the meaning of changed items is not known yet: %s", failed)

        self._reading = threading.Thread(target=read, name="mien-meaning", daemon=True)
        self._reading.start()

    def _moment(self, build: Build) -> int:
        return build.as_of_us if build.history else max(build.as_of_us, self._now())

    def _covers(self, held: Serving) -> bool:
        if held.build.history:
            return True
        return self._stock.changes.last() == held.changes and self._now() < held.next_us

    def _followed(self, held: Serving) -> Serving:
        changes = self._stock.changes.last()  # before the moment, so that none of these is later than it
        after = held.followed(changes, self._moment(held.build))
        after.warm()
        same = after.shelf.vectors is held.shelf.vectors
        self._held = after
        self._read_meaning(after, self._stock.rows_since(held.changes, held.at_us, after.at_us) if same else None)
        return after

    def _newest_us(self, build: Build) -> int:
        """When the newest version of an item began; 0 where none has begun since the build."""
        held = self._held
        return held.newest_us if held is not None and held.build == build else 0


@dataclass(frozen=True, slots=True)
class Put:
    """What became of items that were given: `items` kept, and the number of the last change."""

    items: int
    change: int


def put_items(stock: Stock, items: Iterable[Mapping[str, Any]], now_us: int, held: Serving | None) -> Put:
    """Keep changes of items; all of them or, where one is wrong, none. `held`: what knows the items, where it is built.

    `UsageError` for a new item without a title, and as `read_given` says.
    """
    given = read_given(items, stock.settings.shop.zone)
    titled = {item_id for item_id, _, fields in given if ITEM.TITLE in fields}
    for item_id in {one[0] for one in given} - titled - _known(stock, held, [one[0] for one in given]):
        raise UsageError("Item “{item_id}” is new: it needs a title.", item_id=item_id)
    changes = [ItemChange(item_id, now_us if at is None else at, fields) for item_id, at, fields in given]
    return Put(len(changes), stock.changes.add(changes) if changes else stock.changes.last())


def _known(stock: Stock, held: Serving | None, item_ids: list[str]) -> set[str]:
    if held is None:
        return set(stock.versions()[ITEM.ITEM_ID].to_pylist())
    return {item_id for item_id in item_ids if held.shelf.rows_of((item_id,))}
