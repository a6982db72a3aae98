"""Backups of a workspace and of its users' keys, and restoring them."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.shared import HERE, JsonOption, WorkspaceOption, err, opened, print_json
from mien.core.clock import to_us


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    workspace: WorkspaceOption = HERE,
    keys: Annotated[
        Path | None, typer.Option(help="Write the users' keys to this file; keep it apart from the other.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Write a workspace to one file, as it is at this moment, while it is served. The users' keys are not in it."""
    with opened(workspace) as shop:
        told = shop.backup(file, keys)
    if json_:
        print_json(told)
        return
    err.print(
        f"{told['files']:,} files, {told['bytes'] / 1e6:,.1f} MB, are in {file}.", highlight=False, soft_wrap=True
    )
    if keys is None:
        err.print("It is of no use without the users' keys: back them up with --keys FILE.", soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A backup of a workspace.")],
    workspace: WorkspaceOption = HERE,
    keys: Annotated[Path | None, typer.Option(help="A backup of its keys, where they are not there.")] = None,
    json_: JsonOption = False,
) -> None:
    """Put a backup in place of a workspace, or where there is none. Who was erased since stays erased."""
    shop = import_module("mien.shop.opened")
    told = import_module("mien.shop.restoring").restore(file, workspace, keys, to_us(shop.utc_now()))
    if json_:
        print_json(told)
        return
    err.print(f"Restored {workspace} as of {told['of'][:19]} UTC.", highlight=False, soft_wrap=True)
    if told["erased"]:
        err.print(f"{told['erased']:,} ids that were erased since were erased again.", highlight=False, soft_wrap=True)
