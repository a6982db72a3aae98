"""What is shown is kept as impressions, without slowing the answer: queued, and written by a thread of its own."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mien.collect.cleaning import Cleaner
from mien.core.clock import DAY_US
from mien.core.errors import MienError
from mien.core.impression import Impression
from mien.core.query import Answer, Query
from mien.shop.serving import Serving
from mien.shop.stock import Stock

log = logging.getLogger("mien.shop")

LINGER_S = 0.2
"""For so long impressions gather before they are written together."""
SWEEP_S = 3_600.0
"""How often old ones are looked for."""
QUERY_LENGTH = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    answer: Answer
    query: Query
    kind: str
    at_us: int
    serving: Serving


class Showing:
    """Keeps what a shop shows. Without `start` each impression is written at once; with it a thread writes them.

    At most `[impressions] waiting` wait for the disk; beyond, one is dropped and counted.
    """

    def __init__(self, stock: Stock, cleaner: Callable[[], Cleaner | None]) -> None:
        self._stock, self._cleaner = stock, cleaner
        self._queue: deque[_Shown] = deque()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._started = 0
        self._dropped = 0

    def start(self) -> None:
        """Have a thread write from now on, one for all who ask for it; each of them closes."""
        with self._change:
            self._started += 1
            if self._thread is None:
                self._closing = False
                self._thread = threading.Thread(target=self._write_all, name="mien-shown", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what waits, and stop the thread when the last one who started it closes."""
        with self._change:
            self._started = max(self._started - 1, 0)
            if self._started or self._thread is None:
                return
            thread, self._thread, self._closing = self._thread, None, True
            self._change.notify_all()
        thread.join()

    def keep(self, answer: Answer, query: Query, kind: str, at_us: int, serving: Serving) -> None:
        """Keep an answer that is shown to people. Cost: a µs where a thread writes."""
        one = _Shown(answer, query, kind, at_us, serving)
        if self._thread is None:
            self._write([one])
            return
        with self._change:
            if len(self._queue) >= self._stock.settings.impressions.waiting:
                self._dropped += 1
                return
            self._queue.append(one)
            self._change.notify()

    @property
    def waiting(self) -> int:
        """Impressions that wait for the disk."""
        return len(self._queue)

    def _write_all(self) -> None:
        swept = 0.0
        while True:
            with self._change:
                self._change.wait_for(lambda: self._queue or self._closing, timeout=SWEEP_S)
                closing = self._closing
            if not closing:
                time.sleep(LINGER_S)
            with self._change:
                group, self._dropped, dropped = list(self._queue), 0, self._dropped
                self._queue.clear()
            self._write(group, dropped)
            if time.monotonic() - swept > SWEEP_S and group:
                swept = time.monotonic()
                self._sweep(group[0].at_us)
            if closing and not self._queue:
                return

    def _write(self, group: list[_Shown], dropped: int = 0) -> None:
        """Write a group; what cannot be written is counted as dropped with the next one."""
        if not group and not dropped:
            return
        try:
            self._stock.impressions.add([self._impression(one) for one in group], dropped)
        except MienError as failed:
            log.warning("%s", failed)
            self._dropped += len(group) + dropped
        except Exception:
            log.exception("impressions could not be kept")
            self._dropped += len(group) + dropped

    def _sweep(self, now_us: int) -> None:
        try:
            self._stock.impressions.sweep(now_us - int(self._stock.settings.impressions.keep_days * DAY_US))
        except MienError as failed:
            log.warning("impressions that are too old stay for now: %s", failed)

    def _impression(self, one: _Shown) -> Impression:
        answer, query = one.answer, one.query
        cleaner = self._cleaner()
        text = query.text[:QUERY_LENGTH]
        return Impression(
            answer.impression_id,
            one.at_us,
            self._user(query),
            one.kind,
            text if cleaner is None else cleaner.text(text),
            tuple(one.serving.shelf.rows_of(tuple(result.item_id for result in answer.results))),
            answer.offset + 1,
            answer.total,
            one.serving.policy(one.kind),
            personalised=answer.personalised,
        )

    def _user(self, query: Query) -> int | None:
        """The row of who asked; None for a visitor, and for who does not let it be kept what they do."""
        who = None if query.user_id is None else self._stock.catalog.who(query.user_id)
        return who.row if who is not None and who.user.profilable else None
