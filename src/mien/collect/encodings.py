"""Text of unknown encoding as clean UTF-8, in a stream: nothing that stands in one line can harm another.

What a line holds that is no text is marked with a Unicode noncharacter, which never occurs in real text; the reader
turns a marked row into a verdict. Lines are complete when they leave here, and quotes in them are balanced.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

import charset_normalizer
import numpy as np

BAD, LONG, NUL, OPEN = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
"""Marks: bytes that are not of the encoding; a line cut for length; a NUL; a quote that is never closed."""
MARKS = re.compile(f"[{BAD}{LONG}{NUL}{OPEN}]")

BLOCK = 4 << 20
LINE_LIMIT = 1 << 20
"""Longest record in bytes; what is longer becomes a verdict (`line_too_long`)."""
RECORD_LINES = 50
"""Most lines that one quoted record may span."""
KEPT = 1_000

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_HAN_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")

codecs.register_error("mien-mark", lambda error: (BAD, error.end))  # type: ignore[attr-defined]


def judge_encoding(sample: bytes) -> str | None:
    """The encoding of a text from a sample, by fixed rules; None while all of it is ASCII.

    UTF-8 where at least half of the lines with non-ASCII bytes are valid UTF-8. Otherwise GB18030 where at least
    80 % of the high bytes form pairs of the GB 2312 area (Chinese comes in pairs, accented Latin letters do not).
    Otherwise Windows-1252 where its punctuation (0x80-0x9F) occurs, else Latin-1.
    """
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    if not lines:
        return None
    valid = sum(_is_utf8(line) for line in lines)
    if 2 * valid >= len(lines):
        return "utf-8"
    high = b"".join(lines)
    runs = _HIGH_RUN.findall(high)
    paired = sum(2 * len(_HAN_PAIR.findall(run)) for run in runs)
    if paired >= 0.8 * sum(map(len, runs)):
        return "gb18030"
    return "cp1252" if re.search(rb"[\x80-\x9f]", high) else "latin-1"


def second_opinion(sample: bytes) -> str | None:
    """Another alphabet that a text taken for Latin may be written in, by charset-normalizer; None where it agrees."""
    lines = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())[:20_000]
    best = charset_normalizer.from_bytes(lines, cp_isolation=list(_ALPHABETS)).best()
    return best.encoding if best is not None and best.chaos < 0.1 and best.coherence > 0 else None


_ALPHABETS = ("big5", "shift_jis", "euc_jp", "euc_kr", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class CleanText:
    """A binary stream of any encoding, read as clean UTF-8.

    `encoding` is known once the first accent was read; `doubt` names another that it may be.
    Memory: a few blocks of 4 MB, whatever the length of a line. `quote`: quotes may span lines (CSV).
    """

    def __init__(self, raw: BinaryIO, *, encoding: str | None = None, quote: bool = True) -> None:
        self.encoding = encoding
        self.doubt: str | None = None
        self.marks = 0
        self.closed = False
        self._raw = raw
        self._quote = quote
        self._ready = bytearray()
        self._chunks = self._balanced() if quote else self._clean()

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        while size < 0 or len(self._ready) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._ready += chunk
        size = len(self._ready) if size < 0 else size
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def peek(self, size: int) -> bytes:
        """What `read(size)` will give."""
        taken = self.read(size)
        self._ready[:0] = taken
        return taken

    def close(self) -> None:
        self.closed = True
        self._raw.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def _blocks(self) -> Iterator[bytes]:
        """Blocks of an encoding in which a newline is the byte 0x0A; UTF-16 is turned into UTF-8 on the way."""
        block = self._raw.read(BLOCK)
        for mark, name in _BOMS:
            if block.startswith(mark):
                self.encoding, block = name, block[len(mark) :]
        if self.encoding is None:
            self.encoding = _wide_without_bom(block)
        wide = None
        if self.encoding in ("utf-16-le", "utf-16-be"):
            wide = codecs.getincrementaldecoder(self.encoding)("mien-mark")
        old_mac = wide is None and b"\r" in block and b"\n" not in block
        while block:
            if wide is not None:
                block = wide.decode(block).encode("utf-8")
            yield block.replace(b"\r", b"\n") if old_mac else block
            block = self._raw.read(BLOCK)

    def _lines(self) -> Iterator[tuple[bytes, bool]]:
        """(whole lines, False), or (the beginning of one line cut for length, True)."""
        tail = b""
        skipping = False
        for block in self._blocks():
            if skipping:
                end = block.find(b"\n")
                if end < 0:
                    continue
                skipping, block = False, block[end + 1 :]
            whole, tail = _cut_long_lines(tail + block)
            yield from whole
            if len(tail) > LINE_LIMIT:
                yield tail[:KEPT], True
                tail, skipping = b"", True
        if tail:
            yield tail, False

    def _clean(self) -> Iterator[bytes]:
        """Whole lines as marked UTF-8."""
        for chunk, cut in self._lines():
            if self.encoding is None:
                self.encoding = judge_encoding(chunk)
                if self.encoding in ("latin-1", "cp1252"):
                    self.doubt = second_opinion(chunk)
            if cut:
                text = MARKS.sub("", self._decoded(chunk)).replace('"', "").replace("\0", "")
                self.marks += 1
                yield f"{LONG}{text}\n".encode()
                continue
            clean = chunk if self.encoding in _UTF8 and _is_utf8(chunk) else self._decoded(chunk).encode("utf-8")
            if b"\0" in clean:
                clean = clean.replace(b"\0", NUL.encode())
            self.marks += len(_MARK_BYTES.findall(clean))
            yield clean

    def _decoded(self, chunk: bytes) -> str:
        name = "utf-8" if self.encoding in _UTF8 else self.encoding
        return chunk.decode(name or "utf-8", errors="mien-mark")

    def _balanced(self) -> Iterator[bytes]:
        """Whole records: a quote opened in one line is closed within `RECORD_LINES` lines, or marked and dropped."""
        tail = b""
        for chunk in self._clean():
            whole, tail = self._closed_quotes(tail + chunk, last=False)
            yield whole
        if tail:
            yield self._closed_quotes(tail, last=True)[0]

    def _closed_quotes(self, chunk: bytes, *, last: bool) -> tuple[bytes, bytes]:
        """(what is balanced, the beginning of a record that goes on in the next chunk)."""
        if b'"' not in chunk or _all_lines_balanced(chunk):
            return chunk, b""
        lines = [line + b"\n" for line in chunk.removesuffix(b"\n").split(b"\n")]
        out: list[bytes] = []
        start = 0
        while start < len(lines):
            stop = _record_end(lines, start)
            if stop is None and not last and len(lines) - start <= RECORD_LINES:
                return b"".join(out), b"".join(lines[start:])
            if stop is None:
                self.marks += 1
                out.append(OPEN.encode() + lines[start].replace(b'"', b""))
                stop = start + 1
            else:
                out.extend(lines[start:stop])
            start = stop
        return b"".join(out), b""


_UTF8 = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", None)
_MARK_BYTES = re.compile(b"\xef\xb7[\x90-\x93]")


def _wide_without_bom(block: bytes) -> str | None:
    """UTF-16 shows itself without a mark: every second byte of mostly Latin text is zero."""
    head = block[:4096]
    if len(head) < 4 or head.count(0) < 0.3 * len(head):
        return None
    return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"


def _cut_long_lines(data: bytes) -> tuple[list[tuple[bytes, bool]], bytes]:
    """Whole lines with those over the limit cut (True), and the unfinished last line."""
    end = data.rfind(b"\n") + 1
    pieces: list[tuple[bytes, bool]] = []
    start = at = 0
    while end - at > LINE_LIMIT:
        newline = data.rfind(b"\n", at, at + LINE_LIMIT)
        if newline >= 0:
            at = newline + 1
            continue
        if at > start:
            pieces.append((data[start:at], False))
        pieces.append((data[at : at + KEPT], True))
        start = at = data.index(b"\n", at) + 1
    if end > start:
        pieces.append((data[start:end], False))
    return pieces, data[end:]


def _all_lines_balanced(chunk: bytes) -> bool:
    """Does every line of the chunk hold an even number of quotes? Cost: a few passes of numpy."""
    data = np.frombuffer(chunk, dtype=np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    newlines = np.flatnonzero(data == ord("\n"))
    before = np.searchsorted(quotes, newlines)
    return not (before % 2).any() and len(quotes) % 2 == 0


_QUOTED = re.compile(rb'(^|[,;\t|\x01])"(?:[^"]|"")*"')
_OPENING = re.compile(rb'(^|[,;\t|\x01])"')


def _is_open(record: bytes) -> bool:
    """Does a cell begin with a quote that is not closed? A quote inside a bare cell (`19" screen`) opens nothing."""
    return record.count(b'"') % 2 == 1 and _OPENING.search(_QUOTED.sub(rb"\1", record)) is not None


def _record_end(lines: list[bytes], start: int) -> int | None:
    """Index behind the record that begins at `start`; None where its quote is not closed soon enough."""
    record = b""
    for index in range(start, min(start + RECORD_LINES, len(lines))):
        record += lines[index]
        if not _is_open(record):
            return index + 1
        if len(record) > LINE_LIMIT:
            return None
    return None
