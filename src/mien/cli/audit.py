"""The audit log, listed and checked."""

from typing import Annotated

import typer

from mien.cli.helping import SpokenCommand, SpokenGroup
from mien.cli.shared import HERE, JsonOption, WorkspaceOption, opened, out, print_json, tell
from mien.cli.speaking import put, speaker
from mien.core.errors import UsageError
from mien.stores.audit import Head
from mien.stores.audit_check import verify as check

audit = typer.Typer(
    name="audit",
    cls=SpokenGroup,
    help="Who read, exported, erased and changed what; and whether the log is whole.",
    no_args_is_help=True,
)


@audit.command("list", cls=SpokenCommand)
def list_(
    workspace: WorkspaceOption = HERE,
    user: Annotated[str | None, typer.Option(help="Only what is about this user.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    json_: JsonOption = False,
) -> None:
    """The newest entries of the audit log."""
    with opened(workspace) as shop:
        found = shop.audit.entries(user_id=user, limit=limit)
    if json_:
        print_json({"entries": found})
        return
    for one in found:
        detail = ", ".join(f"{name} {value}" for name, value in one["detail"].items())
        about = "  " + put("user {user}", user=one["subject"]) if one["subject"] else ""
        line = f"{one['seq']:>8}  {one['at']}  {one['by']}  {one['action']}{about}  {detail}"
        out.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)
    if not found:
        out.print(put("Nothing was noted yet."))


@audit.command(cls=SpokenCommand)
def verify(
    workspace: WorkspaceOption = HERE,
    head: Annotated[str | None, typer.Option(help="A head that was kept elsewhere, as this command prints it.")] = None,
    json_: JsonOption = False,
) -> None:
    """Check every entry: what was altered, removed, moved or cut off is told, and where. Exit code 1 where it was."""
    known = None if head is None else Head.parse(head)
    if head is not None and known is None:
        raise UsageError("“{head}” is no head. It reads NUMBER:HASH, as mien audit verify prints it.", head=head[:80])
    with opened(workspace) as shop:
        verdict = check(shop.audit, known)
    if json_:
        print_json(verdict.to_dict())
    else:
        for problem in verdict.problems:
            out.print(speaker.say(problem), highlight=False, markup=False, soft_wrap=True)
        tell("{n:,} entries are as they were written. Head: {head}", n=verdict.entries, head=verdict.head)
    if not verdict.sound:
        raise typer.Exit(1)
