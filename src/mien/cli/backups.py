"""What outlives a disk, and what outlives an erasure: backups, restoring them, legal holds."""

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.shared import COMMAND_LINE, HERE, JsonOption, WorkspaceOption, opened, out, print_json, tell
from mien.cli.speaking import put
from mien.core.clock import load_zone, to_us
from mien.core.errors import UsageError
from mien.phrases import end


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
    tell("{n:,} files, {mb:,.1f} MB, are in {file}.", n=told["files"], mb=told["bytes"] / 1e6, file=file)
    if keys is None:
        tell("It is of no use without the users' keys: back them up with --keys FILE.")


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
    tell("Restored {workspace} as of {at} UTC.", workspace=workspace, at=told["of"][:19])
    if told["erased"]:
        tell("{n:,} ids that were erased since were erased again.", n=told["erased"])


def hold(
    user: Annotated[str | None, typer.Argument(help="The user's id; none lists what is held of erased users.")] = None,
    workspace: WorkspaceOption = HERE,
    until: Annotated[str | None, typer.Option(help="The day it ends on, which counts whole (ISO 8601).")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in words that name nobody.")] = None,
    release: Annotated[bool, typer.Option("--release", help="End the hold on this user.")] = False,
    json_: JsonOption = False,
) -> None:
    """Have a user's purchases outlive an erasure until a day, as purchases of nobody; or list what is so held."""
    with opened(workspace) as shop:
        zone = shop.settings.shop.zone

        def day(moment: str) -> str:
            return f"{datetime.fromisoformat(moment).astimezone(load_zone(zone)):%Y-%m-%d}"

        if user is None:
            told: object = shop.held()
            lines = [f"{day(one['until'])}  {one['events']:>8,}  {one['reason']}" for one in shop.held()]
        elif release:
            told = {"released": shop.release(user, by=COMMAND_LINE)}
            lines = [put("Released." if told["released"] else "There was no hold.")]
        else:
            if until is None or reason is None:
                raise UsageError("Say until when, and why: --until 2030-12-31 --reason 'tax records'")
            told = kept = shop.hold(user, end(until, zone), reason, by=COMMAND_LINE)
            lines = [
                put(
                    "Should {user} be erased, what they bought stays until {end}, as nobody's.",
                    user=user,
                    end=day(kept["until"]),
                )
            ]
    if json_:
        print_json(told)
        return
    for line in lines or [put("Nothing is held.")]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
