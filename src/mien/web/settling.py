"""What answers is opened before somebody waits for it, and the garbage collector leaves it alone."""

import gc
import logging
import threading
from types import TracebackType
from typing import Self

from mien.core.errors import MienError
from mien.shop import Shop
from mien.shop.workspace import Build

log = logging.getLogger("mien.web")

LOOK_S = 1.0
"""How often a new build is looked for."""


class Settling:
    """While it runs, what answers from the newest build is opened as soon as there is one.

    The goods, their texts and indexes are hundreds of thousands of objects that stay for as long as the build does.
    Python's collector would walk all of them every few seconds and stop every answer meanwhile, 150 ms for 100,000
    goods; frozen, they are left out.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mien-settling", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        gc.unfreeze()  # when the process ends, all is taken apart

    def _run(self) -> None:
        settled: Build | None = None
        if self._shop.workspace.build() is None:
            log.warning("Nothing is built yet. Run: mien build")
        while not self._end.is_set():
            build = self._shop.workspace.build()
            if build is not None and build != settled:
                settled = build
                try:
                    open_answers(self._shop)
                except MienError as failed:
                    log.warning("%s", failed)
                except Exception:
                    log.exception("what answers could not be opened")
            self._end.wait(LOOK_S)


def open_answers(shop: Shop) -> None:
    """Ask once, so that what all questions share is made; then let the collector forget about it."""
    shop.recommend(None, k=1)
    shop.complete("a", 1)
    gc.unfreeze()  # what answered before, and is no longer needed
    gc.collect()
    gc.freeze()
