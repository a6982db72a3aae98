"""The audit log: who read, exported, erased or changed what, in a chain that shows what was tampered with.

One JSON object a line: `seq, at, by, action, subject, detail, previous, hash`. `hash` is a keyed hash of the line's
other fields, `previous` among them, so that a line which is altered, removed, added or moved breaks the chain, and
nobody without the key can forge a new one. A subject is a keyed hash of a user's id: it can be asked for, not read, and
stays when the user is erased. The *head*, number and hash of the last line, lies in a file apart: it tells when lines
are missing at the end.
"""

import fcntl
import hashlib
import hmac
import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.core.clock import from_us
from mien.core.errors import TransientError
from mien.stores.durable import sync

START = "0" * 64
"""What the first line has for the hash of the line before it."""
LAST_BYTES = 64 * 1024
"""A line is shorter than this: details are a few words."""
DETAIL_LENGTH = 2_000
"""Characters, as JSON: ten purposes of names in quotes are the longest."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: the number of its last line, 0 where there is none, and that line's hash."""

    seq: int = 0
    hash: str = START

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head | None":
        """A head as `str` writes it; None for anything else."""
        seq, _, hashed = text.strip().partition(":")
        sound = seq.isdecimal() and len(hashed) == len(START) and set(hashed) <= set("0123456789abcdef")
        return cls(int(seq), hashed) if sound else None


@dataclass(slots=True, eq=False)
class _Waiting:
    """A line to be written; then it has a number, or why it could not be."""

    said: dict[str, Any]
    seq: int = 0
    failed: OSError | None = None


@dataclass(slots=True, eq=False)
class Audit:
    """The audit log of one workspace. Any thread may add, and several processes: they take turns by a lock of the file.

    `head`: the file that the end of the chain is noted in. `key`: of the hashes.
    """

    path: Path
    head: Path
    key: bytes
    _pending: list[_Waiting] = field(default_factory=list)
    _queue: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def subject(self, user_id: str) -> str:
        """What stands for a user in the log. The same id gives the same hash, for ever."""
        return hmac.new(self.key, b"subject\0" + user_id.encode(), hashlib.sha256).hexdigest()[:32]

    def add(
        self, action: str, *, at_us: int, by: str, user_id: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> int:
        """Note what was done; returns the line's number once it is durable. `detail` holds nothing about the person.

        Raises `TransientError` where it cannot be written. Cost: one sync, shared by all that wait at the time.
        """
        told = json.dumps(detail or {}, ensure_ascii=False, sort_keys=True)
        assert len(told) <= DETAIL_LENGTH, "a detail is a few words"
        one = _Waiting(
            {
                "at": from_us(at_us).isoformat(),
                "by": by,
                "action": action,
                "subject": None if user_id is None else self.subject(user_id),
                "detail": json.loads(told),
            }
        )
        with self._queue:
            self._pending.append(one)
        with self._turn:  # whoever comes first writes for all that wait
            if not one.seq and one.failed is None:
                with self._queue:
                    group, self._pending = self._pending, []
                self._write_or_fail(group)
        if one.failed is not None:
            raise TransientError(
                "{path}: {failed}. What cannot be noted in the audit log is not done; free some space, "
                "or make the file writable.",
                path=self.path,
                failed=one.failed,
            ) from one.failed
        return one.seq

    # -- writing ----------------------------------------------------------------------------------------------

    @contextmanager
    def _opened(self, mode: int) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if fresh:
                sync(self.path.parent)
            fcntl.flock(handle, mode)
            yield handle
        finally:
            os.close(handle)

    def _write_or_fail(self, group: list[_Waiting]) -> None:
        try:
            self._write(group)
        except OSError as failed:
            for one in group:
                one.seq, one.failed = 0, failed

    def _write(self, group: list[_Waiting]) -> None:
        with self._opened(fcntl.LOCK_EX) as handle:
            end, lines = self._end(handle), bytearray()
            for number, one in enumerate(group, start=end.seq + 1):
                line = {"seq": number, **one.said, "previous": end.hash}
                end = Head(number, self.hashed(line))
                lines += json.dumps(line | {"hash": end.hash}, ensure_ascii=False).encode() + b"\n"
            _append(handle, bytes(lines))
            self._note(end)
        for number, one in enumerate(group, start=end.seq - len(group) + 1):
            one.seq = number

    def _end(self, handle: int) -> Head:
        """Where the chain goes on: after the last line, or after the noted head where lines are missing."""
        size = os.fstat(handle).st_size
        tail = os.pread(handle, LAST_BYTES, max(size - LAST_BYTES, 0))
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):  # a line that a crash cut short: it was never answered for
            os.ftruncate(handle, size - len(tail) + whole)
        lines = tail[:whole].splitlines()
        line = self.sound(lines[-1]) if lines else None
        last = Head() if line is None else Head(line["seq"], line["hash"])
        return max(last, self.noted() or Head(), key=lambda one: one.seq)

    def _note(self, end: Head) -> None:
        """Put the end of the chain into the head's file, whole. Not synced: a head behind its log is a sound one."""
        self.head.parent.mkdir(parents=True, exist_ok=True)
        half = self.head.with_name(f".{self.head.name}.{os.getpid()}")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"{end}\n")
        half.replace(self.head)

    # -- reading ----------------------------------------------------------------------------------------------

    def noted(self) -> Head | None:
        """The head as it was noted; None where it is missing or cannot be read."""
        try:
            return Head.parse(self.head.read_text(encoding="ascii"))
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def lines(self) -> Iterator[bytes]:
        """The lines as they stand now, first to last. Nobody who adds one waits for the reader."""
        if not self.path.exists():
            return
        with self._opened(fcntl.LOCK_SH) as handle:
            left = os.fstat(handle).st_size  # lines are whole while nobody writes, and stay as they are
        with self.path.open("rb") as file:
            for line in file:
                if (left := left - len(line)) < 0:
                    return
                yield line.rstrip(b"\n")

    def entries(self, *, user_id: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """What was noted, newest first, of one user or of all; of the newest `limit` lines. Lines that cannot be read
        are left out.

        Cost: the log is read once, a hash for each line that is told.
        """
        subject = None if user_id is None else self.subject(user_id)
        told = deque((text for text in self.lines() if subject is None or subject.encode() in text), maxlen=limit)
        lines = (self.sound(text) for text in reversed(told))
        return [line for line in lines if line is not None and subject in (None, line["subject"])]

    def hashed(self, line: Mapping[str, Any]) -> str:
        """The keyed hash of a line's fields but `hash`."""
        said = json.dumps({name: line.get(name) for name in FIELDS}, ensure_ascii=False, sort_keys=True)
        return hmac.new(self.key, b"line\0" + said.encode(), hashlib.sha256).hexdigest()

    def sound(self, text: bytes) -> dict[str, Any] | None:
        """A line that is as it was written; None for any other."""
        try:
            line = json.loads(text)
        except ValueError:
            return None
        if not isinstance(line, dict) or set(line) != {*FIELDS, "hash"}:
            return None
        return line if hmac.compare_digest(str(line["hash"]), self.hashed(line)) else None


def _append(handle: int, lines: bytes) -> None:
    """All of it durably, or nothing."""
    size = os.fstat(handle).st_size
    try:
        written = 0
        while written < len(lines):
            written += os.write(handle, lines[written:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


FIELDS = ("seq", "at", "by", "action", "subject", "detail", "previous")
