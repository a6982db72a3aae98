"""While a shopper waits: what was tracked is durable before it is answered, and in the profile moments later.

A batch is read, appended to the log's tail together with whatever else waits (one sync for all of them), then answered.
A thread folds the tail into the states and commits states and offset in one transaction.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType

from mien.collect.tracking import read_message
from mien.collect.wire import read_envelope
from mien.core.clock import to_us
from mien.core.errors import MienError, TransientError
from mien.core.tracked import Refusal, Tracked
from mien.shop import Shop
from mien.shop.folding import TailFold

log = logging.getLogger("mien.live")

WAITING = 20_000
"""Messages that may wait for the disk; beyond, a batch is turned away and may be sent again."""
AT_ONCE = 5_000
"""Messages of one append."""
IDLE_S = 1.0
"""How often an idle folder looks whether another process has appended or built."""

SWEEP_S = 3600.0
"""How often what is past retention is let go."""

PAUSE_S = 0.5
"""The longest pause of folding while batches wait to be written."""

Fates = Counter[str]


class Overloaded(TransientError):
    """More waits for the disk than may; nothing of the batch was kept. Fact: `retry_s`."""

    code = "overloaded"

    def __init__(self, retry_s: int = 1) -> None:
        self.retry_s = retry_s
        super().__init__("Too much waits to be written. Send the batch again in {retry_s} s.", retry_s=retry_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    messages: Sequence[Tracked | Refusal]
    source: str
    answer: "Future[Fates]" = field(default_factory=Future)


class Live:
    """The live half of one shop: `track` from any thread. Close it: what was accepted is written first.

    `waiting`: messages that may wait for the disk.
    """

    def __init__(self, shop: Shop, *, waiting: int = WAITING) -> None:
        self.shop, self.waiting = shop, waiting
        self._cleaner = shop.cleaner  # made now, so that what is missing is told at the start
        self._fold = TailFold(shop.stock)
        self._queue: deque[_Waiting] = deque()
        self._queued = 0
        self._change = threading.Condition()
        self._appended = threading.Event()
        self._behind_since_s: float | None = None
        self._closing, self._closes = False, threading.Event()
        self._sweep_at_s = time.monotonic() + SWEEP_S
        self._threads = [
            threading.Thread(target=self._append_all, name="mien-append", daemon=True),
            threading.Thread(target=self._fold_all, name="mien-fold", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        shop.showing.start()

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what was accepted, fold it, and stop."""
        with self._change:
            self._closing = True
            self._closes.set()
            self._change.notify_all()
        self._threads[0].join()
        self._appended.set()
        self._threads[1].join()
        self.shop.showing.close()

    @property
    def queued(self) -> int:
        """Messages that wait for the disk."""
        return self._queued

    def behind_s(self) -> float:
        """For how long there has been something to fold; 0 where profiles hold all that this object wrote."""
        since_s = self._behind_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    # -- in ---------------------------------------------------------------------------------------------------

    def track(self, body: bytes, *, source: str = "http", kind: str | None = None) -> Fates:
        """Take a batch, or with `kind` one message, as JSON; returns when it is durable. See `submit`."""
        return self.submit(self.read(body, source=source, kind=kind), source=source).result()

    def read(self, body: bytes, *, source: str = "http", kind: str | None = None) -> list[Tracked | Refusal]:
        """The messages of a body, each read or refused. Raises `UsageError` for a body that is no batch."""
        received_us, cleaner = to_us(self.shop.clock()), self._cleaner
        if kind is not None:
            return [read_message(body, source=source, received_us=received_us, kind=kind, cleaner=cleaner)]
        envelope = read_envelope(body)
        sent_at = envelope.sent_at
        return [
            read_message(one, source=source, received_us=received_us, sent_at=sent_at, cleaner=cleaner)
            for one in envelope.batch
        ]

    def submit(self, messages: Sequence[Tracked | Refusal], *, source: str = "http") -> "Future[Fates]":
        """Hand messages over; the future has their fates (see `Tail.append`) once they are durable.

        Raises `Overloaded` where too much waits already. The future may raise `TransientError`: nothing was kept.
        """
        one = _Waiting(messages, source)
        one.answer.set_running_or_notify_cancel()  # from here on nobody can take it back, whoever stops waiting for it
        with self._change:
            if self._closing or self._queued + len(messages) > max(self.waiting, len(messages)):
                raise Overloaded
            self._queue.append(one)
            self._queued += len(messages)
            self._change.notify()
        return one.answer

    # -- the two threads ----------------------------------------------------------------------------------------

    def _append_all(self) -> None:
        while (group := self._next_group()) is not None:
            self._append(group)
            if self._behind_since_s is None:
                self._behind_since_s = time.monotonic()
            self._appended.set()

    def _next_group(self) -> list[_Waiting] | None:
        """All that waits, up to `AT_ONCE` messages; None at the end."""
        with self._change:
            while not self._queue:
                if self._closing:
                    return None
                self._change.wait()
            group, messages, source = [], 0, self._queue[0].source
            while self._queue and messages < AT_ONCE and self._queue[0].source == source:
                one = self._queue.popleft()
                group.append(one)
                messages += len(one.messages)
            self._queued -= messages
            return group

    def _append(self, group: list[_Waiting]) -> None:
        """One transaction for the whole group; each answer has the fates of its own messages."""
        tail = self.shop.stock.tail
        try:
            fates = tail.append_all([one.messages for one in group], group[0].source)
        except MienError as failed:
            for one in group:
                one.answer.set_exception(failed)
        except Exception as failed:
            log.exception("messages could not be kept")
            for one in group:
                one.answer.set_exception(failed)
        else:
            for one, fate in zip(group, fates, strict=True):
                one.answer.set_result(fate)

    def _fold_all(self) -> None:
        while True:
            self._appended.wait(IDLE_S)
            self._appended.clear()
            if not self._tried(self._fold_tail, "events wait in the log to be folded"):
                self._closes.wait(IDLE_S)
            self._tried(self.shop.follow, "the items could not be followed yet")
            if time.monotonic() >= self._sweep_at_s:
                self._sweep_at_s = time.monotonic() + SWEEP_S
                self._tried(self.shop.sweep, "what is past retention stays for now")
            if self._closing and not self._threads[0].is_alive():
                return

    def _tried(self, step: Callable[[], object], otherwise: str) -> bool:
        """Do one thing; whether it could be done. What it fails by is told, and ends nothing: it is tried again."""
        try:
            step()
        except MienError as failed:
            log.warning("%s: %s", otherwise, failed)
        except Exception:
            log.exception("%s", otherwise)
        else:
            return True
        return False

    def _fold_tail(self) -> None:
        while self._fold_some():
            pass
        if not self._appended.is_set():
            self._behind_since_s = None

    def _fold_some(self) -> bool:
        """One step of folding; whether there may be more. While batches wait, folding takes a quarter of the time."""
        began = time.monotonic()
        if self._fold.step() is None:
            return False
        if self._queued and not self._closing:
            time.sleep(min(PAUSE_S, 3 * (time.monotonic() - began)))
        return True
