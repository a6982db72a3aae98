"""Models that were trained with users who were erased since: which, and by when they are to be trained anew.

Rows of a user in a model go at once; what it learnt from them in its weights goes with the next training.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.core.clock import DAY_US, from_us
from mien.shop.stock import Stock

_META = "retraining"


def artifacts(stock: Stock) -> dict[str, int]:
    """What training left, by name, and when each was written (ns). Encoders are not: they read goods, not people."""
    folder = stock.workspace.models
    files = [path for path in folder.rglob("*.npz") if stock.workspace.encoders not in path.parents]
    return {_name(path, folder): path.stat().st_mtime_ns for path in sorted(files)}


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder).with_suffix(""))


def _due(stock: Stock) -> dict[str, int]:
    found: dict[str, int] = json.loads(stock.catalog.meta(_META, "{}"))
    return found


def note_erasure(stock: Stock, now_us: int) -> None:
    """Whatever is trained now was trained with the erased user; an earlier deadline stays."""
    due_us = now_us + round(stock.settings.privacy.retrain_days * DAY_US)
    due = dict.fromkeys(artifacts(stock), due_us) | _due(stock)
    stock.catalog.set_meta(_META, json.dumps(due, sort_keys=True))


@contextmanager
def trained_anew(stock: Stock) -> Iterator[None]:
    """What is written in the block was trained anew, and owes nothing any more."""
    before = artifacts(stock)
    yield
    after = artifacts(stock)
    owed = {name: due_us for name, due_us in _due(stock).items() if name in after and after[name] == before.get(name)}
    stock.catalog.set_meta(_META, json.dumps(owed, sort_keys=True))


def to_retrain(stock: Stock) -> list[dict[str, Any]]:
    """Model and deadline (ISO 8601) of all that is to be trained anew, the most urgent first."""
    owed = sorted(_due(stock).items(), key=lambda pair: (pair[1], pair[0]))
    return [{"model": name, "by": from_us(due_us).isoformat()} for name, due_us in owed]


def overdue(stock: Stock, now_us: int) -> list[str]:
    """Names of the models whose deadline has passed."""
    return sorted(name for name, due_us in _due(stock).items() if due_us < now_us)
