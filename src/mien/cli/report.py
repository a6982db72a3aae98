"""Pictures elsewhere: a user or a segment as a file."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.shared import COMMAND_LINE, HERE, WorkspaceOption, opened, tell
from mien.core.errors import UsageError
from mien.profiles.wording import Language


def report(
    of: Annotated[str, typer.Argument(help="A user's id, a saved segment, or everyone.", metavar="OF")],
    out_: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    workspace: WorkspaceOption = HERE,
    language: Annotated[str | None, typer.Option(help="en or zh; without it the shop's.")] = None,
    segment: Annotated[bool, typer.Option("--segment", help="A segment, also where a user has that id.")] = False,
) -> None:
    """Write all that is known of a user, or of a segment, as one HTML file that stands by itself."""
    if language not in (None, "en", "zh"):
        raise UsageError("“{language}” is no language of reports. Use en or zh.", language=language)
    with opened(workspace) as shop:
        chosen: Language | None = "zh" if language == "zh" else "en" if language else None
        page = shop.report(of, language=chosen, segment=segment, by=COMMAND_LINE)
    import_module("mien.stores.durable").write_whole(out_, page)
    tell("Wrote {file}.", file=out_)
