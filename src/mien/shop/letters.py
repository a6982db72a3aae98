"""Dead letters: rows that could not be used, counted, listed and read again."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.collect.mapping import Kind, read_mapping
from mien.shop.ingest import IngestReport
from mien.shop.workspace import Workspace
from mien.stores.catalog import Catalog
from mien.stores.letters import DeadLetter

KINDS: tuple[Kind, ...] = ("events", "items", "users")

Take = Callable[[Kind, Path, Path], IngestReport]
"""Takes in a file of one kind by a mapping file."""


def dead_letters(catalog: Catalog, limit: int | None) -> dict[str, Any]:
    """Counts by reason, and the newest `limit` rows."""
    counts = catalog.dead_letter_counts()
    return {
        "total": sum(counts.values()),
        "reasons": counts,
        "letters": [asdict(letter) for letter in catalog.dead_letters(limit)],
    }


def replay(workspace: Workspace, catalog: Catalog, take: Take) -> dict[str, Any]:
    """Read again what a mapping fits; a row that still cannot be used comes back as a dead letter.

    Rows stay where they are when no mapping knows their columns, when they were too long to be kept whole, or when
    they are another event's double (`conflicting_id`).
    """
    before = catalog.dead_letters()
    accepted = replayed = 0
    for (kind, mapping), letters in _readable(workspace, before).items():
        file = workspace.spill / "replay.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{letter.raw}\n" for letter in letters), encoding="utf-8")
        try:
            report = take(kind, file, mapping)
        finally:
            file.unlink()
        catalog.drop_dead_letters(letter.id for letter in letters)
        replayed += len(letters)
        accepted += sum(source.accepted for source in report.sources)
    return {"replayed": replayed, "accepted": accepted, "kept": len(before) - replayed, **dead_letters(catalog, 20)}


def _readable(workspace: Workspace, letters: list[DeadLetter]) -> dict[tuple[Kind, Path], list[DeadLetter]]:
    """Letters by the mapping that knows all their columns, the newest mapping of their source first."""
    found: dict[tuple[Kind, Path], list[DeadLetter]] = defaultdict(list)
    mappings = sorted(workspace.mappings.glob("*.toml"), key=lambda path: path.stat().st_mtime, reverse=True)
    columns = {path: read_mapping(path, _kind(path)).used() for path in mappings}
    for letter in letters:
        row = _row(letter)
        fits = [path for path in mappings if row and _source(path) == letter.source and set(columns[path]) <= row]
        if fits:
            found[_kind(fits[0]), fits[0]].append(letter)
    return found


def _row(letter: DeadLetter) -> set[str]:
    """The columns of a row that was kept whole; none where it was not."""
    try:
        row = json.loads(letter.raw or "")
    except ValueError:
        return set()
    return set(row) if isinstance(row, dict) and letter.reason != "conflicting_id" else set()


def _kind(path: Path) -> Kind:
    """The kept mappings are named `kind.digest.source.toml`."""
    kind = path.name.split(".", 1)[0]
    return next(one for one in KINDS if one == kind)


def _source(path: Path) -> str:
    return path.name.split(".", 2)[2].removesuffix(".toml")
