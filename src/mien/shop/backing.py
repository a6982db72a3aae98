"""Backups while the shop is served: one file of all that the workspace holds, as of one moment, and one of its keys.

The users' keys are backed up apart: who has the one file reads no id and no state without the other.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mien.core.clock import from_us
from mien.shop.stock import Stock
from mien.shop.workspace import AUDIT_HEAD, BACKING_UP, Workspace
from mien.stores.archive import write_archive
from mien.stores.vault import MASTER_FILE, USERS

SQLITE = b"SQLite format 3\x00"
BESIDE = ("data", "vault")
"""What of a workspace no backup of it holds: the shop's own files, and the keys."""
WORKSPACE, KEYS = "workspace", "keys"
"""What a backup is of."""


def back_up(stock: Stock, file: Path, keys: Path | None, now_us: int) -> dict[str, Any]:
    """Write a backup of a workspace to `file`, and one of its keys to `keys`. Events may come in meanwhile.

    Raises `WorkspaceError` while another process builds, ingests or erases. Folding waits while databases are copied.
    """
    workspace, vault = stock.workspace, stock.catalog.vault
    facts = {"at": from_us(now_us).isoformat(), "vault": vault.id}
    with apart(workspace.folder, BACKING_UP) as folder:
        with workspace.writing(), workspace.folding():
            _snapshot(workspace, vault.folder, folder)
        files = [(str(path.relative_to(folder)), path) for path in sorted(folder.rglob("*")) if path.is_file()]
        total = write_archive(file, files, facts | {"kind": WORKSPACE}, vault.secret("ids"))
        told: dict[str, Any] = {"file": str(file), "files": len(files), "bytes": total}
        if keys is not None:
            copied = folder / "vault" / USERS
            copied.parent.mkdir()
            copy_database(vault.folder / USERS, copied)
            master = vault.folder / MASTER_FILE
            held = [(USERS, copied), *([(MASTER_FILE, master)] if master.exists() else [])]
            write_archive(keys, held, facts | {"kind": KEYS}, None)
            told["keys"] = str(keys)
    return told


def _snapshot(workspace: Workspace, vault: Path, folder: Path) -> None:
    """All files as of one moment: databases copied, others linked, since they are replaced and never changed.

    The caller holds the writer's lock and the gate of the states. What may be behind comes first: states behind their
    log, the noted end of the audit log behind its lines.
    """
    first = (workspace.states, workspace.folder / AUDIT_HEAD)
    for path in sorted(_held(workspace.folder, vault), key=lambda path: (path not in first, path)):
        target = folder / path.relative_to(workspace.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_database(path):
            copy_database(path, target)
        elif path.suffix == ".jsonl":  # is appended to
            shutil.copyfile(path, target)
        else:
            link(path, target)


def _held(folder: Path, vault: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        aside = parts[0] in BESIDE or any(part.startswith(".") for part in parts) or vault in path.parents
        if path.is_file() and not aside and not path.name.endswith(("-wal", "-shm")):
            yield path


def is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def copy_database(path: Path, target: Path) -> None:
    """As of one moment, whoever writes to it meanwhile."""
    with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def link(path: Path, target: Path) -> None:
    """The same file under another name; a copy where that cannot be."""
    try:
        os.link(path, target)
    except OSError:  # another file system
        shutil.copyfile(path, target)


@contextmanager
def apart(parent: Path, name: str) -> Iterator[Path]:
    """A folder to work in, removed afterwards; what a killed process left of its own goes, too."""
    remove_left(parent, name)
    folder = parent / f"{name}.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left(parent: Path, name: str) -> None:
    """Remove the folders that processes which are no more left behind."""
    for left in parent.glob(f"{name}.*"):
        if not Path(f"/proc/{left.suffix[1:]}").exists():
            shutil.rmtree(left, ignore_errors=True)
