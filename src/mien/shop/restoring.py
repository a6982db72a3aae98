"""Restoring a backup: whole or not at all, and who was erased since stays erased.

An erasure is noted with the users' keys (keyed hashes), so whatever backup of the rest is restored, the keys that are
here, or those that are handed over, know who must be removed from it.
"""

import ctypes
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mien.core.errors import MienError, SourceError, UsageError, WorkspaceError
from mien.settings import load
from mien.shop.backing import KEYS, WORKSPACE, apart, copy_database, is_database, link
from mien.shop.forgetting import finish_erasures
from mien.shop.shop import Shop
from mien.shop.workspace import SERVING, SETTINGS_FILE, SPILL, Workspace
from mien.stores.archive import Unpacked, unpack_archive
from mien.stores.durable import sync
from mien.stores.vault import MASTER_FILE, USERS, Vault

log = logging.getLogger("mien.shop")

OWN = ("audit.jsonl", "keys.sqlite", "keys")
"""What stays as it is here when a backup is restored over it: who did what, and who may."""
_EXCHANGE, _HERE = 2, -100
"""Of renameat2: swap two names in one step; paths as they are."""


def restore(file: Path, folder: Path, keys: Path | None, now_us: int) -> dict[str, Any]:
    """Put a backup in place at `folder`, and remove from it who was erased since it was made.

    The keys are those in the workspace that is there, or in the backup `keys` of them; of both, every erasure counts.
    What stood in the folder is replaced in one step, but for `data/`, the audit log and the keys of the API. Raises
    `SourceError` for a backup that is cut or altered, `WorkspaceError` where the keys are missing, are too old, or
    where the workspace is being served; then nothing has changed.
    """
    if folder.exists() and not Workspace(folder).exists() and any(folder.iterdir()):
        raise UsageError("{folder} is no workspace, and not empty. Name another folder.", folder=folder)
    folder = folder.resolve()
    with apart(folder.parent, f".{folder.name}.restoring") as half, _nobody_serves(folder):
        unpacked = unpack_archive(file, half)
        if unpacked.facts["kind"] != WORKSPACE:
            raise SourceError("These are keys, not a workspace. Name them by --keys.", path=file)
        there = _vault_of(folder)
        place = half / load(half / SETTINGS_FILE).privacy.vault
        _unite_keys(there, keys, place, unpacked, half)
        _take_over(folder, half)
        with Shop(half) as shop:
            erased = _settle(shop)
            shop.audit.add("workspace.restore", at_us=now_us, by="cli", detail={"of": unpacked.facts["at"]})
            users = len(shop.stock.catalog.users)
        if _put_in_place(half, folder):
            _drop_states(half)
    return {"of": unpacked.facts["at"], "erased": erased, "users": users}


def _vault_of(folder: Path) -> Path | None:
    """The keys of the workspace that is there."""
    if not Workspace(folder).exists():
        return None
    place = folder / load(Workspace(folder).settings).privacy.vault
    return place if (place / USERS).exists() else None


def _unite_keys(there: Path | None, keys: Path | None, place: Path, unpacked: Unpacked, half: Path) -> None:
    """Keys at `place`, where the restored workspace looks for them: those that are there, those handed over, both."""
    sources = [one for one in dict.fromkeys((there, place)) if one is not None and (one / USERS).exists()]
    if keys is not None:
        handed = half / SPILL / "keys"
        if unpack_archive(keys, handed).facts["kind"] != KEYS:
            raise SourceError("This is no backup of keys.", path=keys)
        if (handed / MASTER_FILE).exists():
            (handed / MASTER_FILE).chmod(0o600)
        sources.append(handed)
    if not sources:
        raise WorkspaceError("A backup holds no keys of its users. Name the backup of the keys: --keys FILE")
    vaults = [Vault(source) for source in sources]
    try:
        if {vault.id for vault in vaults} != {unpacked.facts["vault"]}:
            raise WorkspaceError("The keys are of another workspace than the backup. Name those of the same one.")
        unpacked.check(vaults[0].secret("ids"))
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if place.resolve() != sources[0].resolve():
            copy_database(sources[0] / USERS, place / USERS)
            if (sources[0] / MASTER_FILE).exists():
                shutil.copy(sources[0] / MASTER_FILE, place / MASTER_FILE)  # and who may read it
        with closing(Vault(place)) as united:
            for other in vaults[1:]:
                united.take_from(other)
    finally:
        for vault in vaults:
            vault.close()


def _take_over(folder: Path, half: Path) -> None:
    """What of the workspace that is there stays: newer than any backup."""
    for name in OWN:
        path = folder / name
        if path.is_dir():
            shutil.copytree(path, half / name, dirs_exist_ok=True)
        elif path.exists() and is_database(path):
            (half / name).unlink(missing_ok=True)
            copy_database(path, half / name)
        elif path.exists():
            shutil.copyfile(path, half / name)


def _settle(shop: Shop) -> int:
    """Remove who was erased since; how many rows. States in a store elsewhere are folded anew."""
    stock = shop.stock
    rows = stock.catalog.condemned()
    lost = stock.catalog.vault.missing(stock.catalog.users.rows()) - set(rows)
    if lost:
        raise WorkspaceError(
            "{n_lost:,} users of the backup have no key here: the keys are older than it. Name newer ones: --keys",
            n_lost=len(lost),
        )
    finish_erasures(stock)
    stock.catalog.users.begin_after(stock.catalog.vault.last())  # a row that had a key is nobody else's
    shutil.rmtree(stock.workspace.spill, ignore_errors=True)  # keys that were handed over, too
    if shop.settings.stores.profiles != "sqlite":
        stock.catalog.set_meta("namespace", "")
        stock.workspace.build_file.unlink(missing_ok=True)
    return len(rows)


def _put_in_place(half: Path, folder: Path) -> bool:
    """The folders change their names in one step; whether there was an old one, which then is at `half`, to be removed.

    The shop's own files go along.
    """
    for path in half.rglob("*"):
        sync(path)
    replaced = folder.exists()
    if not replaced:
        half.replace(folder)
    else:
        if (folder / "data").exists():
            shutil.rmtree(half / "data", ignore_errors=True)
            _copy_tree(folder / "data", half / "data")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.renameat2(_HERE, os.fsencode(half), _HERE, os.fsencode(folder), _EXCHANGE):
            number = ctypes.get_errno()
            raise WorkspaceError(
                "{folder} cannot be replaced in one step ({why}). Restore elsewhere.",
                folder=folder,
                why=os.strerror(number),
            )
    sync(folder.parent)
    return replaced


def _drop_states(old: Path) -> None:
    """What a server keeps of the workspace that was replaced goes with it: no later erasure would reach it."""
    try:
        if Workspace(old).exists() and load(old / SETTINGS_FILE).stores.profiles != "sqlite":
            with Shop(old) as shop:
                shop.stock.states.clear()
                shop.stock.states.purge()
    except MienError as failed:
        log.warning("Restored. States of the workspace that was replaced are left where they were: %s", failed)


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=lambda one, other: link(Path(one), Path(other)))


@contextmanager
def _nobody_serves(folder: Path) -> Iterator[None]:
    if not Workspace(folder).exists():
        yield
        return
    handle = os.open(folder / SERVING, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError("{folder} is being served. End the server, then restore.", folder=folder) from None
        with Workspace(folder).writing():
            yield
    finally:
        os.close(handle)
