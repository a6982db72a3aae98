"""Dead letters: rows and messages that could not be used, counted, listed, mended and read again."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.collect.cleaning import MESSAGE_IDS, Cleaner
from mien.collect.mapping import Kind, read_mapping
from mien.collect.refused import RECEIVED
from mien.collect.stream import reread
from mien.collect.tracking import EVENT_BYTES
from mien.core.errors import UnknownName, UsageError
from mien.core.tracked import Refusal, Tracked
from mien.shop.ingest import IngestReport
from mien.shop.stock import Stock
from mien.shop.workspace import Workspace
from mien.stores.catalog import Catalog
from mien.stores.letters import DeadLetter

KINDS: tuple[Kind, ...] = ("events", "items", "users")
MENDED = "mended"
"""The reason of a message that was mended and can be used: it waits to be read again."""
AT_ONCE = 500
"""Messages read again in one transaction."""

Take = Callable[[Kind, Path, Path], IngestReport]
"""Takes in a file of one kind by a mapping file."""


def dead_letters(catalog: Catalog, limit: int | None) -> dict[str, Any]:
    """Counts by reason, and the newest `limit` rows."""
    counts = catalog.letters.counts()
    return {
        "total": sum(counts.values()),
        "reasons": counts,
        "letters": [asdict(letter) for letter in catalog.letters.newest(limit)],
    }


def of_message(letter: DeadLetter) -> bool:
    """Whether it is a message that was tracked and refused whole, and not a row of a file or a mere note."""
    return letter.file is None and letter.row is None and (letter.reason == MENDED or RECEIVED in _row(letter))


def mend(
    catalog: Catalog, number: int, row: dict[str, Any], now_us: int, cleaner: Cleaner | None = None
) -> dict[str, Any]:
    """Put a mended row or message in place of what a letter holds; the letter as it is now.

    A message is judged at once: its reason is what is still wrong, or `mended`. Raises `UnknownName` for a letter
    that is not there, `UsageError` for one that would be another's double.
    """
    letter = _letter(catalog, number)
    raw = json.dumps(row, ensure_ascii=False)
    if len(raw.encode()) > EVENT_BYTES:
        raise UsageError(
            "A message may have {event_bytes:,} bytes; this one has {n_raw:,}.",
            event_bytes=EVENT_BYTES,
            n_raw=len(raw.encode()),
        )
    reason, detail = letter.reason, letter.detail
    if letter.file is None and letter.row is None:
        raw = raw if cleaner is None else cleaner.json(raw, MESSAGE_IDS)
        again = reread(raw, source=letter.source, now_us=now_us, cleaner=cleaner)
        reason, detail = (again.reason, again.detail) if isinstance(again, Refusal) else (MENDED, None)
    catalog.letters.change(number, reason, detail, raw)
    return asdict(_letter(catalog, number))


def _letter(catalog: Catalog, number: int) -> DeadLetter:
    letter = catalog.letters.one(number)
    if letter is None:
        raise UnknownName("dead letter", str(number), [str(one.id) for one in catalog.letters.newest(5)])
    return letter


def chosen(catalog: Catalog, numbers: Iterable[int] | None) -> list[DeadLetter]:
    """These letters, or all of them. `UnknownName` for a number that is none's."""
    if numbers is None:
        return catalog.letters.newest()
    return [_letter(catalog, number) for number in dict.fromkeys(numbers)]


def replay_messages(
    stock: Stock, letters: list[DeadLetter], now_us: int, cleaner: Cleaner | None = None
) -> tuple[int, int]:
    """Read refused messages again and append those that can be used; how many were read, and how many are new.

    Each leaves the list once it is durable in the log; one that was read again before changes nothing there.
    """
    mine = [letter for letter in letters if of_message(letter)]
    ready: dict[str, list[tuple[DeadLetter, Tracked]]] = defaultdict(list)
    for letter in mine:
        again = reread(letter.raw or "", source=letter.source, now_us=now_us, cleaner=cleaner)
        if isinstance(again, Tracked):
            ready[letter.source].append((letter, again))
        elif again is not None and again.reason != letter.reason:
            stock.catalog.letters.change(letter.id, again.reason, again.detail, letter.raw or "")
    new = 0
    for source, pairs in ready.items():
        for start in range(0, len(pairs), AT_ONCE):
            part = pairs[start : start + AT_ONCE]
            new += stock.tail.append([message for _, message in part], source)["new"]
            stock.catalog.letters.drop(letter.id for letter, _ in part)
    return len(mine), new


def replay_rows(workspace: Workspace, catalog: Catalog, letters: list[DeadLetter], take: Take) -> tuple[int, int]:
    """Read again what a mapping fits; how many rows were read, and how many could be used.

    A row that still cannot comes back as a dead letter. Rows stay where they are when no mapping knows their columns,
    when they were too long to be kept whole, or when they are another event's double (`conflicting_id`).
    """
    accepted = replayed = 0
    for (kind, mapping), rows in _readable(workspace, letters).items():
        file = workspace.spill / "replay.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{letter.raw}\n" for letter in rows), encoding="utf-8")
        try:
            report = take(kind, file, mapping)
        finally:
            file.unlink()
        catalog.letters.drop(letter.id for letter in rows)
        replayed += len(rows)
        accepted += sum(source.accepted for source in report.sources)
    return replayed, accepted


def _readable(workspace: Workspace, letters: list[DeadLetter]) -> dict[tuple[Kind, Path], list[DeadLetter]]:
    """Letters by the mapping that knows all their columns, the newest mapping of their source first."""
    found: dict[tuple[Kind, Path], list[DeadLetter]] = defaultdict(list)
    mappings = sorted(workspace.mappings.glob("*.toml"), key=lambda path: path.stat().st_mtime, reverse=True)
    columns = {path: read_mapping(path, _kind(path)).used() for path in mappings}
    for letter in letters:
        row = set() if letter.reason == "conflicting_id" else set(_row(letter))
        fits = [path for path in mappings if row and _source(path) == letter.source and set(columns[path]) <= row]
        if fits:
            found[_kind(fits[0]), fits[0]].append(letter)
    return found


def _row(letter: DeadLetter) -> dict[str, Any]:
    """A row that was kept whole; empty where it was not."""
    try:
        row = json.loads(letter.raw or "")
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _kind(path: Path) -> Kind:
    """The kept mappings are named `kind.digest.source.toml`."""
    kind = path.name.split(".", 1)[0]
    return next(one for one in KINDS if one == kind)


def _source(path: Path) -> str:
    return path.name.split(".", 2)[2].removesuffix(".toml")
