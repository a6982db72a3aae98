"""Runs of the honest table, kept one file each, so that a trend can be seen."""

import json
from datetime import datetime
from typing import Any

from mien.core.clock import from_us
from mien.shop.workspace import Build, Workspace
from mien.stores.durable import write_whole

FOLDER = "evaluations"
"""In `reports/`."""
KEPT = 200
"""Runs that are kept, the newest."""


def keep_run(workspace: Workspace, build: Build, found: dict[str, Any], at_us: int) -> None:
    """Keep what an evaluation found, with when it ran and on which build; the oldest beyond `KEPT` go."""
    folder = workspace.reports / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    at = from_us(at_us)
    told = {"at": _iso(at), "as_of": _iso(build.as_of), "population": build.population, "evaluation": found}
    write_whole(folder / f"{at:%Y%m%dT%H%M%S%f}.json", json.dumps(told, ensure_ascii=False))
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink()


def runs(workspace: Workspace) -> list[dict[str, Any]]:
    """The kept runs, oldest first: `{at, as_of, population, evaluation}`; a file that cannot be read is left out."""
    found = []
    for path in sorted((workspace.reports / FOLDER).glob("*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:
            continue
    return found


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
